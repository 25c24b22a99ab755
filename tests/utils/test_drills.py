"""What is no drill is refused before anything is looked at, by name and with what to use instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from dr_estate.readers.rds import instances
from sandbox.core.people import AccessKeys
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, at_endpoint, rules
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import DrTestOptions
from utils.aws_mgmt.app.target import world_of
from utils.aws_mgmt.dr_cli import main


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("-e prod --sandbox test --full-drill", Exit.REFUSED, "prod allows no full drill (approvals.full_drill)"),
        ("-e dev --sandbox test --full-drill", Exit.REFUSED, "drill.no-replication: dev expects no replication"),
        ("-e sit --sandbox test --full-drill --infra", Exit.USAGE, "--full-drill runs alone"),
        ("-e sit --from-evidence x.json test --full-drill", Exit.USAGE, "cannot be held on saved evidence"),
        ("-e sit --from-evidence x.json test --infra --restore", Exit.USAGE, "cannot be held on saved evidence"),
        ("-e sit --from-evidence x.json test --infra --start", Exit.USAGE, "cannot be held on saved evidence"),
        ("-e sit --sandbox test --full-drill --start", Exit.USAGE, "--full-drill runs alone"),
        ("-e sit --from-evidence x.json test --dns --canary", Exit.USAGE, "cannot be held on saved evidence"),
        ("-e sit --from-evidence x.json drill clean", Exit.USAGE, "cannot be held on saved evidence"),
    ],
)
def test_a_drill_that_cannot_be_held_is_refused_by_name(
    words: str, code: Exit, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == main(words.split())
    assert message in capsys.readouterr().err


def test_a_drill_that_two_people_must_approve_is_held_as_what_it_practises(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path_factory.mktemp("rules")
    folder = rules(home, "prod", "")
    text = (folder / "prod.toml").read_text(encoding="utf-8").replace("full_drill = false", "full_drill = true")
    (folder / "prod.toml").write_text(text, encoding="utf-8")
    assert Exit.REFUSED == main(["-e", "prod", "--config", str(folder), "--sandbox", "test", "--full-drill"])
    assert "drill.two-people" in capsys.readouterr().err


@pytest.mark.proof
def test_findings_are_reported_though_the_trial_after_them_is_refused(tmp_path: Path) -> None:
    with borrowed(load_environment(ROOT / "environments", "dev"), 1) as world:
        ran = at_endpoint(world, tmp_path, "-e dev test --infra --restore --format json", "driller")
    assert ran.code == Exit.REFUSED, ran.err
    assert "The restore test was not held: drill.nothing: dev has nothing for a restore test." in ran.err
    assert ran.report["results"]
    assert ran.report["exit"] == Exit.REFUSED


@pytest.mark.proof
def test_a_full_drills_own_sandbox_takes_the_time_of_aws_by_a_fast_clock() -> None:
    env = load_environment(ROOT / "environments", "sit")
    with world_of(DrTestOptions(environment="sit", sandbox=True, full_drill=True, tenants=1), env) as world:
        seen = world.observe(env, frozenset({"rds.instances"}), sides=(Side.PRIMARY,))
        (database,) = seen.get(instances, Side.PRIMARY)
        admin, began = world.by_hand, world.clock.now()
        keys = AccessKeys(str(admin.access_key_id), str(admin.secret_access_key))
        rds = Aws(str(admin.endpoint_url), keys, env, "").client("rds", Side.PRIMARY)
        rds.reboot_db_instance(DBInstanceIdentifier=database.identifier)
        rds.get_waiter("db_instance_available").wait(WaiterConfig={"Delay": 0.05})
        world.observe(env, frozenset({"rds.instances"}), sides=(Side.PRIMARY,))
    assert world.clock.speed == 120
    assert (world.clock.now() - began).total_seconds() > 30, "at the quick pace a database reboots in two seconds"
