"""A door before a world: it forwards every call, and lets a test act just before one."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_OWN = {"connection", "content-length", "transfer-encoding"}


@contextmanager
def forwarded(url: str, before: Callable[[str], None]) -> Iterator[str]:
    """The door's own URL; ``before`` hears of each call's operation before the world at ``url`` does."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            before(_operation(self, body))
            world = http.client.HTTPConnection(urlsplit(url).netloc)
            try:
                world.request(self.command, self.path, body or None, dict(self.headers))
                answer = world.getresponse()
                self._pass_on(answer, answer.read())
            except (OSError, http.client.HTTPException):  # a dark region hangs up
                self.close_connection = True
            finally:
                world.close()

        def _pass_on(self, answer: http.client.HTTPResponse, content: bytes) -> None:
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _operation(request: BaseHTTPRequestHandler, body: bytes) -> str:
    """The operation by the names of AWS's protocols; of REST the method and the path's first parts."""
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2]
    if body.startswith(b"Action="):
        return parse_qs(body.decode())["Action"][0]
    return " ".join((request.command, *urlsplit(request.path).path.split("/")[1:3]))
