"""What each check says of each of its examples, word for word: what was measured, what was wanted, why, and the remedy.

Where findings are to change, delete their file and run this test twice: the first run writes it again, and fails.
Read what `git diff` shows before it is committed: it is what operators will read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dr_checks.core.model import DR_ONLY, Finding, LagSource, View
from dr_checks.core.registry import checks, judge
from dr_checks.derived.needs import needs_of
from dr_checks.posture.posture import TABLE
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.databases import accepting
from tests.dr_checks.estates import healthy
from tests.dr_checks.test_examined import empty_dr_region, unseen_elements
from tests.dr_checks.test_examples import EXAMPLES
from tests.dr_checks.worlds import SIT, Example
from tests.golden.recording import compare
from tests.golden.test_assessments import snapshot

ROOT = Path(__file__).parents[2]
MODULES = sorted({example.check.partition(".")[0] for example in EXAMPLES})


def _lines(finding: Finding) -> Iterator[str]:
    tenant = f", tenant {finding.tenant}" if finding.tenant else ""
    unseen = f", {finding.unseen.kind} in {finding.unseen.region or 'no region'}" if finding.unseen else ""
    yield f"{finding.status} {finding.side} {finding.subject}{tenant}{unseen}{', stops' if finding.stops else ''}"
    yield f"    measured {finding.measured}; wanted {finding.wanted}"
    yield f"    {finding.because}"
    if finding.remedy:
        yield f"    remedy: {finding.remedy}"
    for command in finding.commands:
        yield f"    $ {command}"


def _findings(example: Example) -> Iterator[str]:
    result = judge(checks()[example.check], example.snapshot, example.env)
    yield f"\n{example.check}: {result.status}{f', {result.reason}' if result.reason else ''}"
    for finding in result.findings:
        yield from _lines(finding)
    yield from sorted(set(_lags(example)))


def _lags(example: Example) -> Iterator[str]:
    """What the store's own module says of its copies' age."""
    module = sys.modules[checks()[example.check].judge.__module__]
    view = View("lag", DR_ONLY[0], example.env, example.snapshot)
    try:
        for source in [value for value in vars(module).values() if isinstance(value, LagSource)]:
            for lag in source.function(view):
                yield f"lag {lag.side} {lag.store} {lag.subject} {lag.tenant or ''} {lag.seconds} s: {lag.basis}" + (
                    f", missing {lag.missing}, {lag.unseen.kind if lag.unseen else 'seen'}"
                )
    except DataUnavailable as error:
        yield f"lag unseen: {error.unavailable.why}"


@pytest.mark.parametrize("module", MODULES)
def test_the_findings_of_the_examples_are_as_on_record(module: str) -> None:
    examples = [example for example in EXAMPLES if example.check.partition(".")[0] == module]
    compare(f"findings/{module}.golden", [line for example in examples for line in _findings(example)])


def test_what_a_tenant_of_the_healthy_estate_needs_is_as_on_record() -> None:
    needs = needs_of(View("needs", Side.DR, SIT, healthy()), "tenant2")
    compare("needs.golden", [f"{edge.source}: {edge.kind}: {edge.target}" for edge in needs.edges])
    assert needs.unseen == ()


ESTATES: dict[str, Callable[[], Snapshot]] = {
    "healthy": healthy,
    "dr-empty": empty_dr_region,
    "elements-unseen": lambda: unseen_elements(0),
    "first-elements-unseen": lambda: unseen_elements(1),
    "primary-dark": lambda: snapshot("sit-primary-dark"),
    "on-dr": lambda: snapshot("sit-on-dr"),
}


@pytest.mark.parametrize("name", ESTATES)
def test_what_every_check_says_of_an_estate_is_as_on_record(name: str) -> None:
    found = ESTATES[name]()
    lines: list[str] = []
    for check in checks().values():
        result = judge(check, found, SIT)
        usual = () if name == "healthy" else judge(check, healthy(), SIT).findings
        new = [line for finding in result.findings if finding not in usual for line in _lines(finding)]
        lines += [f"\n{check.id}: {result.status}{f', {result.reason}' if result.reason else ''}", *new] if new else []
    compare(f"estates/{name}.golden", lines)


def test_every_posture_is_as_on_record() -> None:
    rows = [rule.posture for rule in TABLE]
    compare(
        "postures.golden",
        [
            f"{row.name}, {row.severity or 'no severity'}, to fence: {row.to_fence or 'nothing'}: {row.says} "
            f"Next: {row.next_step or 'nothing'}"
            for row in rows
        ],
    )


def test_where_checks_do_not_apply_is_as_on_record() -> None:
    backups_alone = accepting("backup-copy", files=("backup-copy",))
    environments = {
        **{name: load_environment(ROOT / "environments", name) for name in ("dev", "sit", "prod")},
        "sit, which accepts backup copies alone": backups_alone,
        "sit, which prefers a read replica": accepting("read-replica", "automated-backup", "backup-copy"),
    }
    reasons = {
        (name, check.id): check.applies(env)
        for name, env in environments.items()
        for check in checks().values()
        if check.applies
    }
    compare(
        "not-applicable.golden", [f"{name}: {check}: {reason}" for (name, check), reason in reasons.items() if reason]
    )
