"""The HTTP side: a threaded server on loopback that keeps connections alive and answers in one write.

Werkzeug's own handler closes every connection and waits 10 ms for stray bytes after each; that would be most of a
call's time here. Bodies are read whole before the application runs, so nothing is left on the wire.
"""

from __future__ import annotations

import io
from http.client import responses
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from sandbox.core.errors import SandboxError
from sandbox.core.request_parser import Environ

LOOPBACK = "127.0.0.1"
# Longer than a client pauses between two calls of one run: botocore would meet a closed connection otherwise.
IDLE_S = 300
# 204 and 304 have no body and must not have a length (RFC 9110).
NO_BODY = (204, 304)


class Handler(MotoRequestHandler):
    """Serves requests one after another on a kept-alive connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = IDLE_S

    def run_wsgi(self) -> None:
        """Answer one request. A ConnectionError of the application closes the connection without an answer."""
        # S3 uploads ask first: boto3 waits a second for this line before it sends the body.
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ: Environ = self.make_environ()
        environ["wsgi.input"] = self._whole(environ)
        try:
            response = Response.from_app(self.server.app, environ, buffered=True)
        except ConnectionError:
            self.close_connection = True
            return
        self._send(environ, response)

    def _whole(self, environ: Environ) -> io.BytesIO:
        chunked = environ.pop("wsgi.input_terminated", False)
        if chunked:
            body = environ["wsgi.input"].read()
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        else:
            # To the last byte even where nobody reads it: what stays on the wire would be taken for the next request.
            body = self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["CONTENT_LENGTH"] = str(len(body))
        return io.BytesIO(body)

    def _send(self, environ: Environ, response: Response) -> None:
        body = response.get_data()
        head = environ["REQUEST_METHOD"] == "HEAD"
        status = response.status_code
        self.send_response_only(status, responses.get(status, "Unknown"))
        if "Date" not in response.headers:
            self.send_header("Date", self.date_time_string())
        lengthless = head or status in NO_BODY
        for name, value in response.headers:
            # Both are this server's own: the application's would contradict the connection that is kept.
            if name.lower() not in ("connection", "transfer-encoding") and (
                lengthless or name.lower() != "content-length"
            ):
                self.send_header(name, value)
        if not lengthless:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not lengthless:
            self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Keep quiet: calls are counted, not logged."""


def listen(application: Any, port: int, fallback: bool = False) -> BaseWSGIServer:
    """Bind ``application`` to ``port`` of loopback (0: any free one).

    With ``fallback`` a taken port is replaced by a free one; without it SandboxError says who is in the way.
    """
    try:
        return make_server(LOOPBACK, port, application, threaded=True, request_handler=Handler)
    # make_server ends the process where a port is taken: SystemExit is meant.
    except (OSError, SystemExit) as taken:
        if fallback:
            return make_server(LOOPBACK, 0, application, threaded=True, request_handler=Handler)
        raise SandboxError(f"Port {port} of {LOOPBACK} is taken: choose another with --port, or none.") from taken
