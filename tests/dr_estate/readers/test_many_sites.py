"""Many sites of which some hang: those that answer are seen all the same, and those alone that do not are unknown."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dr_checks.core.observation import Observation
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.network.http_probe import Visit
from dr_estate.readers import ecs, http_sites
from dr_estate.readers.http_sites import FIRST_TURN_S, SiteAddress, VisitRound
from dr_estate.reading.reader import REGIONAL
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import service

_PAGE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npage"
_WORKERS = 4


@dataclass
class Sites:
    """Sites at one address: by the tenant in the host's name it hangs, takes longer than a first turn, or answers."""

    port: int
    visited: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, visitor: socket.socket) -> None:
        """Serve one visitor."""
        with visitor:
            tenant = visitor.recv(4096).decode().lower().partition("host: ")[2].partition(".")[0]
            self.visited.append(tenant)
            if tenant.startswith("hangs"):
                self.over.wait(60)
            elif tenant.startswith("slow"):
                self.over.wait(FIRST_TURN_S + 1)
            visitor.sendall(_PAGE)


@pytest.fixture(name="sites")
def _sites() -> Iterator[Sites]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        sites = Sites(int(server.getsockname()[1]))

        def serve() -> None:
            while not sites.over.is_set():
                visitor, _ = server.accept()
                threading.Thread(target=sites.answer, args=(visitor,), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield sites
        sites.over.set()
        socket.create_connection(("127.0.0.1", sites.port)).close()
        thread.join(5)


@dataclass(frozen=True)
class Looking:
    """A reader's look at the sites of the DR region, upon a snapshot of a healthy world."""

    world: Endpoint
    observation: Observation

    def at(self, sites: Sites, tenants: Sequence[str], **limits: Any) -> VisitRound | Unavailable:
        """What the visits of one look make of ``tenants``."""
        env, upon = self.observation.environment, self.observation.snapshot
        hurried = env.model_copy(update={"observation": env.observation.model_copy(update=limits)})
        keys = self.world.people["reader"]
        credentials = Credentials(self.world.url, keys.access_key_id, keys.secret_access_key)
        only = frozenset({http_sites.visits.name})
        place = SiteAddress("127.0.0.1", sites.port, sites.port)
        seen = observe(hurried, credentials, "sandbox", only=only, upon=_served_at(upon, env, place, tenants))
        found: VisitRound | Unavailable = seen.parts[http_sites.visits.name, Side.DR].value
        return found


def _served_at(upon: Snapshot, env: Environment, place: SiteAddress, tenants: Sequence[str]) -> Snapshot:
    """The snapshot with other tenants, whose sites are at ``place``."""
    services = tuple(service(env.named(env.names.service, tenant)) for tenant in tenants)
    values: dict[tuple[str, Side], Any] = {}
    for side in REGIONAL:
        values |= {(ecs.services.name, side): services, (http_sites.front.name, side): place}
    parts = {key: replace(upon.parts[key], value=value) for key, value in values.items()}
    return replace(upon, parts={**upon.parts, **parts})


@pytest.fixture(name="looking")
def _looking(sandbox_world: Endpoint, observation: Observation) -> Looking:
    return Looking(sandbox_world, observation)


def _answered(seen: VisitRound | Unavailable) -> list[str]:
    assert isinstance(seen, VisitRound)
    return [row.host.partition(".")[0] for row in seen.tenants if isinstance(row, Visit)]


def _kinds(seen: VisitRound | Unavailable) -> Counter[UnavailableKind]:
    assert isinstance(seen, VisitRound)
    return Counter(row.kind for row in seen.tenants if isinstance(row, Unavailable))


@pytest.mark.proof
def test_sites_that_hang_before_others_take_no_turn_of_them(sites: Sites, looking: Looking) -> None:
    """Each hanging site alone outlasts the look, and there are as many as places, before all that answer."""
    hanging, well = [f"hangs{n}" for n in range(_WORKERS)], [f"well{n}" for n in range(20)]
    seen = looking.at(sites, [*hanging, *well], workers=_WORKERS, deadline_s=8, read_timeout_s=30)
    assert sorted(_answered(seen)) == sorted(well)
    assert _kinds(seen) == {UnavailableKind.DEADLINE: len(hanging)}
    assert isinstance(seen, VisitRound)
    regions = {row.region for row in seen.tenants if isinstance(row, Unavailable)}
    assert regions == {looking.observation.environment.region(Side.DR)}


@pytest.mark.proof
def test_a_slow_site_is_asked_again_for_the_whole_limit_after_its_turn(sites: Sites, looking: Looking) -> None:
    well = [f"well{n}" for n in range(_WORKERS)]
    seen = looking.at(sites, ["slow", *well], workers=_WORKERS)
    assert sorted(_answered(seen)) == ["slow", *well]
    assert sites.visited.count("slow") > len(REGIONAL)


@pytest.mark.proof
def test_with_a_place_for_each_site_it_is_asked_once_and_a_hang_is_silence(sites: Sites, looking: Looking) -> None:
    seen = looking.at(sites, ["hangs", "well"], workers=_WORKERS, connect_timeout_s=2, read_timeout_s=3)
    assert _answered(seen) == ["well"]
    assert _kinds(seen) == {UnavailableKind.UNREACHABLE: 1}
    assert sites.visited.count("hangs") == len(REGIONAL)
