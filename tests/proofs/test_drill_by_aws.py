"""A full drill that AWS holds, as docs/drills.md prints it: its starter ends, and a reader watches it. IAM enforced."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from reports.evidence.pack import members_of
from tests.proofs.changes import Aws
from tests.proofs.test_automation import shown
from tests.proofs.test_drill_without_keys import SHORT
from tests.proofs.test_lost_credentials import QUICK
from tests.utils.forking import begin
from tests.utils.running import PATIENCE_S, at_endpoint, command_of, rules, signed_in
from tests.worlds import borrowed

pytestmark = pytest.mark.proof
BUCKET = "bbws-dr-evidence-sit"
DRILL = "DRILL-20260107-180000"


def drill_rules(home: Path) -> Path:
    """Rules by which AWS's task keeps its files, and a drill waits for nothing."""
    folder = rules(home, "sit", QUICK.format(5) + SHORT + f'[names]\nanchor_bucket = "{BUCKET}"\n')
    text = (folder / "sit.toml").read_text(encoding="utf-8")
    (folder / "sit.toml").write_text(text.replace("\nbake_minutes = 1\n", "\n"), encoding="utf-8")
    return folder


def test_aws_holds_a_drill_whose_starter_left_and_a_reader_sees_its_end(tmp_path: Path) -> None:
    config = drill_rules(tmp_path)
    env = load_environment(config, "sit")
    with borrowed(env, 1) as world:
        world.put_image(config)
        world.timing(transition_s=0.1, log_upload_s=0.5, files_lag_s=0.5, replica_lag_s=0, lag_published_s=0.5)
        world.enforce_iam(True)
        world.reset_mutations()
        line = f"-e sit --config {config} test --full-drill --by-aws --incident {DRILL}"
        command, variables = command_of(line, tmp_path, **signed_in(world, "driller"))
        started = begin(command, variables, tmp_path / "said")
        shown(started, "done notifications/start")
        assert started.goes_on, started.err + started.out
        os.kill(started.process.pid or 0, signal.SIGINT)
        assert started.wait(PATIENCE_S) == 130, started.err
        assert f"attach --incident {DRILL}" in started.err
        attached = at_endpoint(
            world, tmp_path / "elsewhere", f"-e sit --config {config} attach --incident {DRILL}", "reader"
        )
        assert attached.code == 0, attached.err + attached.out
        assert f"the drill of {DRILL} is complete, exit 0" in attached.out + attached.err
        page = re.search(r"its page too: (\S+)\.", attached.err.replace("\n", " "))
        assert page, attached.err
        assert Path(page[1]).name == "report.html"
        assert Path(page[1]).is_file()
        packed = at_endpoint(
            world, tmp_path / "third", f"-e sit --config {config} evidence --incident {DRILL}", "approver"
        )
        assert packed.code == 0, packed.err
        members = members_of(Path(packed.out.partition(": ")[0]).read_bytes())
        assert any(name.startswith("runs/aws/") for name in members)
        done = [row for row in world.mutations() if row["done"] and not row["control"]]
        own = {row["operation"] for row in done if row["person"] == "driller"}
        assert own == {"StartAutomationExecution"}, "AWS's task alone changes anything"
        ssm = Aws(world.url, world.people["reader"], env, tenant="").client("ssm", Side.DR)
        (execution,) = ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
        assert execution["AutomationExecutionStatus"] == "Success"


def test_what_aws_would_refuse_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    config = drill_rules(tmp_path)
    env = load_environment(config, "sit")
    with borrowed(env, 1) as world:
        world.inject("primary-dark")
        refused = at_endpoint(world, tmp_path, f"-e sit --config {config} test --full-drill --by-aws", "driller")
        assert (refused.code, "drill.estate" in refused.err) == (4, True), refused.err
        ssm = Aws(world.url, world.people["reader"], env, tenant="").client("ssm", Side.DR)
        assert [] == ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
