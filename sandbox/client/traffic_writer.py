"""A writer that keeps writing while the world changes, and checks of what became of its acknowledged writes.

It writes rows and files of all tenants in turn, or only of the given tenants, to the origin that DNS names at that
moment. Only a 201 counts as written; everything else is counted by its reason. It runs outside the sandbox's process.

Visitors who ask for one page of a tenant again and again while the world changes, each time where DNS leads.

Each visit asks the world's name server first, as a browser whose answer is too old; no visit is tried twice.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Self

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from dr_estate.config.environment import Environment
from sandbox.client.endpoint import TOKEN_HEADER, Endpoint
from sandbox.core.errors import SandboxError

KINDS = ("rows", "files")
API = "/wp-json/dr/v1/"
CREATED = 201
# An outage that hangs holds a connection for as long as it lasts: the writer goes on to the next write.
PATIENCE_S = 5.0
_QUESTIONS = 2


@dataclass(frozen=True, slots=True)
class AcknowledgedWrite:
    """One acknowledged write: ``kind`` is rows or files, ``region`` the one that acknowledged it, ``at`` when (ISO)."""

    kind: str
    host: str
    id: str
    region: str
    at: str


class Sites:
    """The regions' sites of a running sandbox, and the one that DNS names."""

    def __init__(self, endpoint: Endpoint, environment: Environment) -> None:
        self.environment = environment
        self._endpoint = endpoint
        self._places = endpoint.sites()

    @property
    def hosts(self) -> list[str]:
        """Each tenant's own host name."""
        labels = (str(tenant).replace("-", "") for tenant in self._endpoint.state()["tenants"])
        return [f"{label}.{self.environment.traffic.tenant_domain}" for label in labels]

    def serving(self) -> str:
        """The region whose load balancer the world's name server gives for the origin name; "" where it gives none.

        A question that gets no answer is asked once more, as every resolver does.
        """
        if self._endpoint.dns is None:
            raise SandboxError("This sandbox has no name server.")
        question = dns.message.make_query(self.environment.traffic.origin_record, dns.rdatatype.A)
        # UDP loses datagrams even on loopback where many processes run.
        for _ in range(_QUESTIONS):
            with suppress(dns.exception.DNSException, OSError):
                answer = dns.query.udp(question, self._endpoint.dns[0], PATIENCE_S, self._endpoint.dns[1])
                addresses = {str(row) for rows in answer.answer if rows.rdtype == dns.rdatatype.A for row in rows}
                found = (name for name, place in self._places.items() if addresses & set(place["addresses"]))
                return next(found, "")
        return ""

    def ask(self, region: str, method: str, host: str, kind: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a site's answer. Raises OSError or HTTPException where there is none."""
        place = self._places[region]
        connection = http.client.HTTPConnection(place["address"], place["http"], timeout=PATIENCE_S)
        with closing(connection):
            sent = json.dumps(body) if body is not None else None
            # To the region's port, by the tenant's name: what the browser of a visitor does behind DNS.
            headers = {"Host": host, TOKEN_HEADER: self._endpoint.token, "Content-Type": "application/json"}
            connection.request(method, API + kind, sent, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        try:
            return answer.status, dict(json.loads(text))
        except ValueError:
            return answer.status, {"error": text}


class Writer:
    """Writes, in a thread of its own, from ``start`` (or the begin of a ``with``) until ``stop`` (or its end).

    ``written`` are the acknowledged writes in order; ``refused`` counts the others by region and reason. ``pause_s`` is
    between two writes; ``hosts`` are the tenants' own (all where none is given). Ids carry ``name``, so that writers of
    different names never meet.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        environment: Environment,
        pause_s: float = 0.01,
        name: str = "writer",
        hosts: Sequence[str] = (),
    ) -> None:
        self.sites = Sites(endpoint, environment)
        self.written: list[AcknowledgedWrite] = []
        self.refused: Counter[str] = Counter()
        self._pause_s = pause_s
        # All tenants and both stores in turn: a gap of any of them shows within one round.
        self._turns = self._round(name, hosts or self.sites.hosts)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def stop(self) -> Self:
        """End after the write under way, which is counted too."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write(self, seconds: float) -> Self:
        """Write for so many seconds in the caller's own thread."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.is_set():
            self.write_one()
            self._stopping.wait(self._pause_s)
        return self

    def write_one(self) -> AcknowledgedWrite | None:
        """Try the next write; return it where it was acknowledged."""
        kind, host, row_id = next(self._turns)
        region = self.sites.serving()
        if not region:
            self.refused["DNS gives no region's address"] += 1
            return None
        try:
            status, response = self.sites.ask(region, "POST", host, kind, {"id": row_id})
        except (OSError, http.client.HTTPException) as silent:
            self.refused[f"{region}: no answer ({type(silent).__name__})"] += 1
            return None
        if status != CREATED:
            self.refused[f"{region}: {status} {response.get('error', '')}".strip()] += 1
            return None
        row = AcknowledgedWrite(kind, host, row_id, region, str(response["at"]))
        self.written.append(row)
        return row

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.write_one()
            self._stopping.wait(self._pause_s)

    def _round(self, name: str, hosts: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        for number in itertools.count(1):
            for host in hosts:
                for kind in KINDS:
                    yield kind, host, f"{name}-{number}"


def missing(sites: Sites, written: Iterable[AcknowledgedWrite], region: str) -> list[AcknowledgedWrite]:
    """The acknowledged writes that ``region``'s sites do not serve now.

    Raises SandboxError, with the reason, where a site does not list what it holds: nothing is proven then.
    """
    served: dict[tuple[str, str], set[str]] = {}
    lost = []
    for row in written:
        key = (row.host, row.kind)
        # One list a site and kind: writes of minutes are thousands.
        if key not in served:
            served[key] = set(_ids(sites, region, *key))
        if row.id not in served[key]:
            lost.append(row)
    return lost


def duplicates(sites: Sites, region: str) -> list[tuple[str, str, str]]:
    """Host, kind and id of what ``region``'s sites serve more than once. Raises as ``missing``."""
    served = ((host, kind, _ids(sites, region, host, kind)) for host in sites.hosts for kind in KINDS)
    return [(host, kind, row) for host, kind, ids in served for row, times in Counter(ids).items() if times > 1]


def _ids(sites: Sites, region: str, host: str, kind: str) -> list[str]:
    try:
        status, response = sites.ask(region, "GET", host, kind)
    except (OSError, http.client.HTTPException) as silent:
        raise SandboxError(f"The site {host} of {region} gives no answer: {silent!r}") from silent
    if kind not in response:
        raise SandboxError(
            f"The site {host} of {region} does not list its {kind}: {status} {response.get('error', '')}"
        )
    return list(response[kind])


class Visitors:
    """Visitors of ``host``, in a thread of their own, while a ``with`` lasts.

    ``answered`` counts the pages by region; ``unanswered`` the rest by region and reason: no address, no connection, or
    no page (or password prompt) of the tenant's own: the load balancer answers 200 to any host.
    """

    def __init__(self, endpoint: Endpoint, environment: Environment, host: str, pause_s: float = 0.05) -> None:
        self.answered: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()
        self._sites, self._places = Sites(endpoint, environment), endpoint.sites()
        self._host, self._pause_s = host, pause_s
        self._expected = environment.traffic.expected_probe_statuses
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"visitors of {host}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def visit(self) -> None:
        """Ask for the page once."""
        region = self._sites.serving()
        if not region:
            self.unanswered["DNS gives no region's address"] += 1
            return
        place = self._places[region]
        try:
            with closing(http.client.HTTPConnection(place["address"], place["http"], timeout=PATIENCE_S)) as visit:
                visit.request("GET", "/", headers={"Host": self._host})
                answer = visit.getresponse()
                # The prompt for a password names the tenant's host in its realm, and is the site's own answer too.
                page = f"{answer.headers.get('WWW-Authenticate', '')}{answer.read().decode()}"
        except (OSError, http.client.HTTPException) as silent:
            self.unanswered[f"{region}: no answer ({type(silent).__name__})"] += 1
            return
        if answer.status in self._expected and self._host in page:
            self.answered[region] += 1
        else:
            self.unanswered[f"{region}: {answer.status}"] += 1

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.visit()
            self._stopping.wait(self._pause_s)
