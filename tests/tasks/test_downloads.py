"""Downloads that break, from a server on this host that fails as a test wants; no test contacts the network."""

import errno
import fcntl
import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from prunescape.errors import InputError
from prunescape.tasks import downloads, transfer
from prunescape.tasks.downloads import download
from support.project import SCRIPTS
from support.web_server import running_site

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
NAME = "images.tar.gz"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(downloads, "NEW", 1)


@pytest.fixture
def site():
    with running_site() as site:
        yield site


@pytest.fixture
def target(tmp_path):
    """Where the file goes: a folder that does not exist yet."""
    return tmp_path / "data" / "set" / NAME


def part_of(target):
    return target.with_name(NAME + downloads.PART)


def fetch(target, *addresses):
    """Download; gives the lines that were reported."""
    lines = []
    download(target, addresses, MD5, lines.append)
    return lines


def refusal(target, *addresses):
    """The one line with which a download fails."""
    with pytest.raises(InputError) as told:
        fetch(target, *addresses)
    assert "\n" not in str(told.value)
    return str(told.value)


def assert_whole(target):
    """The file has its name and its content, and nothing else is in the folder."""
    assert target.read_bytes() == CONTENT and list(target.parent.iterdir()) == [target]


def test_a_whole_file_takes_its_name(site, target):
    page = site.page("/a", CONTENT)
    assert "the published one" in fetch(target, f"{site.address}/a")[-1]
    assert_whole(target)
    assert page.requests == [""] and target.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("sized", [True, False])
def test_a_download_that_breaks_goes_on_where_it_was(site, target, sized):
    """Also where the server tells no length: then the md5 alone shows that the file is not whole."""
    page = site.page("/a", CONTENT, breaks=[100_000, 50_000])
    fetch(target, f"{site.address}/a")
    assert_whole(target)
    assert page.requests == ["", "bytes=100000-", "bytes=150000-"]


def test_the_next_run_goes_on_where_a_failed_one_was(site, target):
    page = site.page("/a", CONTENT, breaks=[100_000], statuses=[200, 503, 503, 503, 503])
    line = refusal(target, f"{site.address}/a")
    assert f"{NAME} cannot be downloaded" in line and "HTTP 503" in line
    assert f"0.1 MB are kept in {NAME}.part" in line and f"the md5 {MD5}" in line and "option url" in line
    assert part_of(target).read_bytes() == CONTENT[:100_000] and not target.exists()
    page.statuses.clear()
    fetch(target, f"{site.address}/a")
    assert_whole(target)
    assert page.requests[-1] == "bytes=100000-"


def test_another_source_goes_on_with_what_the_first_one_gave(site, target):
    site.page("/a", CONTENT, breaks=[200_000])
    second = site.page("/b", CONTENT)
    lines = fetch(target, f"{site.address}/a", f"{site.address}/b?key=secret")
    assert_whole(target)
    assert second.requests == ["bytes=200000-"]
    assert any("broke off after 200000 of 300000 bytes" in line for line in lines)
    assert "secret" not in "".join(lines)


@pytest.mark.parametrize("how", [{"ranges": False}, {"wrong_range": True}])
def test_a_server_without_ranges_begins_anew(site, target, how):
    page = site.page("/a", CONTENT, breaks=[100_000], **how)
    fetch(target, f"{site.address}/a")
    assert_whole(target)
    assert page.requests[:2] == ["", "bytes=100000-"]


def test_sources_are_tried_in_order_until_one_has_the_published_file(site, target):
    gone, wrong = site.page("/gone", statuses=[404] * 9), site.page("/wrong", b"<html>log in</html>")
    good, unused = site.page("/good", CONTENT), site.page("/unused", CONTENT)
    lines = fetch(target, *(f"{site.address}/{name}" for name in ("gone", "wrong", "good", "unused")))
    assert_whole(target)
    assert [len(page.requests) for page in (gone, wrong, good, unused)] == [1, 1, 1, 0]
    assert any("HTTP 404" in line for line in lines) and any("not the published file" in line for line in lines)


def test_wrong_content_everywhere_leaves_nothing(site, target):
    site.page("/a", b"x" * 1000), site.page("/b", CONTENT[:-1] + b"!")
    line = refusal(target, f"{site.address}/a", f"{site.address}/b")
    assert line.count("not the published file, its md5 is") == 2 and "kept" not in line
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("old", [b"z" * 1000, CONTENT + b"z", CONTENT], ids=["wrong", "too long", "whole"])
def test_a_partial_file_of_any_content_ends_in_the_right_one(site, target, old):
    page = site.page("/a", CONTENT)
    target.parent.mkdir(parents=True)
    part_of(target).write_bytes(old)
    fetch(target, f"{site.address}/a")
    assert_whole(target)
    assert page.requests == [f"bytes={len(old)}-", *([""] if old != CONTENT else [])]


def test_a_redirection_is_followed_with_its_range(site, target):
    page = site.page("/there", CONTENT, breaks=[1000])
    site.page("/here", moved=f"{site.address}/there")
    fetch(target, f"{site.address}/here")
    assert_whole(target)
    assert page.requests == ["", "bytes=1000-"]
    site.page("/loop", moved=f"{site.address}/loop"), site.page("/file", moved="file:///etc/hostname")
    site.page("/ftp", moved=site.address.replace("http", "ftp"))
    target.unlink()
    line = refusal(target, *(f"{site.address}/{name}" for name in ("loop", "file", "ftp")))
    assert line.count("HTTP 302") == 2 and f"{site.address}/ftp: it leads to ftp" in line


def test_a_file_address_is_copied(tmp_path, target):
    source = tmp_path / "copy"
    source.write_bytes(CONTENT)
    fetch(target, source.as_uri())
    assert_whole(target)
    target.unlink()
    assert "No such file" in refusal(target, (tmp_path / "none").as_uri())
    assert "cannot be downloaded" in refusal(target, tmp_path.as_uri())


def test_a_slow_source_gives_way_and_is_used_when_there_is_no_other(site, target, monkeypatch):
    monkeypatch.setattr(transfer, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(downloads, "LEAST_RATE", 1e9)
    slow = site.page("/slow", CONTENT, pause=0.01, piece=10_000)
    site.page("/fast", CONTENT)
    lines = fetch(target, f"{site.address}/slow", f"{site.address}/gone", f"{site.address}/fast")
    assert_whole(target)
    assert any(" kB/s" in line and "slow: " in line for line in lines)
    target.unlink()
    fetch(target, f"{site.address}/slow", f"{site.address}/gone")
    assert_whole(target)
    assert slow.requests[0] == "" and slow.requests[-1].startswith("bytes=")


def test_progress_is_one_line_from_time_to_time(site, target, monkeypatch):
    monkeypatch.setattr(downloads, "PROGRESS_SECONDS", 0.05)
    site.page("/a", CONTENT, pause=0.02, piece=20_000)
    lines = [line for line in fetch(target, f"{site.address}/a") if " MB of 0.3 MB, " in line]
    assert 2 <= len(lines) <= 8 and all(line.startswith(f"{NAME}: 0.") and line.endswith(" MB/s") for line in lines)


def test_progress_tells_megabytes_and_the_rate_of_what_is_new(monkeypatch):
    now, lines = [100.0], []
    monkeypatch.setattr(downloads, "time", SimpleNamespace(monotonic=lambda: now[0]))
    progress = downloads.Progress("a", 40_000_000, lines.append)
    for seconds, there in ((104, 41_000_000), (110, 60_000_000), (112, 90_000_000), (115, 100_000_000)):
        now[0] = seconds
        progress(there, 170_500_000 if seconds < 115 else None)
    assert lines == ["a: 60.0 MB of 170.5 MB, 2.00 MB/s", "a: 100.0 MB, 4.00 MB/s"]


def test_silence_ends_after_a_while(site, target, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(downloads, "NEW", 5000)
    page = site.page("/a", CONTENT, pause=1.0, piece=1000)
    assert "timed out" in refusal(target, f"{site.address}/a")
    assert page.requests[:2] == ["", "bytes=1000-"]
    assert part_of(target).read_bytes() == CONTENT[: 1000 * len(page.requests)]


def test_without_a_network_the_line_says_how_to_place_the_file(target):
    with running_site() as closed:
        address = closed.address
    line = refusal(target, f"{address}/a", "http://no-such-host.invalid/b")
    assert f"{address}/a: Connection refused; http://no-such-host.invalid/b: " in line
    assert line.startswith(f"{target.parent}: {NAME} cannot be downloaded")
    assert f"hint: put the file with the md5 {MD5} into this folder" in line
    assert list(target.parent.iterdir()) == []


def test_processes_that_want_the_same_file_share_one_download(site, target):
    page = site.page("/a", CONTENT, pause=0.02, piece=10_000)
    code = "import sys; from prunescape.tasks.downloads import download; from pathlib import Path\n"
    code += "download(Path(sys.argv[1]), [sys.argv[2]], sys.argv[3])"
    command = [sys.executable, "-c", code, str(target), f"{site.address}/a", MD5]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert page.requests == [""] and sum("from http" in text for text in printed) == 1
    assert_whole(target)


def test_a_process_that_is_killed_leaves_its_part_to_the_next(site, target):
    page = site.page("/a", CONTENT, pause=0.05, piece=10_000)
    code = "import sys; from prunescape.tasks.downloads import download; from pathlib import Path\n"
    code += "download(Path(sys.argv[1]), [sys.argv[2]], sys.argv[3])"
    command = [sys.executable, "-c", code, str(target), f"{site.address}/a", MD5]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, stdout=subprocess.DEVNULL)
    while not part_of(target).exists() or part_of(target).stat().st_size < 50_000:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = part_of(target).stat().st_size
    page.pause = 0.0
    fetch(target, f"{site.address}/a")
    assert_whole(target)
    assert page.requests == ["", f"bytes={kept}-"] and kept >= 50_000


def test_where_there_are_no_locks_each_download_has_a_file_of_its_own(site, target, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    site.page("/a", CONTENT, pause=0.01, piece=50_000)
    threads = [threading.Thread(target=fetch, args=(target, f"{site.address}/a")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_whole(target)
    target.unlink()
    site.page("/broken", CONTENT, breaks=[100_000], statuses=[200, 404])
    assert "kept" not in refusal(target, f"{site.address}/broken")
    assert list(target.parent.iterdir()) == []


def test_a_full_disk_is_one_line_and_what_came_is_kept(site, target):
    page = site.page("/a", CONTENT)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        line = refusal(target, f"{site.address}/a", f"{site.address}/b")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert line == (
        f"{target}: cannot be written: File too large; hint: free some space and run again: {NAME}.part is kept"
    )
    assert part_of(target).read_bytes() == CONTENT[:100_000]
    fetch(target, f"{site.address}/a")
    assert_whole(target)
    assert page.requests == ["", "bytes=100000-"]


@pytest.mark.parametrize("place", ["/proc/nowhere", "file"])
def test_a_folder_that_cannot_be_written_to_is_one_line(site, tmp_path, place):
    (tmp_path / "file").write_text("")
    target = (tmp_path / place) / "folder" / NAME
    site.page("/a", CONTENT)
    assert f"{target}: cannot be written: " in refusal(target, f"{site.address}/a")
