"""A server on this machine that can be told to misbehave."""

import hashlib
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from keras_vnn.readers.downloads import RemoteFile

CONTENT = bytes(range(256)) * 4096  # 1 MB


@dataclass
class Behaviour:
    """What the server does; ``requests`` are the (path, range) it was asked for."""

    content: bytes = CONTENT
    cut: list[int] = field(default_factory=list)  # bytes to send before hanging up, one entry per request
    status: list[int] = field(default_factory=list)  # an answer other than success, one entry per request
    delay: float = 0.0
    has_ranges: bool = True
    has_length: bool = True
    tag: str = ""
    encoding: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def etag(self):
        return self.tag or f'"{hashlib.sha256(self.content).hexdigest()[:8]}"'


@contextmanager
def serving(behaviour):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range", "")
            behaviour.requests.append((self.path, asked))
            time.sleep(behaviour.delay)
            if behaviour.status:
                self.send_error(behaviour.status.pop(0))
                return
            content, begin = behaviour.content, 0
            if asked and behaviour.has_ranges and self.headers.get("If-Range") == behaviour.etag:
                begin = int(asked.removeprefix("bytes=").removesuffix("-"))
                if begin >= len(content):
                    self.send_error(416)
                    return
            self.send_response(206 if begin else 200)
            self.send_header("ETag", behaviour.etag)
            if behaviour.encoding:
                self.send_header("Content-Encoding", behaviour.encoding)
            if behaviour.has_length:
                self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            rest = content[begin:]
            if behaviour.cut:
                rest = rest[: behaviour.cut.pop(0)]
            with suppress(ConnectionError):  # a client that gave up
                self.wfile.write(rest)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def behaviour():
    return Behaviour()


@pytest.fixture
def file(behaviour):
    """A file that the server has."""
    with serving(behaviour) as address:
        yield RemoteFile(
            "go-small",
            "a small file",
            f"{address}/go-small.obo",
            "current",
            "go-small.obo",
            "CC0",
            "terms",
            "cite",
            "doi",
        )


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No proxy, a cache folder of the test's own, no waiting between attempts."""
    from keras_vnn.readers.downloads import _fetch

    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_VNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_fetch, "PAUSE", 0.0)
