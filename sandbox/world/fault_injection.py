"""Outages: a region, a service or an operation that answers badly, in the shape AWS or the network would."""

from __future__ import annotations

import select
import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from werkzeug.wrappers import Response

from sandbox.core.error_responses import failure
from sandbox.core.errors import SandboxError
from sandbox.core.request_parser import ApiCall, Environ
from sandbox.core.state import STATE, Outage, now
from sandbox.core.timing import lag_s

# Manners that meet no call: what they do shows in the answers.
SILENT = ("stale", "no-capacity", "zone-lost", "link-broken")
# Order of the list: what a person is shown where a manner is unknown.
MANNERS = ("refuse", "hang", "error", "throttle", "deny", "expired", "slow", "lost", "cut", *SILENT)
STALE = ("dns", "cloudwatch")
DARK = ("refuse", "hang", "error")
SAID = {
    "error": "The service is unavailable: the sandbox holds {region} in an outage",
    "throttle": "Rate exceeded",
    "deny": "User: {person} is not authorized to perform: {service}:{operation}",
    "expired": "The security token included in the request is expired",
}
# How soon a held call notices that its outage is over or its client is gone.
POLL_S = 0.1

# What :func:`meet` returns for a call that is to be carried out and never answered.
LOST = Response(status=504)

# What :func:`meet` returns for a call of whose answer half arrives, as long as it says.
CUT = Response(status=504)

# Set when the server ends, so that held calls let go.
STOPPING = threading.Event()


# Outages that met their last call, which is still held: nothing else is to be met by them.
_SPENT: list[Outage] = []


class DroppedConnection(ConnectionError):
    """The call is met with a closed connection and no answer."""


def begin(outage: Outage) -> None:
    """Put ``outage`` in force. A region gone dark as a whole stops replicating from now on.

    Raises SandboxError for an unknown manner, and for staleness of anything but name servers and metrics.
    """
    if outage.how not in MANNERS:
        raise SandboxError(f"'{outage.how}' is no way to fail: use one of {', '.join(MANNERS)}.")
    if outage.how == "stale" and outage.service not in STALE:
        raise SandboxError("Only name servers and metrics answer with what was: give service 'dns' or 'cloudwatch'.")
    STATE.outages = [*STATE.outages, replace(outage, begun=now())]
    if _darkens(outage):
        # setdefault: a second outage of a dark region does not move the moment at which replication stopped.
        STATE.stopped.setdefault(outage.region, now())


def end(outage: Outage | None = None) -> None:
    """Take ``outage`` back, or all of them. A region no longer dark replicates again."""
    STATE.outages = [o for o in STATE.outages if outage is not None and not _is_same(o, outage)]
    _SPENT[:] = [o for o in _SPENT if outage is not None and not _is_same(o, outage)]
    _replicate_again()


def _replicate_again() -> None:
    dark = {o.region for o in STATE.outages if _darkens(o)}
    for region in [r for r in STATE.stopped if r not in dark]:
        STATE.past = [*STATE.past, (region, STATE.stopped.pop(region), now())]


def remember(region: str, ended_s_ago: float, lasted_s: float) -> None:
    """Record a past outage of the whole region, which only the metrics of the world still show."""
    until = now() - timedelta(seconds=ended_s_ago)
    STATE.past = [*STATE.past, (region, until - timedelta(seconds=lasted_s), until)]


def meet(call: ApiCall, person: str, environ: Environ) -> Response | None:
    """Return the bad answer an outage has for ``call``, or None where the call goes through (perhaps later).

    :data:`LOST` means: carry it out, then close the connection; :data:`CUT`: answer half. Raises DroppedConnection
    where there is to be no answer at all.
    """
    outage = _outage_of(call, person)
    if outage is None:
        return None
    if outage.how == "refuse":
        # No answer at all: botocore raises EndpointConnectionError or
        # ConnectionClosedError, as with a region that is gone.
        raise DroppedConnection
    if outage.how in ("lost", "cut"):
        return LOST if outage.how == "lost" else CUT
    if outage.how == "slow":
        STOPPING.wait(lag_s("slow_s", outage.seconds))
        return None
    if outage.how == "hang":
        _hold(outage, environ)
        return None
    message = SAID[outage.how].format(
        region=call.region, service=call.service, operation=call.operation, person=person or call.access_key
    )
    return failure(call, outage.how, message)


def _outage_of(call: ApiCall, person: str) -> Outage | None:
    for outage in STATE.outages:
        if (
            outage.how not in SILENT
            and not _is_yet_to_come(outage)
            # A dark region does not meet Route 53, IAM and CloudFront: their calls are signed for us-east-1 (T01, T14).
            and outage.region in ("", call.region)
            and outage.service in ("", call.service)
            and outage.operation in ("", call.operation)
            and outage.person in ("", person)
            and (call.writes or not outage.writes)
        ):
            if outage.after == 0:
                return _use_up(outage)
            # Of several outages each counts its own calls: the next in the list may still meet this one.
            outage.after -= 1
    return None


def _is_yet_to_come(outage: Outage) -> bool:
    if outage.how != "expired" or outage.begun is None:
        return False
    return now() < outage.begun + timedelta(seconds=outage.seconds)


def _use_up(outage: Outage) -> Outage:
    """Use up one of an outage's ``times``; the last use ends it."""
    if outage.times == 1:
        STATE.outages = [o for o in STATE.outages if o is not outage]
        _replicate_again()
        if outage.how == "hang":
            _SPENT.append(outage)
    elif outage.times > 1:
        outage.times -= 1
    return outage


def _hold(outage: Outage, environ: Environ) -> None:
    """Hold the call until the outage is repaired, the client leaves or time runs out. The last two drop it."""
    until = time.monotonic() + outage.seconds if outage.seconds else float("inf")
    client: socket.socket | None = environ.get("werkzeug.socket")
    try:
        while any(o is outage for o in (*STATE.outages, *_SPENT)):
            if STOPPING.wait(POLL_S) or time.monotonic() >= until or (client is not None and _has_left(client)):
                raise DroppedConnection
    finally:
        _SPENT[:] = [o for o in _SPENT if o is not outage]


def _has_left(client: socket.socket) -> bool:
    try:
        poll = select.poll()  # a world of many calls has more than select's 1,024 files open
        poll.register(client, select.POLLIN)
        return bool(poll.poll(0)) and client.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def _darkens(outage: Outage) -> bool:
    # Narrow outages do not stop replication: data flows between regions without the API calls that they meet.
    narrow = outage.service or outage.operation or outage.person or outage.times or outage.writes or outage.after
    return outage.how in DARK and not narrow


def _is_same(outage: Outage, other: Outage) -> bool:
    # Without what runs down while an outage is in force: a repair names the outage as it was given.
    counts: dict[str, Any] = {"times": 0, "after": 0, "begun": None}
    return replace(outage, **counts) == replace(other, **counts)
