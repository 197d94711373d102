"""A web server on this host whose files, and the ways in which it fails, a test chooses. Contacts no network."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Page:
    """What is at one path: its content and how it is sent; `requests` are the Range headers that came, or empty texts.

    `breaks` are the bytes after which the connection ends, one for each request until none is left; `moved` is another
    address; `pause` are seconds between pieces of `piece` bytes; without `sized` the server tells no length.
    """

    content: bytes = b""
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    moved: str = ""
    pause: float = 0.0
    piece: int = 1 << 20
    sized: bool = True
    wrong_range: bool = False
    requests: list[str] = field(default_factory=list)


@dataclass
class Site:
    """The pages of a running server by their paths, such as `/a.gz`, and its address."""

    address: str
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, path: str, content: bytes = b"", **how) -> Page:
        """Put a page there, and give it."""
        self.pages[path] = Page(content, **how)
        return self.pages[path]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the page at the path says."""

    def log_message(self, *arguments) -> None:
        pass

    def do_GET(self) -> None:
        page = self.server.site.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(404)
            return
        page.requests.append(self.headers.get("Range", ""))
        if page.moved:
            self.send_response(302)
            self.send_header("Location", page.moved)
            self.end_headers()
        elif page.statuses and (status := page.statuses.pop(0)) != 200:
            self.send_error(status)
        else:
            self.send_page(page)

    def send_page(self, page: Page) -> None:
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted and page.ranges else 0
        if start and start >= len(page.content):
            self.send_error(416)
            return
        content = page.content[start:]
        self.send_response(206 if start else 200)
        if start:
            first = 0 if page.wrong_range else start
            self.send_header("Content-Range", f"bytes {first}-{len(page.content) - 1}/{len(page.content)}")
        if page.sized:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.send_content(page, content[: page.breaks.pop(0)] if page.breaks else content)

    def send_content(self, page: Page, content: bytes) -> None:
        try:
            for first in range(0, len(content), page.piece):
                self.wfile.write(content[first : first + page.piece])
                time.sleep(page.pause)
        except OSError:  # the other side had enough
            pass


@contextmanager
def running_site() -> Iterator[Site]:
    """A server on 127.0.0.1 that ends with the block."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.site = Site(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server.site
        finally:
            server.shutdown()
