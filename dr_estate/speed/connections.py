"""Connections to AWS that all read clients of one session share: http.client's, where nothing is set that it lacks.

botocore gives each client a pool of urllib3, whose layers cost more than a request's own bytes. A handler of
``before-send`` may answer in its place, which is public: signing, retries, parsing and every other handler are
botocore's as ever, and so are the errors. Where a proxy, issuers of one's own, keep-alive of TCP or a streamed answer
is wanted, the handler gives no answer, and botocore's own session sends the request.
"""

from __future__ import annotations

import http.client
import os
import ssl
import weakref
from collections import defaultdict, deque
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import botocore.httpsession
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.utils import get_environ_proxies
from urllib3.util import wait_for_read

from dr_estate.speed.kept_code import are_on
from dr_estate.speed.plain_http import Place, ReceivedAnswer, exchange, place_at, request_bytes

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.session import Session


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
        place = place_at(url)
        if not self._can_send(request, place):
            return None
        try:
            connection = self._connection(request.url, place, connect_s)
            if connection.sock.gettimeout() != read_s:
                connection.sock.settimeout(read_s)
            return self._exchange(request, url, connection, place)
        except BotoCoreError:  # some of them are an OSError too
            raise
        except TimeoutError as late:
            raise ReadTimeoutError(endpoint_url=request.url, error=late) from late
        except ssl.SSLError as refused:
            raise SSLError(endpoint_url=request.url, error=refused) from refused
        except (OSError, http.client.HTTPException) as broken:
            raise ConnectionClosedError(error=broken, request=request, endpoint_url=request.url) from broken
        except ValueError as odd:  # a header or an address that HTTP has no place for
            raise HTTPClientError(error=odd) from odd

    def close(self, *, for_good: bool = False) -> None:
        """Close this process's ends of all connections that are idle; ``for_good``: of those in use, once they are."""
        self._keeps &= not for_good
        _close_all(self._idle)

    def _can_send(self, request: AWSPreparedRequest, place: Place) -> bool:
        if place not in self._serves:
            self._serves[place] = self._is_plain(place[0]) and place[2] != 0 and not get_environ_proxies(request.url)
        is_usual = "Expect" not in request.headers and "Transfer-Encoding" not in request.headers
        is_whole = not request.stream_output and isinstance(request.body, bytes | bytearray | str | None)
        return self._serves[place] and is_usual and is_whole and not request.context.get("read_timeout")

    def _is_plain(self, scheme: str) -> bool:
        """Whether nothing is set that only botocore's session knows. A client exists by now: the settings are sound."""
        setting = self._session.get_config_variable
        issuers = scheme == "https" and (setting("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE"))
        return are_on() and not issuers and not setting("tcp_keepalive")

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
        content = request_bytes(request.method, target, place, request.headers, body or b"")
        try:
            if content is None:  # http.client says what is odd
                connection.request(request.method, target, body, request.headers)
            status, headers, received, goes_on = exchange(connection.sock, content or b"", request.method)
        except BaseException:
            connection.close()
            raise
        if goes_on:
            self._idle[place].append(connection)
        else:
            connection.close()
        if not self._keeps:
            _close_all(self._idle)
        return ReceivedAnswer(request.url, status, headers, received)

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
        connection: http.client.HTTPConnection
        if scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=connect_s, context=self._tls)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=connect_s)
        try:
            connection.connect()
        except TimeoutError as late:
            connection.close()
            raise ConnectTimeoutError(endpoint_url=url, error=late) from late
        except ssl.SSLError:
            connection.close()
            raise
        except OSError as refused:
            connection.close()
            raise EndpointConnectionError(endpoint_url=url, error=refused) from refused
        return connection


def _close_all(idle: dict[Place, deque[http.client.HTTPConnection]]) -> None:
    for connections in idle.copy().values():
        with suppress(IndexError):  # another thread was quicker
            while connections:
                connections.pop().close()
