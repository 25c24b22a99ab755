"""How long nobody writes: from the first freeze on, and nothing that is done before it or after the last move."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dr_actions.model.plan import Goal, Plan, Step, step_id
from dr_actions.model.sequence import announced_step, row_of
from dr_actions.planning.estimate import Sizes, WritePause, lasting_s, write_pause
from tests.dr_actions.deciding import SIT, plan, step
from tests.dr_actions.recorded import plan_home

SIZES = Sizes(database_gib=100, files_gib=200)
BAKE_S = round(SIT.failback.bake_minutes * 60)


def of(action: str, label: str = "x", nth: int = 0) -> Step:
    row = row_of(Goal.FAILBACK, action)
    return step(label, row.stage + nth, action, id=step_id(action, label), call=None, budget_s=600)


FREEZE, STAGES = of("files/freeze"), [of("traffic/shift_to_primary", str(p), n) for n, p in enumerate((10, 50, 100))]


def pause_of(*steps: Step) -> WritePause:
    found = write_pause(going_home(*steps), SIT, {}, SIZES)
    assert found is not None
    return found


def going_home(*steps: Step) -> Plan:
    return plan(*steps, goal=Goal.FAILBACK)


def test_backups_and_copies_made_before_the_freeze_cost_no_write() -> None:
    hot = (of("backup/create_backups"), of("database/replicate_to_primary"), of("database/wait_replica_lag"))
    assert pause_of(*hot, FREEZE, *STAGES) == pause_of(FREEZE, *STAGES)
    assert pause_of(FREEZE, *STAGES, of("compute/stop_dr_services")) == pause_of(FREEZE, *STAGES)


def test_the_last_visitors_wait_for_the_bakes_of_the_stages_before_theirs() -> None:
    staged, whole = pause_of(FREEZE, *STAGES), pause_of(FREEZE, STAGES[-1])
    assert (whole.first_p50_s, whole.first_p90_s) == (whole.last_p50_s, whole.last_p90_s)
    assert staged.first_p50_s == whole.first_p50_s
    assert staged.last_p50_s - staged.first_p50_s >= 2 * BAKE_S


def test_nine_in_ten_is_above_the_median_and_below_every_step_late_at_once() -> None:
    proofs = of("files/verify_primary_in_sync"), of("database/verify_primary_in_sync")
    alone = [pause_of(FREEZE, proof, STAGES[-1]) for proof in proofs]
    both = pause_of(FREEZE, *proofs, STAGES[-1])
    late = sum(found.last_p90_s - found.last_p50_s for found in alone)
    assert 0 < both.last_p90_s - both.last_p50_s < late


def test_uploads_pause_from_the_files_freeze_and_writes_from_the_databases() -> None:
    proof, database = of("files/verify_primary_in_sync"), of("database/freeze")
    pause, alone = pause_of(FREEZE, proof, database, STAGES[-1]), pause_of(database, STAGES[-1])
    assert (pause.first_p50_s, pause.first_p90_s) == (alone.first_p50_s, alone.first_p90_s)
    assert pause.uploads_p50_s > pause.first_p50_s + 300, (
        "AWS has its minutes to apply the freeze, and a sync is waited for"
    )


def test_a_plan_that_freezes_nothing_has_no_pause() -> None:
    assert write_pause(going_home(*STAGES), SIT, {}, SIZES) is None
    assert write_pause(going_home(FREEZE), SIT, {}, SIZES) is None


def test_the_pause_lasts_from_the_freeze_until_all_visitors_are_home() -> None:
    database, at = of("database/freeze"), datetime(2026, 11, 28, 3, tzinfo=UTC)
    home, now = going_home(FREEZE, database, *STAGES), at + timedelta(minutes=7)
    frozen = {FREEZE.id: at - timedelta(minutes=20), database.id: at}
    led = {stage.id: now for stage in STAGES}
    assert lasting_s(home, frozen, now) == 420
    assert lasting_s(home, frozen | {STAGES[0].id: now}, now) == 420, "others are still refused"
    assert lasting_s(home, frozen | led, now) is None
    assert lasting_s(home, {FREEZE.id: at}, now) is None
    assert lasting_s(going_home(*STAGES), {}, now) is None


def test_the_pause_lasts_until_the_last_zone_is_home_in_any_order() -> None:
    database, at = of("database/freeze"), datetime(2026, 11, 28, 3, tzinfo=UTC)
    zones = [of("traffic/shift_to_primary", f"{zone}.100", 2) for zone in ("a", "b")]
    home, now = going_home(database, *STAGES[:-1], *zones), at + timedelta(minutes=7)
    for first in zones:
        assert lasting_s(home, {database.id: at, first.id: now}, now) == 420
    assert lasting_s(home, {database.id: at} | {zone.id: now for zone in zones}, now) is None


COUNTING = (("gtid-mode", "ON"),)


@pytest.mark.parametrize("name", ["sit", "prod"])
def test_the_first_visitors_write_within_15_minutes_in_nine_of_ten_cases(name: str) -> None:
    env, home = plan_home(name)
    pause = write_pause(home, env, {}, SIZES)
    assert pause is not None
    assert pause.first_p50_s < 12 * 60
    assert pause.first_p90_s < 15 * 60


def test_a_lag_is_published_while_the_other_proofs_go_on() -> None:
    """Where the database counts its transactions none is waited for at all: by the median it makes no difference."""
    env, home = plan_home("prod")
    _, counting = plan_home("prod", COUNTING)
    pause, shorter = (write_pause(found, env, {}, SIZES) for found in (home, counting))
    assert pause is not None
    assert shorter is not None
    assert pause.first_p50_s == shorter.first_p50_s
    assert 0 < pause.first_p90_s - shorter.first_p90_s < 60
    order = [step.action for step in home.steps]
    assert order.index("database/verify_marker") < order.index("database/verify_primary_in_sync")
    assert order.index("database/verify_primary_in_sync") < order.index("database/promote_primary")


def test_a_manual_change_shown_before_the_freeze_only_runs_in_the_pause() -> None:
    env, home = plan_home("prod")
    unannounced = replace(home, steps=tuple(step for step in home.steps if announced_step(home, step.id) is None))
    pause, longer = (write_pause(found, env, {}, SIZES) for found in (home, unannounced))
    assert pause is not None
    assert longer is not None
    assert longer.first_p50_s - pause.first_p50_s == 120
    assert longer.first_p90_s - pause.first_p90_s > 180
    assert longer.last_p50_s - pause.last_p50_s == 120, "the later stages' changes were shown to nobody before"


def test_route_53_checkers_are_waited_for_before_the_write_pause() -> None:
    _, home = plan_home("prod")
    order = [step.action for step in home.steps]
    assert order.index("traffic/unpin_primary") < order.index("database/freeze") < order.index("traffic/verify_targets")
