"""An approver who names another goal than the run that waits in AWS is refused, and approves nothing by mistake."""

from __future__ import annotations

import time
from pathlib import Path

from dr_estate.config.environment import Side, load_environment
from dr_estate.iam.scopes import DEFAULT_VERSION
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, at_endpoint
from tests.worlds import borrowed


def test_an_approval_without_its_goal_is_refused_while_a_failback_waits(tmp_path: Path) -> None:
    env = load_environment(ROOT / "environments", "prod")
    with borrowed(env, 1) as world:
        ssm = Aws(world.url, world.people["operator"], env, tenant="").client("ssm", Side.DR)
        parameters = {"Goal": ["failback"], "Incident": ["INC-123"], "PlanDigest": ["a" * 64]}
        document = {"DocumentName": env.named(env.names.recovery_document), "DocumentVersion": DEFAULT_VERSION}
        execution = ssm.start_automation_execution(**document, Parameters=parameters)["AutomationExecutionId"]
        until = time.monotonic() + 300
        while _status(ssm, execution) != "Waiting":
            assert time.monotonic() < until
            time.sleep(0.1)
        world.reset_mutations()
        ran = at_endpoint(world, tmp_path, "-e prod approve --incident INC-123", "approver")
        assert (ran.code, ran.out) == (4, ""), ran.out + ran.err
        assert f"AWS waits with the failback of INC-123 ({execution}), and this is about its failover" in ran.err
        assert f"approve --failback --incident INC-123 --digest {'a' * 12}" in ran.err
        assert [] == world.mutations()
        assert _status(ssm, execution) == "Waiting"


def _status(ssm: object, execution: str) -> str:
    found = ssm.get_automation_execution(AutomationExecutionId=execution)  # type: ignore[attr-defined]
    return str(found["AutomationExecution"]["AutomationExecutionStatus"])
