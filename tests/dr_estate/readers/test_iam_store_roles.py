"""What tasks may do with the copies of stores is held against what is allowed with the sources."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_names import BY_MAP, WorkloadNames
from dr_estate.readers import dynamodb, ecs, iam_store_roles, s3
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import with_part, with_rows
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

COPY = f"arn:aws:s3:::{s3.data_pairs(SIT)[0][1]}/any"
SOURCE = f"arn:aws:s3:::{s3.data_pairs(SIT)[0][0]}/any"
OTHER = "arn:aws:iam::1:role/of-the-dr-region"
GETS = "s3:GetObject"


def _rights(
    *refused: tuple[str, str],
    upon: Snapshot | None = None,
    of: str = "",
    word: str = "implicitDeny",
    env: Environment = SIT,
) -> tuple[StoreRole, ...]:
    """The rights where IAM refuses these (action, resource), to the role ``of`` alone where one is named."""

    def simulated(**params: Any) -> dict[str, Any]:
        def decision(action: str, on: str) -> str:
            is_closed = (action, on) in refused and params["PolicySourceArn"].endswith(of)
            return word if is_closed else "allowed"

        def row(action: str) -> dict[str, Any]:
            found = [(on, decision(action, on)) for on in params["ResourceArns"]]
            results = [{"EvalResourceName": on, "EvalResourceDecision": word} for on, word in found]
            return {"EvalActionName": action, "EvalDecision": "allowed", "ResourceSpecificResults": results}

        return {"EvaluationResults": [row(action) for action in params["ActionNames"]]}

    found = read(iam_store_roles.rights, Side.GLOBAL, {"simulate_principal_policy": simulated}, upon or healthy(), env)
    return tuple(row for row in found if isinstance(row, StoreRole))


def _refused(row: StoreRole) -> list[StoreRight]:
    return [right for right in row.rights if right.decision != "allowed"]


def test_a_right_on_a_source_that_is_refused_on_its_copy_is_named() -> None:
    (row,) = _rights((GETS, COPY))
    assert [StoreRight(GETS, SOURCE, COPY, "implicitDeny")] == _refused(row)
    assert len(row.rights) == 4 * len(s3.data_pairs(SIT)) + 8 * len(dynamodb.names(SIT))


def test_a_copy_that_may_not_be_listed_as_its_source_is_named() -> None:
    source, copy = (arn.removesuffix("/any") for arn in (SOURCE, COPY))
    (row,) = _rights(("s3:ListBucket", copy))
    assert [StoreRight("s3:ListBucket", source, copy, "implicitDeny")] == _refused(row)


def test_a_deny_in_both_regions_is_named_but_for_deletions() -> None:
    refused = [(action, on) for action in ("s3:PutObject", "s3:DeleteObject") for on in (SOURCE, COPY)]
    (row,) = _rights(*refused, word="explicitDeny")
    assert (row.denied, _refused(row)) == ((("s3:PutObject", SOURCE),), [])
    of_tables = [(right.action, on) for right in row.rights for on in (right.source, right.copy) if ":table/" in on]
    (shut,) = _rights(*of_tables, word="explicitDeny")
    assert {action for action, _ in shut.denied} == {action for action, _ in of_tables} - {"dynamodb:DeleteItem"}
    (silent,) = _rights(*refused)
    assert silent.denied == ()


def test_what_is_refused_on_the_source_too_is_no_lack() -> None:
    (row,) = _rights((GETS, COPY), (GETS, SOURCE))
    assert _refused(row) == []


def test_a_role_of_the_dr_region_alone_is_compared_with_the_primary_one() -> None:
    other = with_rows(healthy(), ecs.task_definitions, Side.DR, lambda _: True, task_role=OTHER)
    (row,) = _rights((GETS, COPY), (GETS, SOURCE), upon=other, of="of-the-dr-region")
    assert (row.arn, [right.copy for right in _refused(row)]) == (OTHER, [COPY])


def test_a_family_with_another_name_by_region_in_the_map_is_one_workload() -> None:
    there, here = "shop-af", "shop-eu"
    env = SIT.model_copy(update={"names": SIT.names.model_copy(update={"task_family": BY_MAP["task_family"]})})
    names = {Side.PRIMARY: WorkloadNames({"shop": there}), Side.DR: WorkloadNames({"shop": here})}
    env._by_map = {BY_MAP["task_family"]: names}
    seen = with_rows(healthy(), ecs.task_definitions, Side.PRIMARY, lambda _: True, family=there)
    seen = with_rows(seen, ecs.task_definitions, Side.DR, lambda _: True, family=here, task_role=OTHER)
    (row,) = _rights((GETS, COPY), (GETS, SOURCE), upon=seen, of="of-the-dr-region", env=env)
    assert (row.arn, row.today == OTHER, [right.copy for right in _refused(row)]) == (OTHER, False, [COPY])


def test_with_an_unseen_primary_the_role_is_compared_with_itself() -> None:
    (row,) = _rights((GETS, COPY), upon=with_part(healthy(), ecs.task_definitions, Side.PRIMARY, DENIED))
    assert (row.today, len(_refused(row))) == (row.arn, 1)


def test_a_decision_that_names_no_resource_is_about_all_of_them() -> None:
    def simulated(**params: Any) -> dict[str, Any]:
        word = "implicitDeny" if COPY in params["ResourceArns"] else "allowed"
        return {"EvaluationResults": [{"EvalActionName": a, "EvalDecision": word} for a in params["ActionNames"]]}

    (row,) = read(iam_store_roles.rights, Side.GLOBAL, {"simulate_principal_policy": simulated}, healthy())
    assert isinstance(row, StoreRole)
    assert {GETS} <= {right.action for right in _refused(row)}


def test_a_role_that_is_not_there_is_no_role_that_may_do_as_today() -> None:
    answers: dict[str, Any] = {"simulate_principal_policy": {"EvaluationResults": []}}
    assert read(iam_store_roles.rights, Side.GLOBAL, answers, healthy()) == ()


def test_a_role_without_rights_is_unknown_if_primary_tasks_may_use_another() -> None:
    (every,) = _rights()
    closed = [(right.action, right.source) for right in every.rights]
    (row,) = _rights(*closed)
    assert row.rights == ()
    dark = with_part(healthy(), ecs.task_definitions, Side.PRIMARY, DENIED)
    assert _rights(*closed, upon=dark) == ()


def test_a_condition_that_every_task_meets_is_given_to_the_simulator() -> None:
    entries: list[dict[str, Any]] = []

    def simulated(**params: Any) -> dict[str, Any]:
        entries.extend(params["ContextEntries"])
        return {"EvaluationResults": []}

    read(iam_store_roles.rights, Side.GLOBAL, {"simulate_principal_policy": simulated}, healthy())
    keys = {entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in entries}
    assert keys["aws:SecureTransport"] == ["true"]
    assert keys["aws:ResourceAccount"] == keys["s3:ResourceAccount"] == [SIT.account]
