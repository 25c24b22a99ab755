"""What a starter asks AWS for is read by the task's own grammar before a person approves it: only a task's words."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from dr_estate.config.environment import load_environment
from tests.utils.running import ROOT
from utils.aws_mgmt.app.automation import ExecutionState, RecoveryExecution
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.cli.waiting_run import options_of

APP: Any = SimpleNamespace(env=load_environment(ROOT / "environments", "prod"))
WAITS = RecoveryExecution(
    "e-1", ExecutionState.AWAITED, "arn", datetime(2026, 1, 7, tzinfo=UTC), "failover", "INC-1", "0" * 64, False
)
OVERRIDE = "--override fence.primary 'Jane Doe' 2099-01-07T18:00Z 'its API is silent'"


@pytest.mark.parametrize(
    "words",
    [
        "",
        OVERRIDE,
        "--confirm files/restore_dr:prod-efs --confirm database/promote_dr:prod-mysql",
        "--since 2026-01-07T18:00Z --tenant tenant-1 --deadline 90 --replan",
    ],
)
def test_the_words_that_this_tool_gives_a_task_are_read(words: str) -> None:
    options = options_of(replace(WAITS, arguments=tuple(shlex.split(words))), APP)
    assert (options.incident, options.digest, options.automation) == ("INC-1", "0" * 64, "e-1")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("--config /tmp/rules", "are not all a task's"),
        ("--exceptions /dev/null", "are not all a task's"),
        ("--sandbox", "are not all a task's"),
        ("--as admin", "are not all a task's"),
        ("--profile other", "are not all a task's"),
        ("--save-evidence /tmp/x", "are not all a task's"),
        ("--workers 4", "are not all a task's"),
        ("--incident INC-9", "mean another run"),
        ("--nothing", "cannot be read"),
        ("--override fence.primary", "cannot be read"),
    ],
)
def test_words_wrong_in_a_task_are_refused_before_the_approval(words: str, fault: str) -> None:
    with pytest.raises(Refused, match=fault) as refused:
        options_of(replace(WAITS, arguments=tuple(shlex.split(f"{words} {OVERRIDE}"))), APP)
    assert "Nothing was approved." in str(refused.value)
    assert "approve --withdraw --incident INC-1" in str(refused.value)
