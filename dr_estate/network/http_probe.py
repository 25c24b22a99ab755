"""The only access to tenants' sites: one request or TLS handshake, with a time limit and no proxy."""

from __future__ import annotations

import hashlib
import http.client
import io
import re
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind

# Seconds to let a visitor in, and seconds for that and all that follows.
Limits = tuple[float, float]
_BODY_BYTES = 65536
_SHORTEST_S = 0.001
_CACHED = re.compile(r"(?:Refresh)?Hit from cloudfront", re.IGNORECASE)  # "Troubleshooting", CloudFront guide, X-Cache
_OF_NAME, _OF_LABEL = re.compile(r"[a-z0-9.-]"), re.compile(r"[a-z0-9-]")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Visit:
    """One answer, reduced. ``names_host``: head or body speak of the host; ``digest`` is of status, realm and body.

    ``realm`` is what it asks a password for. ``cached``: CloudFront answered out of its cache and asked no region.
    """

    host: str
    status: int
    time_s: float
    names_host: bool
    title: str
    digest: str
    realm: str = ""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Handshake:
    """The certificate presented for ``host``: when it ends (UTC), and ``problem``, "" where a browser would take it."""

    host: str
    not_after: datetime | None
    problem: str


class NoAnswerInTime(DataUnavailable):
    """The time limit was over before there was a whole answer; more time might have shown one."""


def visit(
    address: str, port: int, host: str, path: str, timeout_s: float, region: str = "", tls: ssl.SSLContext | None = None
) -> Visit:
    """GET ``path`` at ``address`` in ``region`` as ``host``, over HTTPS where ``tls`` is given, following no redirect.

    ``timeout_s`` is for all of it: the connection, the handshake and the whole answer, however it comes.
    Raises DataUnavailable: NOT_REACHABLE where no connection or handshake came about, or it was cut off (a firewall's
    ways to refuse); UNREACHABLE where a connection stood and no whole answer came. It is NoAnswerInTime where the time
    was over.
    """
    started, place = time.monotonic(), f"{address}:{port}"
    ends_s = started + timeout_s
    connection = http.client.HTTPConnection(address, port)
    try:
        connection.sock = _connection(address, port, host, ends_s, region, tls)
        connection.request("GET", path, headers={"Host": host, "User-Agent": "aws-dr-manager", "Connection": "close"})
        answer, body = _answer(connection.sock, ends_s)
    except ConnectionError as cut:  # http.client.RemoteDisconnected is one
        raise _not_reachable(place, host, cut, region) from cut
    except (OSError, http.client.HTTPException) as silent:
        reason = f"{place} gave no whole answer for {host}: {type(silent).__name__} {silent}".strip()
        raise _unavailable_error(UnavailableKind.UNREACHABLE, f"{reason}.", region, silent) from silent
    finally:
        connection.close()
    text = body.decode("utf-8", "replace")
    title = _TITLE.search(text)
    realm = answer.getheader("WWW-Authenticate") or ""
    content = "\n".join((*(f"{name}: {value}" for name, value in answer.getheaders()), text)).lower()
    return Visit(
        host=host,
        status=answer.status,
        time_s=round(time.monotonic() - started, 3),
        names_host=_names(content, host.lower()),
        title=" ".join(title[1].split())[:80] if title else "",
        digest=hashlib.sha256(f"{answer.status}\n{realm}\n".encode() + body).hexdigest(),
        realm=realm,
        cached=_CACHED.match(answer.getheader("X-Cache") or "") is not None,
    )


def _answer(wire: socket.socket, ends_s: float) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer, and its body as far as it is kept.

    It is closed here: Python 3.13 complains on stderr of one that the garbage collector closes after its file.
    """
    with http.client.HTTPResponse(cast(socket.socket, _TimedAnswer(wire, ends_s)), method="GET") as answer:
        answer.begin()
        return answer, answer.read(_BODY_BYTES)


def _names(content: str, host: str) -> bool:
    """Whether ``content`` has ``host`` as a whole name: a pattern for each of thousands would be compiled for each."""
    start = content.find(host)
    while start >= 0:
        before, after = content[max(start - 1, 0) : start], content[start + len(host) : start + len(host) + 1]
        if not (_OF_NAME.match(before) or _OF_LABEL.match(after)):
            return True
        start = content.find(host, start + 1)
    return False


class _TimedAnswer(io.RawIOBase):
    """What comes in on a connection until a moment (of time.monotonic): each read has the time that is left."""

    def __init__(self, wire: socket.socket, ends_s: float) -> None:
        super().__init__()
        self._wire, self._ends_s = wire, ends_s

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return it as http.client reads it."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is. Raises TimeoutError."""
        self._wire.settimeout(_left_s(self._ends_s))
        return self._wire.recv_into(buffer)


def _left_s(ends_s: float) -> float:
    """Seconds until then. Raises TimeoutError where there are none: a socket would take 0 for "do not wait"."""
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    return left_s


def _connection(
    address: str, port: int, host: str, ends_s: float, region: str, tls: ssl.SSLContext | None
) -> socket.socket:
    """An open connection, its handshake done where ``tls`` is given. Raises DataUnavailable: NOT_REACHABLE."""
    try:
        wire = _wire(address, port, _left_s(ends_s), ends_s)
        return tls.wrap_socket(wire, server_hostname=host) if tls else wire
    except OSError as refused:  # ssl.SSLError is one
        raise _not_reachable(f"{address}:{port}", host, refused, region) from refused


def _not_reachable(place: str, host: str, reason: Exception, region: str) -> DataUnavailable:
    text = (
        f"{place} is not reachable from here for {host} ({type(reason).__name__}: {reason}): that says nothing of "
        "whether visitors are served."
    )
    return _unavailable_error(UnavailableKind.NOT_REACHABLE, text, region, reason)


def _unavailable_error(kind: UnavailableKind, text: str, region: str, reason: Exception) -> DataUnavailable:
    error = NoAnswerInTime if isinstance(reason, TimeoutError) else DataUnavailable
    return error(Unavailable(kind, text, region))


@cache
def visitor_context(public: bool) -> ssl.SSLContext:
    """The TLS of a visitor's browser; the certificates of a world that is not ``public`` have no known issuer.

    One for all visits: to read the machine's issuers takes 6 ms of CPU.
    """
    if public:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def handshake(address: str, port: int, host: str, limits_s: Limits, public: bool, region: str = "") -> Handshake:
    """Perform a TLS handshake as a visitor of ``host`` in ``region``. Raises DataUnavailable where nobody answers.

    Where the world is not ``public`` its certificates have no known issuer: the presented certificate then counts as
    its own issuer, and its names and dates are still judged.
    """
    connecting_s, ends_s = limits_s[0], time.monotonic() + limits_s[1]
    try:
        if public:
            context = visitor_context(public)
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=_certificate_of(address, port, host, connecting_s, ends_s))
        with (
            _wire(address, port, connecting_s, ends_s) as wire,
            context.wrap_socket(wire, server_hostname=host) as safe,
        ):
            ends = str((safe.getpeercert() or {})["notAfter"])
    # Before SSLError, of which both are kinds: a connection that was cut says nothing of the certificate.
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as cut:
        raise _not_reachable(f"{address}:{port}", host, cut, region) from cut
    except ssl.SSLCertVerificationError as refused:
        return Handshake(host, None, refused.verify_message)
    except ssl.SSLError as refused:
        return Handshake(host, None, f"no handshake: {refused.reason or refused}")
    except OSError as refused:
        raise _not_reachable(f"{address}:{port}", host, refused, region) from refused
    return Handshake(host, datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC), "")


def _wire(address: str, port: int, connecting_s: float, ends_s: float) -> socket.socket:
    """A connection that stands within ``connecting_s``; its handshake has until ``ends_s`` (of time.monotonic)."""
    wire = socket.create_connection((address, port), timeout=min(connecting_s, _left_s(ends_s)))
    wire.settimeout(max(ends_s - time.monotonic(), _SHORTEST_S))
    return wire


def _certificate_of(address: str, port: int, host: str, connecting_s: float, ends_s: float) -> str:
    with (
        _wire(address, port, connecting_s, ends_s) as wire,
        visitor_context(public=False).wrap_socket(wire, server_hostname=host) as safe,
    ):
        return ssl.DER_cert_to_PEM_cert(safe.getpeercert(binary_form=True) or b"")
