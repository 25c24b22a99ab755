"""Examples of the roles that copy to the DR region."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import iam_copy_roles
from dr_estate.readers.iam_copy_roles import BACKUPS, JOBS, OBJECTS, CopyRole, JobRole
from dr_estate.readers.iam_simulation import SimulatedDecision
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

WRITES = SimulatedDecision("s3:ReplicateObject", "allowed", "eu-west-1")
CLOSED = SimulatedDecision(
    "s3:ReplicateObject", "explicitDeny", "eu-west-1", "arn:copy, by its own policy", of_resource=True
)
LACKS = SimulatedDecision("kms:Encrypt", "implicitDeny", "eu-west-1", "arn:key, kms:ViaService=s3.eu-west-1")
STARTS = SimulatedDecision("s3:InitiateReplication", "allowed", "eu-west-1")
KEPT_OUT = replace(
    STARTS, decision="explicitDeny", on="arn:aws:s3:::assets-dr/any, by its own policy", of_resource=True
)
HANGS = replace(STARTS, decision="implicitDeny")
ROLE = CopyRole("arn:aws:iam::1:role/replication", OBJECTS, True, True, (WRITES,))
BACKUP = replace(ROLE, service=BACKUPS)
NAMED = frozenset({ROLE.arn})


def _given(expected: Status, *roles: object) -> Example:
    subjects = NAMED if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    parts = {(iam_copy_roles.roles, Side.GLOBAL): roles}
    return Example("copy-roles.may-replicate", expected, world(parts), subjects)


def _copying(expected: Status, *roles: object) -> Example:
    subjects = NAMED if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    return Example("copy-roles.may-copy", expected, world({(iam_copy_roles.roles, Side.GLOBAL): roles}), subjects)


def _restoring(expected: Status, *roles: object) -> Example:
    subjects = NAMED if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    parts = {(iam_copy_roles.restore_roles, Side.GLOBAL): roles}
    return Example("copy-roles.may-restore", expected, world(parts), subjects)


JOBS_ROLE = CopyRole(f"arn:aws:iam::{SIT.account}:role/sit-s3-batch", JOBS, True, True, (STARTS,))
BATCHED = SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"objects_batch_role": JOBS_ROLE.arn})})


def _by_jobs(expected: Status, *roles: object) -> Example:
    subjects = frozenset({JOBS_ROLE.arn}) if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    rows = tuple(JobRole("assets-dr", role) if isinstance(role, CopyRole) else role for role in roles)
    parts = {(iam_copy_roles.job_roles, Side.GLOBAL): rows}
    return Example("copy-roles.may-bring-home", expected, world(parts), subjects, BATCHED)


EXAMPLES = [
    _given(Status.PASS, ROLE),
    _given(Status.FAIL, replace(ROLE, exists=False, trusted=None, decisions=())),
    _given(Status.FAIL, replace(ROLE, trusted=False)),
    _given(Status.FAIL, replace(ROLE, decisions=(CLOSED,))),
    _given(Status.FAIL, replace(ROLE, decisions=(LACKS,))),
    _given(Status.UNKNOWN, replace(ROLE, decisions=(replace(LACKS, missing=("kms:EncryptionContext:aws:s3:arn",)),))),
    _given(Status.UNKNOWN, replace(ROLE, trusted=None)),
    _given(Status.UNKNOWN, ROLE, DENIED),
    _given(Status.NOT_APPLICABLE),
    _given(Status.WARN, replace(ROLE, trust_ends=NOW + timedelta(days=3))),
    _given(Status.NOT_APPLICABLE, BACKUP),
    _copying(Status.PASS, BACKUP),
    _copying(Status.FAIL, replace(BACKUP, decisions=(CLOSED,))),
    _copying(Status.UNKNOWN, replace(BACKUP, trusted=None)),
    _copying(Status.UNKNOWN, BACKUP, DENIED),
    _copying(Status.NOT_APPLICABLE, replace(ROLE, decisions=(CLOSED,))),
    _copying(Status.NOT_APPLICABLE),
    _restoring(Status.PASS, ROLE),
    _restoring(Status.FAIL, replace(ROLE, exists=False, trusted=None, decisions=())),
    _restoring(Status.FAIL, replace(ROLE, trusted=False)),
    _restoring(Status.FAIL, replace(ROLE, decisions=(CLOSED,))),
    _restoring(Status.UNKNOWN, replace(ROLE, trusted=None)),
    _restoring(Status.UNKNOWN, ROLE, DENIED),
    _restoring(Status.NOT_APPLICABLE),
    _by_jobs(Status.PASS, JOBS_ROLE),
    _by_jobs(Status.WARN, replace(JOBS_ROLE, trust_ends=NOW + timedelta(days=3))),
    _by_jobs(Status.FAIL, replace(JOBS_ROLE, exists=False, trusted=None, decisions=())),
    _by_jobs(Status.FAIL, replace(JOBS_ROLE, trusted=False)),
    _by_jobs(Status.FAIL, JOBS_ROLE, replace(JOBS_ROLE, decisions=(KEPT_OUT,))),
    _by_jobs(Status.FAIL, replace(JOBS_ROLE, decisions=(replace(KEPT_OUT, missing=("aws:SourceVpc",)),))),
    _by_jobs(Status.UNKNOWN, replace(JOBS_ROLE, decisions=(replace(HANGS, missing=("aws:SourceVpc",)),))),
    _by_jobs(Status.UNKNOWN, replace(JOBS_ROLE, trusted=None)),
    _by_jobs(Status.UNKNOWN, JOBS_ROLE, DENIED),
    _by_jobs(Status.NOT_APPLICABLE),
    Example("copy-roles.may-bring-home", Status.NOT_APPLICABLE, world({})),
]
