"""Which original files are downloaded, into which folder, and from where; what is refused. A server on this host."""

import hashlib
import io
import tarfile

import pytest

from prunescape.config import originals, speech, texts
from prunescape.config.datasets import (
    ORIGINALS,
    check_options,
    identity_options,
    missing_files,
    resolve_options,
    source_digest,
)
from prunescape.config.originals import addresses_of
from prunescape.errors import InputError
from prunescape.running.early_checks import check_originals
from prunescape.tasks.downloads import fetch_originals
from support.web_server import running_site

FILES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz")


@pytest.fixture
def site(monkeypatch):
    """A server with small files in place of the published ones, and their md5; no other source is known."""
    with running_site() as site:
        for name, (files, batches) in ORIGINALS.items():
            for file in files:
                put(site, monkeypatch, files, f"/{name}/{file}", f"{name} {file}".encode())
            for batch in batches:
                monkeypatch.setitem(batches, batch, md5_of(batch.encode()))
        put(site, monkeypatch, texts.TEXT_MD5["imdb"], f"/imdb/{texts.IMDB_ARCHIVE}", b"reviews")
        put(site, monkeypatch, speech.ARCHIVE_MD5, f"/speech-commands/{speech.ARCHIVE}", b"clips")
        for name in originals.SOURCES:
            monkeypatch.setitem(originals.SOURCES, name, (f"{site.address}/none/", f"{site.address}/{name}/"))
        yield site


def put(site, monkeypatch, files, path, content):
    site.page(path, content)
    monkeypatch.setitem(files, path.rpartition("/")[2], md5_of(content))


def md5_of(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder, in which the default folders are; Debian's Fashion-MNIST is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("prunescape.config.datasets.DEBIAN_FASHION", tmp_path / "none")
    return tmp_path


@pytest.mark.parametrize("name", list(originals.SOURCES))
def test_a_default_folder_is_filled_and_the_data_are_the_same_before_and_after(site, here, name):
    options = resolve_options(name, {})
    before = source_digest(options)
    check_originals([options])
    fetch_originals(options, lambda line: None)
    others = {"imdb": texts.TEXT_MD5.get("imdb"), "speech-commands": speech.ARCHIVE_MD5}
    files = others[name] if name in others else ORIGINALS[name][0]
    assert sorted(path.name for path in (here / options["folder"]).iterdir()) == sorted(files)
    assert missing_files(options) == {} and source_digest(options) == before


def test_only_what_a_folder_lacks_is_downloaded(site, here):
    folder = here / "mine"
    folder.mkdir()
    for file in FILES:
        (folder / file).write_bytes(b"of the user")
    fetch_originals(resolve_options("mnist", {"folder": str(folder), "download": True}), lambda line: None)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in FILES} == dict.fromkeys(
        FILES, b"of the user"
    )
    assert (folder / "t10k-labels-idx1-ubyte.gz").read_bytes() == b"mnist t10k-labels-idx1-ubyte.gz"
    asked = [path for path, page in site.pages.items() if page.requests]
    assert asked == ["/mnist/t10k-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize("options", [{"folder": "mine"}, {"folder": "mine", "download": False}, {"download": False}])
def test_a_folder_of_the_users_or_no_download_names_what_is_missing(site, here, options):
    resolved = resolve_options("mnist", options)
    (here / resolved["folder"]).mkdir(parents=True)
    (here / resolved["folder"] / FILES[0]).write_bytes(b"of the user")
    for look in (lambda: check_originals([resolved]), lambda: fetch_originals(resolved)):
        with pytest.raises(InputError) as told:
            look()
        assert str(told.value) == (
            f"{resolved['folder']}: original files are missing: {', '.join(FILES[1:])}, t10k-labels-idx1-ubyte.gz; "
            "hint: put them there, or have them downloaded with datasets.mnist.download: true, or from a url"
        )
    assert not any(page.requests for page in site.pages.values())


def test_a_url_replaces_the_sources_and_allows_the_download(site, here):
    site.page("/mirror/cifar-10-python.tar.gz", b"cifar10 cifar-10-python.tar.gz")
    for number, url in enumerate(
        [f"{site.address}/mirror/", [f"{site.address}/gone", f"{site.address}/mirror/cifar-10-python.tar.gz?key=1"]]
    ):
        options = resolve_options("cifar10", {"folder": f"mine{number}", "url": url})
        fetch_originals(options, lambda line: None)
        assert (here / f"mine{number}" / "cifar-10-python.tar.gz").read_bytes() == b"cifar10 cifar-10-python.tar.gz"
    assert not site.pages["/cifar10/cifar-10-python.tar.gz"].requests
    assert resolve_options("cifar10", {"url": url, "download": False})["download"] is False


def test_debians_folder_is_not_written_to(here, monkeypatch):
    monkeypatch.setattr("prunescape.config.datasets.DEBIAN_FASHION", here)
    options = resolve_options("fashion-mnist", {})
    assert (options["folder"], options["download"]) == (str(here), False)


def test_where_data_come_from_is_no_part_of_what_they_are(here):
    plain = identity_options(resolve_options("cifar10", {}))
    for more in ({"url": "https://example.org/"}, {"download": False}, {"folder": "x", "download": True}):
        assert identity_options(resolve_options("cifar10", more)) == plain


def test_batches_that_lack_one_are_replaced_by_the_archive_or_named(site, here):
    folder = here / "mine"
    for batch in list(ORIGINALS["cifar10"][1])[1:]:
        (folder / batch).parent.mkdir(parents=True, exist_ok=True)
        (folder / batch).write_bytes(batch.encode())
    with pytest.raises(InputError, match="original files are missing: data_batch_1;"):
        check_originals([resolve_options("cifar10", {"folder": str(folder)})])
    options = resolve_options("cifar10", {"folder": str(folder), "download": True})
    before = source_digest(options)
    fetch_originals(options, lambda line: None)
    assert (folder / "cifar-10-python.tar.gz").is_file() and source_digest(options) == before


def test_whole_batches_and_an_unpacked_corpus_need_no_archive(site, here):
    folder = here / "mine"
    for batch in ORIGINALS["cifar10"][1]:
        (folder / batch).parent.mkdir(parents=True, exist_ok=True)
        (folder / batch).write_bytes(batch.encode())
    (folder / texts.IMDB_TREE).mkdir()
    for name in ("cifar10", "imdb"):
        for download in (True, False):
            fetch_originals(resolve_options(name, {"folder": str(folder), "download": download}))
    fetch_originals(resolve_options("digits", {})), fetch_originals(resolve_options("imagenet", {}))
    assert not any(page.requests for page in site.pages.values())


def test_addresses_are_those_of_folders_or_files():
    def of(name, file, url):
        return addresses_of(resolve_options(name, {"url": url}), file)

    assert of("mnist", "a.gz", "https://x.org/m") == of("mnist", "a.gz", "https://x.org/m/") == ["https://x.org/m/a.gz"]
    assert of("cifar10", "a.gz", ["https://x.org/m", "file:///m/"]) == ["https://x.org/m", "file:///m/a.gz"]
    assert addresses_of(resolve_options("imdb", {}), texts.IMDB_ARCHIVE) == [
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        "https://dataset.bj.bcebos.com/imdb%2FaclImdb_v1.tar.gz",
    ]
    for name, sources in originals.SOURCES.items():
        check_options(name, {"url": list(sources)})
        assert len(set(sources)) == len(sources) >= 2


@pytest.mark.parametrize(
    "url",
    [
        *("", "x.org/a", "ftp://x.org/a", "https://", "https://me:secret@x.org/a", "https://x.org/a b", "file://"),
        *("https://x.org:port/", "https://x.org/ä", "https://[x.org/", "http://x.org/a\nb"),
        *(3, [], ["https://x.org/", 3], {"https://x.org/": 1}),
    ],
)
def test_addresses_that_cannot_be_used(url):
    with pytest.raises(
        InputError, match=r"cannot take .* for url; allowed: an address \(http, https or file\)"
    ) as told:
        check_options("cifar10", {"url": url})
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cifar10", {"download": "yes"}, "cannot take 'yes' for download; allowed: true or false"),
        ("cifar10", {"urls": "https://x.org/"}, 'has no option "urls" .*; hint: did you mean "url"'),
        ("digits", {"url": "https://x.org/"}, 'has no option "url"'),
        ("imagenet", {"download": True}, 'has no option "download"'),
        ("movie-reviews", {"download": True}, 'has no option "download"'),
    ],
)
def test_options_of_downloads_that_cannot_be_used(name, options, message):
    with pytest.raises(InputError, match=message):
        check_options(name, options)


def test_an_archive_with_odd_members_writes_nothing(tmp_path, monkeypatch):
    """Members outside the folder, links and devices beside the needed ones: the archive is only read."""
    from prunescape.tasks.images.readers import HINT, read_cifar

    archive = tmp_path / "data" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("../evil", "/tmp/downloads-evil"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    with pytest.raises(InputError, match=HINT):
        read_cifar(resolve_options("cifar10", {"folder": str(archive.parent)}))
    assert [path.name for path in tmp_path.rglob("*")] == ["data", archive.name]
