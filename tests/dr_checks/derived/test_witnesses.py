"""Witnesses of a lost primary that need no control plane of us-east-1: each alone, together, and in contradiction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_checks.derived.witnesses import TrafficHealth, Witness
from dr_checks.posture.posture import PostureName, posture_of
from dr_checks.posture.signals import signals_of
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import dns_answers, ecs, efs, elbv2, http_sites, rds, route53, sts_identity
from dr_estate.readers.http_sites import VisitRound
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.databases import REPLICATED
from tests.dr_checks.examples.answers import AT_HOME, AWAY, THERE
from tests.dr_checks.examples.efs import ROW
from tests.dr_checks.examples.sites import BROKEN, ONE, STRANGER, TWO
from tests.dr_checks.worlds import NOW, SIT, world

PRIMARY = SIT.region(Side.PRIMARY)
GONE = Unavailable(UnavailableKind.UNREACHABLE, "no answer.", "us-east-1", "route53.records")
NO_SERVER = Unavailable(UnavailableKind.RESOLVER, "no DNS server can be reached.", part="dns_answers.led")
NO_SITE = Unavailable(UnavailableKind.NOT_REACHABLE, "192.0.2.1:80 did not answer.", PRIMARY, "http_sites.visits")
LATE = Unavailable(UnavailableKind.DEADLINE, "not visited in time.", PRIMARY, "http_sites.visits")
HANGS = Unavailable(UnavailableKind.UNREACHABLE, "no answer in time.", PRIMARY, "http_sites.visits")
CACHED = replace(ONE, cached=True)
FRESH, OLD = timedelta(minutes=4), timedelta(hours=1)


def dark(**seen: Any) -> Snapshot:
    """A primary region whose API is silent with the control planes of us-east-1, and what else was ``seen``."""
    silent = Unavailable(UnavailableKind.UNREACHABLE, "no answer.", PRIMARY)
    parts: dict[tuple[Reader[Any], Side], Any] = {
        **{(reader, Side.PRIMARY): silent for reader in (sts_identity.caller, ecs.services, elbv2.load_balancer)},
        (rds.instances, Side.PRIMARY): silent,
        (rds.instances, Side.DR): (),
        (route53.records, Side.GLOBAL): GONE,
        (dns_answers.led, Side.GLOBAL): seen.get("led", NO_SERVER),
        (dns_answers.door, Side.DR): THERE,
        (http_sites.visits, Side.PRIMARY): seen.get("sites", NO_SITE),
        **({(http_sites.edge_visits, Side.GLOBAL): seen["edge"]} if "edge" in seen else {}),
        (rds.automated_backups, Side.DR): database_copied(seen.get("database")),
        (efs.replications, Side.DR): files_copied(seen.get("files")),
    }
    return world(parts)


def database_copied(ago: timedelta | None) -> tuple[rds.AutomatedBackup, ...]:
    return (replace(REPLICATED, latest=NOW - ago),) if ago is not None else ()


def files_copied(ago: timedelta | None) -> tuple[efs.FileReplication, ...]:
    return (replace(ROW, synced_at=NOW - ago),) if ago is not None else ()


@pytest.mark.parametrize(
    ("seen", "posture"),
    [
        ({}, PostureName.BLIND),
        ({"led": (AWAY,)}, PostureName.PRIMARY_LOST),
        ({"led": (AWAY, AWAY)}, PostureName.PRIMARY_LOST),
        ({"led": (AWAY, AT_HOME)}, PostureName.BLIND),
        ({"led": (AT_HOME,)}, PostureName.BLIND),
        ({"led": ()}, PostureName.BLIND),
        ({"database": OLD, "files": OLD}, PostureName.PRIMARY_LOST),
        ({"database": OLD, "files": FRESH}, PostureName.BLIND),
        ({"database": OLD}, PostureName.BLIND),
        ({"database": FRESH, "files": FRESH}, PostureName.BLIND),
        ({"sites": VisitRound(STRANGER, (BROKEN, BROKEN))}, PostureName.PRIMARY_LOST),
        ({"sites": VisitRound(STRANGER, (ONE, TWO))}, PostureName.DEGRADED),
        ({"sites": VisitRound(STRANGER, (ONE, BROKEN))}, PostureName.BLIND),
        ({"sites": VisitRound(STRANGER, (ONE, TWO, LATE))}, PostureName.DEGRADED),
        ({"sites": VisitRound(STRANGER, (ONE, LATE, LATE))}, PostureName.BLIND),
        ({"sites": VisitRound(STRANGER, (ONE, HANGS, HANGS))}, PostureName.BLIND),
        ({"sites": VisitRound(STRANGER, (BROKEN, HANGS, HANGS))}, PostureName.PRIMARY_LOST),
        ({"sites": VisitRound(STRANGER, (BROKEN, LATE, LATE))}, PostureName.BLIND),
        ({"sites": VisitRound(STRANGER, (ONE, TWO)), "led": (AWAY,)}, PostureName.BLIND),
        ({"edge": VisitRound(STRANGER, (BROKEN, BROKEN)), "led": (AT_HOME,)}, PostureName.PRIMARY_LOST),
        ({"edge": VisitRound(STRANGER, (BROKEN, BROKEN)), "led": (AT_HOME, AWAY)}, PostureName.BLIND),
        ({"edge": VisitRound(STRANGER, (BROKEN, BROKEN))}, PostureName.BLIND),
        ({"edge": VisitRound(STRANGER, (ONE, TWO)), "led": (AT_HOME,)}, PostureName.DEGRADED),
        ({"edge": VisitRound(STRANGER, (CACHED, CACHED)), "led": (AT_HOME,)}, PostureName.BLIND),
    ],
)
def test_a_silent_region_is_lost_by_a_second_independent_witness(seen: dict[str, Any], posture: PostureName) -> None:
    assert posture_of(dark(**seen), SIT).name is posture


def test_the_sentence_of_a_lost_region_names_witness_and_silent_services() -> None:
    says = posture_of(dark(led=(AWAY,), database=OLD, files=OLD), SIT).says
    assert says == (
        "the primary region's API is silent, and independently of that: name servers answer "
        f"{SIT.traffic.origin_record} with the load balancer of eu-west-1; database and files in eu-west-1 have "
        "received nothing for 1 h (and its load balancer does not answer from here)."
    )


def test_an_unreachable_balancer_is_listed_and_proves_nothing_alone() -> None:
    signals = signals_of(dark(), SIT)
    assert signals.primary_traffic is TrafficHealth.UNKNOWN
    assert [(t.witness, t.independent) for t in signals.witnesses] == [(Witness.SITES, False)]


def test_observed_traffic_is_no_witness_while_the_region_answers() -> None:
    seen = dark(led=(AWAY,))
    key = (ecs.services.name, Side.PRIMARY)
    answers = replace(seen, parts={**seen.parts, key: replace(seen.parts[key], value=())})
    assert signals_of(answers, SIT).witnesses == ()
