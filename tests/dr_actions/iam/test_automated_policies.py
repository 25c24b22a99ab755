"""Where AWS starts runs, the generated policies let nobody ask and approve, and no person change the estate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from dr_actions.iam.policies import LIMIT, IamRole, StackRole, automated_policies, declared_operations, size
from dr_estate.config.environment import load_environment
from dr_estate.iam import scopes
from dr_estate.model.playbook import FORBIDDEN
from dr_estate.model.recovery_document import approvers, recovery_document
from sandbox.moto_ext.iam.policies import ALLOWED, EXPLICIT_DENY, AccessRequest, IamPolicy, decide

PROD = load_environment(Path(__file__).parents[3] / "environments", "prod")
DR = PROD.regions.dr
DOCUMENTS = automated_policies(PROD, declared_operations())
START, SIGNAL = "ssm:StartAutomationExecution", "ssm:SendAutomationSignal"
DEFINITION = f"arn:aws:ssm:{DR}:{PROD.account}:automation-definition/prod-dr-recovery:$DEFAULT"
DOCUMENT = f"arn:aws:ssm:{DR}:{PROD.account}:document/prod-dr-recovery"
IN_DEFAULT = {"ssm:DocumentVersion": ("$DEFAULT",)}
EXECUTION = f"arn:aws:ssm:{DR}:{PROD.account}:automation-execution/5a5b"
BREAK_GLASS = f"arn:aws:iam::{PROD.account}:role/prod-dr-break-glass"
TASK = f"arn:aws:ecs:{DR}:{PROD.account}:task-definition/dr-recovery-prod:3"


def judged(role: str, action: str, resource: str, context: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """What IAM decides by the role's policies, in the DR region."""
    known = {"aws:RequestedRegion": (DR,), "aws:userid": ("AROA1:olga",), **(context or {})}
    documents = [IamPolicy(name, json.dumps(document)) for name, document in DOCUMENTS[role].items()]
    return decide(documents, AccessRequest(action, resource, known)).word


def test_the_operator_starts_this_document_alone_and_approves_nothing() -> None:
    for resource, context in ((DEFINITION, {}), (DOCUMENT, IN_DEFAULT)):
        assert ALLOWED == judged(IamRole.OPERATOR, START, resource, context)
        assert ALLOWED != judged(IamRole.OPERATOR, START, resource.replace("prod-dr-recovery", "AWS-Other"), context)
    former = {"ssm:DocumentVersion": ("1",)}
    assert ALLOWED != judged(IamRole.OPERATOR, START, DOCUMENT, former), "a former version may ask former approvers"
    assert ALLOWED != judged(IamRole.OPERATOR, START, DOCUMENT), "nothing says which version it is"
    assert ALLOWED != judged(IamRole.OPERATOR, START, DEFINITION.replace("$DEFAULT", "1"))
    assert EXPLICIT_DENY == judged(IamRole.OPERATOR, SIGNAL, EXECUTION)


def test_the_approver_approves_and_starts_nothing() -> None:
    assert ALLOWED == judged(IamRole.APPROVER, SIGNAL, EXECUTION)
    assert EXPLICIT_DENY == judged(IamRole.APPROVER, START, DOCUMENT, IN_DEFAULT)


@pytest.mark.parametrize("action", sorted(declared_operations().writes))
def test_no_persons_role_changes_anything_of_the_estate(action: str) -> None:
    service, operation = action.split(":")
    for role in (IamRole.OPERATOR, IamRole.APPROVER):
        if service not in ("dynamodb", "sts"):
            assert EXPLICIT_DENY == judged(role, f"{service}:{operation}", "*"), role


@pytest.mark.parametrize("action", [*FORBIDDEN, "dynamodb:DeleteItem", "dynamodb:UpdateTable", "logs:DeleteLogGroup"])
def test_no_persons_role_deletes_data_or_the_record(action: str) -> None:
    for role in (IamRole.OPERATOR, IamRole.APPROVER):
        assert EXPLICIT_DENY == judged(role, action, "*"), role


def test_a_pause_has_the_key_of_its_author_and_approvers_set_items_aside() -> None:
    table = scopes.control_table(PROD)[0]
    for role in (IamRole.OPERATOR, IamRole.APPROVER):
        repairs = role is IamRole.APPROVER
        keys = {"PAUSE#AROA1:olga": True, "PAUSE#AROA2:adam": False, "STANDING": repairs, "JOURNAL#INC-1": False}
        for key, allowed in keys.items():
            word = judged(role, "dynamodb:PutItem", table, {"dynamodb:LeadingKeys": (key,)})
            assert (word == ALLOWED) == allowed, (role, key)


def test_the_document_runs_the_recoverys_task_alone() -> None:
    cluster = {"ecs:cluster": (f"arn:aws:ecs:{DR}:{PROD.account}:cluster/prod-cluster",)}
    assert ALLOWED == judged(StackRole.AUTOMATION, "ecs:RunTask", TASK, cluster)
    assert ALLOWED != judged(StackRole.AUTOMATION, "ecs:RunTask", TASK.replace("dr-recovery", "prod-tenant"), cluster)
    assert ALLOWED != judged(StackRole.AUTOMATION, "ecs:UpdateService", "*")


def test_nobody_of_a_recovery_makes_another_revision_of_its_task() -> None:
    for role in DOCUMENTS:
        assert ALLOWED != judged(role, "ecs:RegisterTaskDefinition", TASK), role


@pytest.mark.parametrize("region", [DR, "us-east-1"])
@pytest.mark.parametrize("name", ["recovery", "recovery-execution", "automation", "break-glass"])
def test_nobody_passes_a_recovery_role_to_a_task_beyond_the_session(name: str, region: str) -> None:
    """A tenant's task with the recovery's role keeps the broken glass open after the approver took the tag away.

    In whichever region AWS says that the role is passed (T76).
    """
    to_a_task, role = {"iam:PassedToService": ("ecs-tasks.amazonaws.com",)}, f"arn:aws:iam::{PROD.account}:role"
    to_a_task["aws:RequestedRegion"] = (region,)
    for who in (StackRole.RECOVERY, StackRole.BREAK_GLASS):
        assert ALLOWED == judged(who, "iam:PassRole", f"{role}/prod-ecs-task-role", to_a_task)
        assert EXPLICIT_DENY == judged(who, "iam:PassRole", f"{role}/prod-dr-{name}", to_a_task)
    for other in DOCUMENTS.keys() - {StackRole.AUTOMATION}:
        assert ALLOWED != judged(other, "iam:PassRole", f"{role}/prod-dr-{name}", to_a_task), other


def test_an_approver_tags_the_break_glass_role_and_may_not_assume_it() -> None:
    own, other = {"aws:TagKeys": (scopes.OPEN_FOR,)}, {"aws:TagKeys": ("Name",)}
    assert ALLOWED == judged(IamRole.APPROVER, "iam:TagRole", BREAK_GLASS, own)
    assert ALLOWED != judged(IamRole.APPROVER, "iam:TagRole", BREAK_GLASS, other)
    assert ALLOWED != judged(IamRole.APPROVER, "iam:TagRole", BREAK_GLASS.replace("break-glass", "operator"), own)
    assert ALLOWED != judged(IamRole.OPERATOR, "iam:TagRole", BREAK_GLASS, own)


def test_policies_fit_the_size_of_iam_and_the_document_names_approvers() -> None:
    assert [] == [name for of_role in DOCUMENTS.values() for name, text in of_role.items() if size(text) > LIMIT]
    assert approvers(PROD) == list(PROD.approvals.identities["approver"])
    step = next(row for row in recovery_document(PROD)["mainSteps"] if row["action"] == "aws:approve")
    assert step["inputs"]["Approvers"] == approvers(PROD)
