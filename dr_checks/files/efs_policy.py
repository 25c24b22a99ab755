"""Checks that the EFS policies of both regions grant the same access."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from dr_checks.core.model import Area, Finding, NothingToJudge, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import tenant_definitions
from dr_estate.config.environment import Side
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of, denial_of
from dr_estate.model.references import neutral
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import ecs, efs, vpc
from dr_estate.readers.efs import FileSystemPolicy

_ACTIONS, _TLS = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"), "aws:SecureTransport"
_VPC = "aws:SourceVpc"
_WANTED = "as the primary region's"
_PERSON = re.compile(r"arn:aws[a-z-]*:iam::\d+:(?:role|user)/")


@check("the file system policy of the DR region grants the access that the primary region's grants")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite("REL13-BP04", "NIST CP-7")
def admits_alike(view: View) -> Iterator[Finding]:
    """Every allow of the primary's policy is here, and no deny that it has not; each file system has its own policy.

    A policy that is missing here lets in more than the primary's: a warning. A deny of clients without TLS denies no
    task whose volumes have transitEncryption, and one of other roles or users none. Source: DescribeFileSystemPolicy;
    EFS User Guide, "Using IAM".
    """
    name = view.env.named(view.env.names.file_system)
    there, here = view.get(efs.policies, Side.PRIMARY), view.get(efs.policies)
    if not there or not here:
        raise NothingToJudge(name, "one region has no file system: see efs.file-system-exists")
    original, copy = there[0], here[0]
    unavailable = next((found for found in (original, copy) if isinstance(found, Unavailable)), None)
    if isinstance(original, Unavailable) or isinstance(copy, Unavailable):
        yield view.unknown(name, _WANTED, unavailable or "The policy could not be read.")
        return
    closed, doubt = list[str](), None
    # Without a policy of its own a file system grants every client full access (EFS guide, Default file system policy).
    if copy.text and ((copy.present and not original.present) or any(map(_is_of_plain_transport, copy.denies))):
        # Where both have a policy, their allows and other denies are compared by word.
        text = _denies_alone(copy.text, of_plain_transport=True) if original.present else copy.text
        closed, doubt = _denied_families(view, copy, text, allows=not original.present)
    refused = _refusals(original, copy, closed, _task_roles(view))
    # Whether what is denied by word is what tasks ask for; where these are not seen the gap stands all the same.
    if refused and copy.text and not closed:
        with suppress(DataUnavailable):
            closed, _ = _denied_families(view, copy, _denies_alone(copy.text), allows=False)
    # A refusal that is certain stands, whatever else is not known.
    if doubt is not None and not refused:
        if isinstance(doubt, Unavailable):
            yield view.unknown(name, _WANTED, doubt)
        else:
            yield view.undecided(name, _WANTED, doubt, f"the policy of file system {copy.file_system}")
    else:
        found = _policy_finding(view, name, original, copy, refused)
        yield replace(found, stops=True, members=tuple(closed)) if closed else found


def _is_of_plain_transport(statement: str) -> bool:
    """Whether a statement is about clients that do not use TLS alone."""
    tests = {
        (operator.removesuffix("IfExists"), key.lower(), str(value).lower())
        for operator, pairs in (json.loads(statement).get("Condition") or {}).items()
        for key, values in pairs.items()
        for value in (values if isinstance(values, list) else [values])
    }
    return ("Bool", _TLS.lower(), "false") in tests


def _denied_families(
    view: View, copy: FileSystemPolicy, text: str, *, allows: bool
) -> tuple[list[str], Unavailable | str | None]:
    """Return the families whose tasks the policy keeps from mounting or writing, and what of that is not known.

    What the policy does not say about a mount with a role is judged by roles.tasks-allowed, which knows the role's own
    policies.
    Raises DataUnavailable.
    """
    found = list(tenant_definitions(view).values())
    known = [definition for definition in found if not isinstance(definition, Unavailable)]
    admitted = [
        (definition.family, _admits(view, text, definition, volume, allows=allows))
        for definition in known
        for volume in definition.volumes
        if volume.file_system_id == copy.file_system
    ]
    unseen = next((definition for definition in found if isinstance(definition, Unavailable)), None)
    unsure = sorted({family for family, admits in admitted if admits is None})
    doubt = (
        f"Whether its policy lets the tasks of {', '.join(unsure)} in hangs on more than is known." if unsure else None
    )
    return sorted({family for family, admits in admitted if admits is False}), unseen or doubt


def _denies_alone(policy: str, *, of_plain_transport: bool = False) -> str:
    rows = json.loads(policy).get("Statement", [])
    rows = rows if isinstance(rows, list) else [rows]
    denies = [row for row in rows if row["Effect"] == "Deny"]
    own = [row for row in denies if not of_plain_transport or _is_of_plain_transport(json.dumps(row))]
    return json.dumps({"Statement": own})


def _admits(view: View, policy: str, definition: ecs.TaskDefinition, volume: ecs.Volume, allows: bool) -> bool | None:
    """Whether the policy lets the volume be mounted, None if unknown; with ``allows`` only an explicit allow counts."""
    account, region = view.env.account, view.region
    who = (definition.task_role, f"arn:aws:iam::{account}:root") if volume.iam else ()
    of_region = f"arn:aws:elasticfilesystem:{region}:{account}"
    point = (("elasticfilesystem:AccessPointArn", f"{of_region}:access-point/{volume.access_point_id}"),)
    known = (
        (_TLS, str(volume.transit_encryption).lower()),
        ("elasticfilesystem:AccessedViaMountTarget", "true"),
        *(point if volume.access_point_id else ()),
        *((("aws:PrincipalArn", definition.task_role), ("aws:PrincipalAccount", account)) if volume.iam else ()),
        *moment_keys(view.now),
    )
    system = f"{of_region}:file-system/{volume.file_system_id}"
    # An access point sets the user; without one the container's root needs ClientRootAccess to write.
    actions = _ACTIONS if volume.access_point_id else (*_ACTIONS, "elasticfilesystem:ClientRootAccess")
    # A mount without IAM is anonymous: only the policy can let it in. With a role, the role's own policies can.
    ask = answer_of if allows and not volume.iam else denial_of
    # Whether a mount bears its VPC is not documented: a policy that denies it either way denies it.
    network = view.read_for_remedy(vpc.vpc)
    within = ((_VPC, network.id),) if network else ()
    either = [(known + within, ()), (known, (_VPC,))]
    answers = set[PolicyAnswer]()
    for action in actions:
        found = {ask(policy, PolicyRequest(who, action, system, *keys)) for keys in either}
        answers.add(found.pop() if len(found) == 1 else PolicyAnswer.UNDECIDED)
    if PolicyAnswer.DENIED in answers:
        return False
    if ask is answer_of and PolicyAnswer.SILENT in answers:
        return None if volume.iam is None else False
    return None if PolicyAnswer.UNDECIDED in answers else True


def _task_roles(view: View) -> frozenset[str] | None:
    """The roles as which the tenants' tasks mount, as policies name them; None where one is not seen."""
    with suppress(DataUnavailable):
        found = list(tenant_definitions(view).values())
        seen = [row for row in found if not isinstance(row, Unavailable)]
        roles = frozenset(neutral(row.task_role, view.region) for row in seen)
        return roles if found and len(seen) == len(found) else None
    return None


def _is_of_others(statement: str, roles: frozenset[str] | None) -> bool:
    """Whether a statement is about roles and users alone that no task has. A root stands for its whole account."""
    principal = json.loads(statement).get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) and principal.keys() == {"AWS"} else None
    arns = [named] if isinstance(named, str) else named or []
    return bool(arns) and roles is not None and all(_PERSON.match(arn) and arn not in roles for arn in arns)


def _refusals(
    original: FileSystemPolicy, copy: FileSystemPolicy, closed: list[str], roles: frozenset[str] | None
) -> list[str]:
    """What the copy's policy keeps out that the original's lets in."""
    refused = [
        f"denies {statement}"
        for statement in copy.denies
        if statement not in original.denies
        and not (copy.text and _is_of_plain_transport(statement))
        and not _is_of_others(statement, roles)
    ]
    if closed:
        refused.append(f"does not let the tasks of {', '.join(closed)} in as they mount it")
    if copy.present:
        refused += [f"does not allow {statement}" for statement in original.allows if statement not in copy.allows]
    if copy.present and not original.present and not copy.text:
        refused.append("has a policy, the primary's allows every client")
    return refused


def _policy_finding(
    view: View, name: str, original: FileSystemPolicy, copy: FileSystemPolicy, refused: list[str]
) -> Finding:
    remedy = f"aws_efs_file_system_policy of '{name}' in {view.region}: the statements of the primary region's."
    if refused:
        reason = "tasks of the DR region could not mount the tenants' files"
        return view.gap(name, "; ".join(refused), _WANTED, reason, remedy)
    open_ = [f"does not deny {statement}" for statement in original.denies if statement not in copy.denies]
    open_ += ["has no policy"] if original.present and not copy.present else []
    open_ += [
        f"allows {statement}" for statement in copy.allows if original.present and statement not in original.allows
    ]
    if open_:
        reason = "it allows clients that the primary's denies"
        return view.warn(name, "; ".join(open_), _WANTED, reason, remedy)
    return view.ok(name, _WANTED, _WANTED, "it grants the access that the primary region's grants")
