"""The only access to tenants' sites: one request or TLS handshake, with a time limit and no proxy."""

from __future__ import annotations

import hashlib
import http.client
import re
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind

_BODY_BYTES = 65536
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Visit:
    """One answer, reduced. ``names_host``: head or body speak of the host; ``digest`` is of status, realm and body.

    ``realm`` is what it asks a password for.
    """

    host: str
    status: int
    time_s: float
    names_host: bool
    title: str
    digest: str
    realm: str = ""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The certificate presented for ``host``: when it ends (UTC), and ``problem``, "" where a browser would take it."""

    host: str
    not_after: datetime | None
    problem: str


def visit(address: str, port: int, host: str, path: str, timeout_s: float, region: str = "") -> Visit:
    """GET ``path`` over HTTP at ``address`` in ``region`` as ``host``, following no redirect. Raises CannotSee."""
    started = time.monotonic()
    connection = http.client.HTTPConnection(address, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "aws-dr-manager", "Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(_BODY_BYTES)
    except (OSError, http.client.HTTPException) as silent:
        reason = f"{address}:{port} did not answer for {host}: {type(silent).__name__} {silent}".strip()
        raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, f"{reason}.", region)) from silent
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
        names_host=re.search(rf"(?<![a-z0-9.-]){re.escape(host.lower())}(?![a-z0-9-])", content) is not None,
        title=" ".join(title[1].split())[:80] if title else "",
        digest=hashlib.sha256(f"{answer.status}\n{realm}\n".encode() + body).hexdigest(),
        realm=realm,
    )


def handshake(address: str, port: int, host: str, timeout_s: float, public: bool, region: str = "") -> Handshake:
    """Shake hands over TLS as a visitor of ``host`` in ``region``. Raises CannotSee where nobody answers.

    Where the world is not ``public`` its certificates have no known issuer: the one presented is then taken as its own
    issuer, and its names and dates are still judged.
    """
    context = ssl.create_default_context()
    try:
        if not public:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=_presented(address, port, host, timeout_s))
        with (
            socket.create_connection((address, port), timeout=timeout_s) as wire,
            context.wrap_socket(wire, server_hostname=host) as safe,
        ):
            ends = str((safe.getpeercert() or {})["notAfter"])
    except ssl.SSLCertVerificationError as refused:
        return Handshake(host, None, refused.verify_message)
    except ssl.SSLError as refused:
        return Handshake(host, None, f"no handshake: {refused.reason or refused}")
    except OSError as silent:
        reason = f"{address}:{port} did not answer over TLS for {host}: {silent}."
        raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, reason, region)) from silent
    return Handshake(host, datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC), "")


def _presented(address: str, port: int, host: str, timeout_s: float) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((address, port), timeout=timeout_s) as wire,
        context.wrap_socket(wire, server_hostname=host) as safe,
    ):
        return ssl.DER_cert_to_PEM_cert(safe.getpeercert(binary_form=True) or b"")
