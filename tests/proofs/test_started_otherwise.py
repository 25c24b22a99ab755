"""PROD whose runs AWS starts, IAM enforced: starts by which an operator would hold up, or mislead, everybody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_estate.config.environment import Side
from tests.proofs import test_automation
from tests.proofs.test_automation import EXECUTE, INCIDENT, Prod

pytestmark = pytest.mark.proof
lost, prod = test_automation.lost, test_automation.prod


def started(prod: Prod, **how: Any) -> str:
    """Start the document by plain boto3 with the operator's keys; returns the execution's id."""
    given = {"Goal": ["failover"], "Incident": [INCIDENT], "PlanDigest": ["0" * 64]}
    named = how.get("TargetParameterName")
    parameters = {name: values for name, values in given.items() if name != named}
    ssm = prod.ssm("operator")
    return str(ssm.start_automation_execution(**prod.default, Parameters=parameters, **how)["AutomationExecutionId"])


def test_a_start_by_step_or_for_targets_is_no_run_and_stops_none(prod: Prod) -> None:
    """An approver's rejection ends neither, so only what runs by itself is awaited, approved and counted."""
    targets = {"Key": "ParameterValues", "Values": [INCIDENT, "INC-124"]}
    many = started(prod, TargetParameterName="Incident", Targets=[targets], MaxConcurrency="1", MaxErrors="2")
    stepwise = started(prod, Mode="Interactive")
    prod.while_status(many, "InProgress")
    laptop, execution = prod.asked(EXECUTE, "laptop")
    assert ("Failed", "Waiting") == (prod.status(many), prod.status(stepwise))
    ended = prod.run(f"approve --withdraw --incident {INCIDENT}", "approver")
    assert (ended.code, f"({execution}): it was rejected" in ended.out) == (0, True), ended.err
    assert laptop.wait(600) == 4, laptop.err
    approved = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert (0, "No run of this plan waits in AWS" in approved.err) == (approved.code, True), approved.err
    assert "Waiting" == prod.status(stepwise)


def test_a_document_of_an_earlier_version_is_named_before_anybody_is_asked(prod: Prod) -> None:
    admin = prod.aws("admin").client("ssm", Side.DR)
    content = json.loads(admin.get_document(Name=prod.document)["Content"])
    for step in content["mainSteps"]:
        if "Script" in step["inputs"]:
            script = step["inputs"]["Script"]
            step["inputs"]["Script"] = script.replace(
                '*json.loads("".join(events["arguments"]) or "[]")', '*events["arguments"]'
            )
    earlier = admin.update_document(Name=prod.document, Content=json.dumps(content), DocumentVersion="$LATEST")
    version = earlier["DocumentDescription"]["DocumentVersion"]
    admin.update_document_default_version(Name=prod.document, DocumentVersion=version)
    refused = prod.run(EXECUTE)
    assert (4, "is an earlier version's, and cannot hand --confirm on" in refused.err) == (refused.code, True), refused
    assert [] == prod.ssm("reader").describe_automation_executions()["AutomationExecutionMetadataList"]
