"""How many tenants would be served: a failure on the way to a tenant's pages caps the score, whatever its severity."""

from __future__ import annotations

import pytest

from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_checks.core.registry import checks
from dr_checks.core.verdict import verdict_of
from dr_checks.derived.need_kinds import FOLLOWED
from dr_checks.derived.served import LOSSES, STOPS, Served, serving_estimate
from dr_estate.config.environment import Side
from dr_estate.config.map_names import BY_MAP, WorkloadNames
from tests.dr_checks.worlds import SIT

TENANTS = ("tenant1", "tenant2", "tenant3")
SCHEMA = "variables.schema"


def _result(
    check: str = SCHEMA,
    tenant: str | None = "tenant2",
    side: Side = Side.DR,
    status: Status = Status.FAIL,
    members: tuple[str, ...] = (),
) -> CheckResult:
    finding = Finding(check, side, "it", tenant, status, "measured", "wanted", "because", members=members)
    known = checks()[check]
    return CheckResult(check, known.severity, known.area, status, (finding,))


def _passed(count: int) -> list[CheckResult]:
    return [CheckResult("a.b", Severity.BLOCKER, Area.DNS, Status.PASS, ()) for _ in range(count)]


def test_one_tenant_with_another_s_schema_caps_the_score_and_is_counted() -> None:
    results = [_result(), *_passed(100)]
    sentence = serving_estimate(results, TENANTS, SIT).sentence
    assert sentence == f"2 of 3 tenants are certain to be served in {SIT.regions.dr}, not tenant2: {SCHEMA}."
    verdict = verdict_of(results, [], 3600.0, served=sentence)
    assert (verdict.score, verdict.reasons[0]) == (49, sentence)
    assert verdict_of(results, [], 3600.0).score > 49


def test_a_failure_of_no_tenant_of_its_own_is_of_all() -> None:
    sentence = serving_estimate([_result("kms.key-usable", None)], TENANTS, SIT).sentence
    assert sentence == f"0 of 3 tenants are certain to be served in {SIT.regions.dr}: kms.key-usable."


def test_a_role_s_failure_is_of_the_tenants_whose_definitions_name_it() -> None:
    own, foreign = SIT.named(SIT.names.task_family, tenant="tenant3"), "another-family"
    found = serving_estimate([_result("roles.assumable", None, Side.GLOBAL, members=(own,))], TENANTS, SIT)
    assert found.stopped == ("tenant3",)
    found = serving_estimate([_result("roles.assumable", None, Side.GLOBAL, members=(own, foreign))], TENANTS, SIT)
    assert found.stopped == TENANTS


def test_definitions_with_other_names_by_region_belong_to_their_tenant() -> None:
    pattern = BY_MAP["task_family"]
    env = SIT.model_copy(update={"names": SIT.names.model_copy(update={"task_family": pattern})})
    env._by_map = {
        pattern: {
            Side.PRIMARY: WorkloadNames({tenant: f"{tenant}-af" for tenant in TENANTS}),
            Side.DR: WorkloadNames({tenant: f"{tenant}-eu" for tenant in TENANTS}),
        }
    }
    failed = _result("roles.assumable", None, Side.GLOBAL, members=("tenant3-eu",))
    assert serving_estimate([failed], TENANTS, env).stopped == ("tenant3",)


def test_an_accepted_failure_serves_nobody_either() -> None:
    assert serving_estimate([_result(status=Status.EXCEPTED)], TENANTS, SIT).stopped == ("tenant2",)


@pytest.mark.parametrize(
    "result",
    [
        _result(status=Status.WARN),
        _result(status=Status.UNKNOWN),
        _result("backup.copy-age"),
        _result("rds-copy.age", None),
        _result("sites.every-site-answers", side=Side.PRIMARY),
        _result("validation.tenants-served"),
    ],
)
def test_what_keeps_no_tenant_from_being_served_counts_for_none(result: CheckResult) -> None:
    assert serving_estimate([result], TENANTS, SIT) == Served(SIT.regions.dr, 3)
    assert serving_estimate([result], TENANTS, SIT).sentence == ""


def test_the_lists_name_checks_of_their_severity_and_every_tenant_edge() -> None:
    assert {checks()[name].severity for name in LOSSES} == {Severity.BLOCKER}
    assert {checks()[name].severity for name in STOPS} == {Severity.CRITICAL}
    followed = {name for found in FOLLOWED.values() for name in found.checks}
    critical = {name for name in followed if checks()[name].severity is Severity.CRITICAL}
    assert critical - STOPS == SERVED_WITHOUT


SERVED_WITHOUT = {
    "backup-lifecycle.copies-last",
    "backup.vault-exists",
    "copy-roles.may-copy",
    "copy-roles.may-restore",
    "ecr.kept-as-long",
    "ecs-deployment.alike",
    "efs-mounts.encrypted",
    "rds-copy.key-usable",
    "s3.rule-precedence",
    "store-access.admits-operator",
    "topics.in-both-regions",
    "topics.subscribed",
    "vpc.zones",
}
"""Critical checks that follow an edge, whose failure shows no tenant's visitors another page today."""
