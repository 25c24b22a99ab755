"""What depends on one resource is an effect of a fault of that resource, and of no other of its kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_checks.derived.database_copies import OWN_BACKUPS
from dr_checks.posture.causes import EFFECTS, causes_of
from dr_estate.config.environment import Side


def failed(check: str, subject: str, members: tuple[str, ...] = (), depends_on: str = "") -> CheckResult:
    found = Finding(check, Side.DR, subject, None, Status.FAIL, "m", "w", "so", members=members, depends_on=depends_on)
    return CheckResult(check, Severity.BLOCKER, Area.INFRASTRUCTURE, Status.FAIL, (found,))


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        (failed("kms.key-usable", "key-1"), failed("secrets.decryptable", "secret", depends_on="key-1")),
        (failed("ecs.cluster-active", "cluster"), failed("ecs.service-exists", "service", depends_on="cluster")),
        (
            failed("vpc-reach.way-in", "alb", members=("rtb-1", "rtb-2")),
            failed("vpc-reach.way-out", "subnet-1", depends_on="rtb-2"),
        ),
        (
            failed("rds.retention", "sit-mysql", members=(OWN_BACKUPS.format("sit-mysql"),)),
            failed("rds-copy.automated-backups", "sit-mysql", depends_on=OWN_BACKUPS.format("sit-mysql")),
        ),
    ],
)
def test_a_fault_of_the_resource_explains_what_depends_on_it_alone(cause: CheckResult, effect: CheckResult) -> None:
    assert [(c.result, c.effects) for c in causes_of([effect, cause])] == [(cause, (effect,))]
    other = replace(effect, findings=(replace(effect.findings[0], depends_on="another"),))
    assert {c.result.check for c in causes_of([cause, other])} == {cause.check, effect.check}


def test_no_check_explains_one_that_stands_above_it() -> None:
    order = list(EFFECTS)
    assert [] == [(root, name) for root in order for name in EFFECTS[root] if name in order[: order.index(root)]]


def test_the_effect_of_an_effect_is_one_of_the_cause() -> None:
    off = failed("rds.retention", "sit-mysql", members=(OWN_BACKUPS.format("sit-mysql"),))
    ended = failed("rds-copy.automated-backups", "sit-mysql", depends_on=OWN_BACKUPS.format("sit-mysql"))
    unusable = failed("rds-copy.usable", "sit-mysql")
    (cause,) = causes_of([unusable, ended, off])
    assert (cause.result, cause.effects) == (off, (ended, unusable))
