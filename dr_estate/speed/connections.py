"""Connections to AWS that all read clients of one session share: http.client's, where nothing is set that it lacks.

botocore gives each client a pool of urllib3, whose layers cost more than a request's own bytes. A handler of
``before-send`` may answer in its place, which is public: signing, retries, parsing and every other handler are
botocore's as ever, and so are the errors. Where a proxy, issuers of one's own, keep-alive of TCP or a streamed answer
is wanted, the handler gives no answer, and botocore's own session sends the request.
"""

from __future__ import annotations

import http.client
import io
import os
import ssl
import weakref
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import botocore.httpsession
from botocore import exceptions
from botocore.awsrequest import AWSResponse
from botocore.utils import get_environ_proxies
from urllib3 import HTTPHeaderDict
from urllib3.util import wait_for_read

from dr_estate.speed.kept_code import are_on

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.session import Session

Place = tuple[str, str, int]
"""Scheme, host and port of an endpoint; port 0 where the scheme is of no HTTP."""
_PORTS = {"http": 80, "https": 443}


class SharedConnections:
    """Sends requests on connections that stay open; one is used by one thread at a time. Thread-safe.

    ``issuers`` is a file of those to trust, None: those that botocore trusts.
    """

    def __init__(self, session: Session, issuers: str | None = None) -> None:
        self._session = session
        self._issuers = issuers or botocore.httpsession.get_cert_path(verify=True)
        self._idle: defaultdict[Place, deque[http.client.HTTPConnection]] = defaultdict(deque)
        self._serves: dict[Place, bool] = {}
        self._keeps = True
        weakref.finalize(self, _close_all, self._idle)

    def send(self, request: AWSPreparedRequest, connect_s: float, read_s: float) -> AWSResponse | None:
        """The answer to ``request``; None where botocore's own session has to send it. Raises what that one raises.

        ``connect_s`` and ``read_s`` are the time-outs of botocore's settings of these names.
        """
        url = urlsplit(request.url)
        place = url.scheme, url.hostname or "", url.port or _PORTS.get(url.scheme, 0)
        if not self._can_send(request, place):
            return None
        try:
            connection = self._connection(request.url, place, connect_s)
            if connection.sock.gettimeout() != read_s:
                connection.sock.settimeout(read_s)
            return self._exchange(request, url, connection, place)
        except exceptions.BotoCoreError:  # some of them are an OSError too
            raise
        except TimeoutError as late:
            raise exceptions.ReadTimeoutError(endpoint_url=request.url, error=late) from late
        except ssl.SSLError as refused:
            raise exceptions.SSLError(endpoint_url=request.url, error=refused) from refused
        except (OSError, http.client.HTTPException) as broken:
            raise exceptions.ConnectionClosedError(error=broken, request=request, endpoint_url=request.url) from broken
        except ValueError as odd:  # a header or an address that HTTP has no place for
            raise exceptions.HTTPClientError(error=odd) from odd

    def close(self, *, for_good: bool = False) -> None:
        """Close this process's ends of all connections that are idle; ``for_good``: of those in use, once they are."""
        self._keeps &= not for_good
        _close_all(self._idle)

    def _can_send(self, request: AWSPreparedRequest, place: Place) -> bool:
        if place not in self._serves:
            # What only botocore's session knows is left to it. A client exists by now: the settings are sound.
            setting = self._session.get_config_variable
            issuers = place[0] == "https" and (setting("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE"))
            special = issuers or setting("tcp_keepalive") or get_environ_proxies(request.url)
            self._serves[place] = are_on() and place[2] != 0 and not special
        is_usual = "Expect" not in request.headers and "Transfer-Encoding" not in request.headers
        is_whole = not request.stream_output and isinstance(request.body, bytes | bytearray | str | None)
        return self._serves[place] and is_usual and is_whole and not request.context.get("read_timeout")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """What botocore's own connections trust, and by the same rules."""
        context: ssl.SSLContext = botocore.httpsession.create_urllib3_context()
        context.load_verify_locations(self._issuers)
        context.set_alpn_protocols(["http/1.1"])
        context.check_hostname, context.verify_mode = True, ssl.CERT_REQUIRED
        return context

    def _exchange(
        self, request: AWSPreparedRequest, url: SplitResult, connection: http.client.HTTPConnection, place: Place
    ) -> AWSResponse:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            with suppress(BrokenPipeError):  # as urllib3, it hears an answer of who hung up early
                connection.request(request.method, target, body, request.headers)
            with connection.getresponse() as answer:
                content = _content(answer)
                goes_on = answer.isclosed() and not answer.will_close
        except BaseException:
            connection.close()
            raise
        if goes_on:
            self._idle[place].append(connection)
        else:
            connection.close()
        if not self._keeps:
            _close_all(self._idle)
        return ReceivedAnswer(request.url, answer.status, HTTPHeaderDict(answer.getheaders()), content)

    def _connection(self, url: str, place: Place, connect_s: float) -> http.client.HTTPConnection:
        """The connection that was used last and that AWS has not closed since, or a new one."""
        idle = self._idle[place]
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was quicker
                break
            if not wait_for_read(connection.sock, timeout=0.0):
                return connection
            connection.close()
        return self._new_connection(url, place, connect_s)

    def _new_connection(self, url: str, place: Place, connect_s: float) -> http.client.HTTPConnection:
        scheme, host, port = place
        connection = http.client.HTTPConnection(host, port, timeout=connect_s)
        if scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=connect_s, context=self._tls)
        try:
            connection.connect()
        except OSError as refused:
            connection.close()
            if isinstance(refused, ssl.SSLError):
                raise
            if isinstance(refused, TimeoutError):
                raise exceptions.ConnectTimeoutError(endpoint_url=url, error=refused) from refused
            raise exceptions.EndpointConnectionError(endpoint_url=url, error=refused) from refused
        return connection


class ReceivedAnswer(AWSResponse):
    """An answer that has arrived whole, as botocore's own session returns it."""

    def __init__(self, url: str, status: int, headers: Mapping[str, str], content: bytes) -> None:
        # botocore reads a bucket's location from no answer whose raw is None
        super().__init__(url, status, headers, io.BytesIO(content))
        self._content = content


def _content(answer: http.client.HTTPResponse) -> bytes:
    """The whole body, or as far as it came: botocore's session does not count."""
    try:
        return answer.read()
    except http.client.IncompleteRead as cut:
        if answer.chunked:
            raise
        return cut.partial


def _close_all(idle: dict[Place, deque[http.client.HTTPConnection]]) -> None:
    for connections in idle.copy().values():
        with suppress(IndexError):  # another thread was quicker
            while connections:
                connections.pop().close()
