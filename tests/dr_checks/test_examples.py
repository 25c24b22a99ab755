"""Every check passes, fails and stays unknown exactly when its examples say so."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from dr_checks.core.model import Status
from dr_checks.core.registry import checks, judge
from tests.dr_checks import examples
from tests.dr_checks.worlds import Example

MODULES = [importlib.import_module(f"{examples.__name__}.{m.name}") for m in pkgutil.iter_modules(examples.__path__)]
AWS = re.compile(r"\baws [a-z][a-z0-9-]+ [a-z-]+ --")
EXAMPLES: list[Example] = [example for module in MODULES for example in module.EXAMPLES]


@pytest.mark.parametrize("example", [pytest.param(e, id=f"{n}-{e.check}-{e.expected}") for n, e in enumerate(EXAMPLES)])
def test_the_check_judges_the_example_as_expected(example: Example) -> None:
    result = judge(checks()[example.check], example.snapshot, example.env)
    assert example.expected == result.status, result.findings
    named = {f.subject for f in result.findings if f.status == example.expected}
    assert example.subjects <= named, result.findings
    assert [] == [f.because for f in result.findings if "This is a defect" in f.because]
    assert all(f.because for f in result.findings), "every finding gives its reason"
    assert all(f.remedy for f in result.findings if f.status is Status.FAIL), "every gap names its remedy"
    assert [] == [f.remedy for f in result.findings if AWS.search(f.remedy)], "a command is typed apart"


# These judge the environment file alone: there is nothing that could be unseen.
SETTINGS_ONLY = {"prerequisites.contacts-named"}
# Nothing copies the DR region's data anywhere until failback: that is a warning with its age, and blocks nothing.
# Nor does a test that was not practised lately, or a health check that is slow.
WARNS = {"drills.nothing-left", "drills.on-schedule", "elbv2-recovery.soon-healthy", "validation-data.protected-again"}


@pytest.mark.parametrize("check", sorted(checks()))
def test_every_check_has_a_passing_a_failing_and_a_not_seen_example(check: str) -> None:
    bad = Status.WARN if check in WARNS else Status.FAIL
    wanted = {Status.PASS, bad} | ({Status.UNKNOWN} if check not in SETTINGS_ONLY else set())
    assert {e.expected for e in EXAMPLES if e.check == check} >= wanted
