"""What visitors can do is the first line: an outage is named with its time and the one command that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dr_checks.posture.visitor_access import Access, VisitorAccess, visitor_access
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_document import WaitingStart
from dr_estate.model.recovery_names import TRIAL, new_id
from dr_estate.readers import control_table, dns_answers, http_sites, rds, rds_groups, recovery_automation, route53
from dr_estate.readers.control_table import BEGUN, FAILING_BACK, ON_DR, ControlState, Incident, LockHolder, Pause
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.databases import PARAMETERS
from tests.dr_checks.estates import altered, healthy
from tests.dr_checks.worlds import DENIED, SIT
from tests.golden.test_assessments import snapshot

ON_THE_DR_SIDE, DARK = snapshot("sit-on-dr"), snapshot("sit-primary-dark")
NOW = ON_THE_DR_SIDE.taken_at
FROZEN_AT = NOW - timedelta(hours=2, minutes=49)
RETURN = Incident("INC-123", "failover", FAILING_BACK, NOW - timedelta(days=1), NOW, no_writes_since=FROZEN_AT)
Parts = Mapping[tuple[Reader[Any], Side], Any]


def _seen(base: Snapshot, changes: Parts, env: Environment = SIT) -> VisitorAccess:
    found = altered({(reader.name, side): value for (reader, side), value in changes.items()}, base)
    return visitor_access(found, env)


def _frozen(incident: Incident = RETURN, run: LockHolder | None = None) -> Parts:
    """The DR region's database refuses writes, in a group that a failback made."""
    (row,) = ON_THE_DR_SIDE.get(rds.instances, Side.DR)
    group = replace(PARAMETERS, name=row.parameter_groups[0][0], parameters=(("read_only", "1"),))
    return {
        (rds_groups.parameter_groups, Side.DR): (group,),
        (control_table.standing, Side.DR): ControlState(incident=incident, run=run),
    }


def _run(until: datetime, ended: datetime | None = None) -> LockHolder:
    began = NOW - timedelta(hours=3)
    return LockHolder("run", "jane", "arn", "INC-123", 2, began, NOW, until, ended, "")


def _lock(run: LockHolder) -> Parts:
    return {(control_table.standing, Side.DR): ControlState(run=run)}


def _stopped(base: Snapshot, side: Side) -> Parts:
    return {(rds.instances, side): tuple(replace(row, status="stopped") for row in base.get(rds.instances, side))}


def test_who_is_served_is_named_with_the_region_and_nothing_is_to_be_done() -> None:
    at_home, away = visitor_access(healthy(), SIT), visitor_access(ON_THE_DR_SIDE, SIT)
    assert at_home.line == "Visitors read and write in af-south-1, 2 of 2 tenants."
    assert away.line == "Visitors read and write in eu-west-1, 2 of 2 tenants."
    assert not any(access.is_urgent for access in (at_home, away))


def test_an_endless_write_pause_is_an_outage_with_its_time_and_its_run() -> None:
    seen = _seen(ON_THE_DR_SIDE, _frozen())
    assert (seen.read, seen.write, seen.since) == (Access.ALL, Access.NONE, FROZEN_AT)
    assert seen.line == (
        f"OUTAGE: nobody can write since 2026-11-25 {FROZEN_AT:%H:%M} UTC (2 h 49 min): sit-mysql of eu-west-1 refuses "
        "writes; visitors read in eu-west-1, 2 of 2 tenants. To end it: "
        "`dr_cli.py failback --staged --execute --incident INC-123`"
    )


@pytest.mark.parametrize(
    ("incident", "run", "command"),
    [
        (replace(RETURN, staged=False), None, "failback --execute --incident INC-123"),
        (replace(RETURN, phase=BEGUN, goal="failover"), None, "failover --execute --incident INC-123"),
        (replace(RETURN, phase=ON_DR), None, ""),
        (RETURN, _run(NOW + timedelta(minutes=1)), "log --incident INC-123"),
        (RETURN, _run(NOW - timedelta(minutes=1)), "failback --staged --execute --incident INC-123"),
        (RETURN, _run(NOW, ended=NOW), "failback --staged --execute --incident INC-123"),
    ],
    ids=["at once", "failover", "no run is open", "at work", "killed", "ended"],
)
def test_the_command_is_of_the_run_that_has_not_reached_its_goal(
    incident: Incident, run: LockHolder | None, command: str
) -> None:
    bare = f"dr_cli.py {command}" if command else ""
    assert bare == _seen(ON_THE_DR_SIDE, _frozen(incident, run)).command


def test_while_all_runs_are_paused_the_command_takes_the_pause_back() -> None:
    parts = dict(_frozen())
    parts[control_table.standing, Side.DR] = ControlState(incident=RETURN, pause=Pause("jane", "storm", NOW))
    assert _seen(ON_THE_DR_SIDE, parts).command == "dr_cli.py unpause"


def test_a_run_that_aws_holds_is_watched_for_what_it_waits_for() -> None:
    automated = SIT.model_copy(update={"automation": SIT.automation.model_copy(update={"enabled": True})})
    at_work = _frozen(run=_run(NOW + timedelta(minutes=1)))
    assert _seen(ON_THE_DR_SIDE, at_work, automated).command == "dr_cli.py attach --incident INC-123"


def test_a_run_at_work_comes_before_what_a_lost_or_split_posture_asks_for() -> None:
    begun, home = replace(RETURN, phase=BEGUN, goal="failover"), healthy()
    at_work = ControlState(incident=begun, run=_run(NOW + timedelta(days=999)))
    control = {(control_table.standing, Side.DR): at_work}
    split = {(rds.instances, Side.DR): home.get(rds.instances, Side.PRIMARY)}
    assert "dr_cli.py log --incident INC-123" == _seen(DARK, control).command == _seen(home, control | split).command


def test_a_run_that_holds_the_lock_before_its_incident_is_open_is_watched() -> None:
    began = replace(_run(NOW + timedelta(days=999)), incident="INC-9")
    assert _seen(DARK, _lock(began)).command == "dr_cli.py log --incident INC-9"
    trial = replace(began, incident=new_id(TRIAL, NOW))
    assert _seen(DARK, _lock(trial)).command == "dr_cli.py failover", "a restore test opens none"


def test_a_stopped_database_is_an_outage_that_its_start_ends() -> None:
    seen = _seen(healthy(), _stopped(healthy(), Side.PRIMARY))
    assert (seen.read, seen.write, seen.served) == (Access.NONE, Access.NONE, 0)
    assert "sit-mysql of af-south-1 is stopped" in seen.sentence
    assert seen.command == "aws rds start-db-instance --region af-south-1 --db-instance-identifier sit-mysql"


def test_a_lost_primary_is_an_outage_that_a_failover_ends() -> None:
    seen = visitor_access(DARK, SIT)
    assert (seen.read, seen.command) == (Access.NONE, "dr_cli.py failover")
    assert seen.sentence.startswith("OUTAGE: visitors can neither read nor write in eu-west-1, seen at ")


def test_an_outage_for_which_a_run_was_asked_is_ended_by_its_approval() -> None:
    waiting = (WaitingStart("e-1", "failover", "INC-7", 64 * "a", (), "arn:user/anna", NOW),)
    seen = _seen(DARK, {(recovery_automation.waiting, Side.DR): waiting})
    assert seen.command == f"dr_cli.py approve --incident INC-7 --digest {12 * 'a'}"


def test_two_writers_are_no_outage_and_their_fence_comes_first() -> None:
    home = healthy()
    seen = _seen(home, {(rds.instances, Side.DR): home.get(rds.instances, Side.PRIMARY)})
    assert (seen.is_outage, seen.is_urgent, seen.command) == (False, True, "dr_cli.py fence --side dr")
    assert seen.sentence == (
        "Visitors read and write in af-south-1, 2 of 2 tenants, and two databases take their writes."
    )


def test_weights_left_behind_are_no_outage_that_a_failback_ends() -> None:
    """The primary region alone takes writes: there is nothing to bring back, and the failback answers WAIT."""
    home, shares = healthy(), {SIT.traffic.primary_set_identifier: 90, SIT.traffic.secondary_set_identifier: 10}
    records = home.get(route53.records, Side.GLOBAL)
    divided = tuple(replace(row, weight=shares.get(row.set_identifier or "", row.weight)) for row in records)
    unseen = {(reader, Side.GLOBAL): DENIED for reader in (dns_answers.authorities, dns_answers.tested)}
    seen = _seen(home, {(route53.records, Side.GLOBAL): divided, **unseen})
    assert (seen.regions, seen.is_outage, seen.command) == (("af-south-1", "eu-west-1"), True, "")


@pytest.mark.parametrize(
    ("unseen", "sentence"),
    [
        (((rds.instances, Side.PRIMARY),), "Visitors read in af-south-1, 2 of 2 tenants; whether they can write is "),
        (
            ((dns_answers.authorities, Side.GLOBAL), (dns_answers.tested, Side.GLOBAL), (route53.records, Side.GLOBAL)),
            "Whether visitors can read and write is not known: ",
        ),
        (((http_sites.visits, Side.PRIMARY),), "Whether visitors can read and write is not known: "),
    ],
    ids=["database", "where they are led", "pages"],
)
def test_what_was_not_seen_is_neither_an_outage_nor_none(unseen: Any, sentence: str) -> None:
    seen = _seen(healthy(), dict.fromkeys(unseen, DENIED))
    assert not seen.is_outage
    assert seen.sentence.startswith(sentence)
