"""Every check passes, fails and stays unknown exactly when its examples say so."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

from dr_checks.core.model import Status
from dr_checks.core.registry import checks, judge
from tests.dr_checks import examples
from tests.dr_checks.worlds import Example

MODULES = [importlib.import_module(f"{examples.__name__}.{m.name}") for m in pkgutil.iter_modules(examples.__path__)]
AWS = re.compile(r"\baws [a-z][a-z0-9-]+ [a-z-]+ --")
EXAMPLES: list[Example] = [example for module in MODULES for example in module.EXAMPLES]


def _problems(example: Example) -> Iterator[str]:
    """What is not as the example expects, and what every finding owes its reader."""
    result = judge(checks()[example.check], example.snapshot, example.env)
    if result.status != example.expected:
        yield f"it is {result.status}: {result.findings}"
    named = {f.subject for f in result.findings if f.status == example.expected}
    yield from (f"{subject} is not named: {result.findings}" for subject in example.subjects - named)
    for finding in result.findings:
        if not finding.because or "This is a defect" in finding.because:
            yield f"no reason: {finding}"
        if finding.status is Status.FAIL and not finding.remedy:
            yield f"a gap names no remedy: {finding}"
        if AWS.search(finding.remedy):
            yield f"a command is typed apart: {finding}"


@pytest.mark.parametrize("check", sorted(checks()))
def test_the_check_judges_its_examples_as_expected(check: str) -> None:
    numbered = [(number, example) for number, example in enumerate(EXAMPLES) if example.check == check]
    assert [] == [
        f"{number}, which should {example.expected}: {problem}"
        for number, example in numbered
        for problem in _problems(example)
    ]


def test_each_example_is_of_a_check() -> None:
    assert {example.check for example in EXAMPLES} <= checks().keys()


# These judge the environment file alone: there is nothing that could be unseen.
SETTINGS_ONLY = {"prerequisites.contacts-named"}
# What cannot be read is UNKNOWN, and nothing that can be read is a fault.
NEVER_FAILS = {"prerequisites.control-items"}
# Nothing copies the DR region's data anywhere until failback: that is a warning with its age, and blocks nothing.
# Nor does a test that was not practised recently, a health check that is slow, or a setting that may matter to nobody.
WARNS = {
    "drills.nothing-left",
    "drills.on-schedule",
    "elbv2-recovery.soon-healthy",
    "s3-ownership.lists-taken",
    "validation-data.protected-again",
}


@pytest.mark.parametrize("check", sorted(checks()))
def test_every_check_has_a_passing_a_failing_and_a_not_seen_example(check: str) -> None:
    bad = set() if check in NEVER_FAILS else {Status.WARN if check in WARNS else Status.FAIL}
    wanted = {Status.PASS} | bad | ({Status.UNKNOWN} if check not in SETTINGS_ONLY else set())
    assert {e.expected for e in EXAMPLES if e.check == check} >= wanted
