"""A start of Automation that is sent twice begins once, with targets too (API_StartAutomationExecution)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.moto_ext.conftest import DR, Clients

TOKEN = "11111111-2222-3333-4444-555555555555"
ASK = {"name": "ask", "action": "aws:approve", "inputs": {"Approvers": ["arn:aws:iam::123456789012:user/a"]}}
DOCUMENT = {"schemaVersion": "0.3", "parameters": {"Name": {"type": "String"}}, "mainSteps": [ASK]}
TARGETS = [{"Key": "ParameterValues", "Values": ["a", "b"]}]


@pytest.mark.parametrize("how", [{"Parameters": {"Name": ["a"]}}, {"TargetParameterName": "Name", "Targets": TARGETS}])
def test_a_token_that_was_used_before_starts_nothing(aws: Clients, how: dict[str, Any]) -> None:
    ssm = aws("ssm", DR)
    ssm.create_document(Name="ask", DocumentType="Automation", DocumentFormat="JSON", Content=json.dumps(DOCUMENT))
    wanted = {"DocumentName": "ask", "ClientToken": TOKEN, **how}
    first, again = (ssm.start_automation_execution(**wanted)["AutomationExecutionId"] for _ in range(2))
    other = ssm.start_automation_execution(DocumentName="ask", **how)["AutomationExecutionId"]
    assert (first == again, first == other) == (True, False)
