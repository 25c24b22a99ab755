"""Examples of what containers are started with."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, secretsmanager, task_sources
from dr_estate.readers.secretsmanager import Content, Field
from dr_estate.readers.task_sources import TaskBucket, TaskSources
from tests.dr_checks.compute import IN_DR, PSQL, D, P, both_services, definitions, with_psql
from tests.dr_checks.worlds import DENIED, SIT, Example, world

ARN = f"arn:aws:secretsmanager:{D}:{SIT.account}:secret:"
OWN = tuple(f"{ARN}sit-tenant{number}-db-credentials-AbCdEf" for number in (1, 2))
PARAMETER = f"arn:aws:ssm:{D}:{SIT.account}:parameter/shared/salt"
CONTENTS = tuple(
    Content(f"sit-tenant{number}-db-credentials", "v1", (Field("username", "d", False, False),)) for number in (1, 2)
)
VERSIONS = ((OWN[1], ("AWSCURRENT", "v1")),)
TWO = frozenset({"sit-tenant2"})


def _given(expected: Status, source: str = f"{OWN[1]}:username::", changes: Any = None) -> Example:
    """Both tenants read their own secret; the second one's DR definition reads ``source``."""
    values: dict[Any, Any] = {
        (ecs.services, Side.DR): both_services(),
        (ecs.task_definitions, Side.DR): definitions(D, changes={"secrets": (("DB_USER", source),)}),
        (task_sources.sources, Side.DR): TaskSources(OWN, ("/shared/salt",), stages=VERSIONS),
        (secretsmanager.contents, Side.DR): CONTENTS,
    }
    subjects = TWO if expected is Status.FAIL else frozenset()
    return Example("task-sources.exist", expected, world(values | (changes or {})), subjects)


def _variables(expected: Status, *rows: object, there: Any = None) -> Example:
    """The second tenant reads a file of variables from a bucket; ``rows`` are the buckets."""
    changes = {"files": ("variables/app.env",)} if there is None else {}
    values: dict[Any, Any] = {
        (ecs.services, Side.DR): both_services(),
        (ecs.task_definitions, Side.DR): there or definitions(D, changes=changes),
        (task_sources.file_buckets, Side.DR): DENIED if rows == (DENIED,) else rows,
    }
    return Example("task-sources.files-here", expected, world(values), TWO if expected is Status.FAIL else frozenset())


BUCKET = TaskBucket("variables", D, ())
EARLIER = (("environmentFiles", "given"),)
OF_VARIABLES = [
    _variables(Status.PASS, BUCKET),
    _variables(Status.PASS, TaskBucket("variables", "eu-north-1", ())),
    _variables(Status.FAIL, TaskBucket("variables", P)),
    _variables(Status.FAIL, TaskBucket("variables", "")),
    _variables(Status.FAIL, TaskBucket("variables", D, ("app.env",))),
    _variables(Status.PASS, TaskBucket("variables", D, ("other.env",))),
    _variables(Status.UNKNOWN, TaskBucket("variables", D)),
    _variables(Status.UNKNOWN, DENIED),
    _variables(Status.UNKNOWN, DENIED, BUCKET),
    _variables(Status.UNKNOWN, BUCKET, there=(DENIED,)),
    _variables(Status.NOT_APPLICABLE, BUCKET, there=definitions(D)),
    _variables(Status.UNKNOWN, BUCKET, there=definitions(D, changes={"settings": EARLIER})),
]
_WITH_PSQL = _given(Status.PASS).snapshot
_LOST = (("PGPASSWORD", f"{ARN}absent-AbCdEf"),)
EXAMPLES = [
    *OF_VARIABLES,
    Example("task-sources.exist", Status.PASS, with_psql(_WITH_PSQL, secrets=(("PGUSER", OWN[0]),)), env=PSQL),
    Example("task-sources.exist", Status.WARN, with_psql(_WITH_PSQL, secrets=_LOST), IN_DR, PSQL),
    _given(Status.PASS),
    _given(Status.PASS, OWN[1]),
    _given(Status.PASS, f"{ARN}sit-tenant2-db-credentials"),
    _given(Status.PASS, PARAMETER),
    _given(Status.PASS, "/shared/salt"),
    _given(Status.PASS, OWN[1].replace(D, P)),
    _given(Status.UNKNOWN, OWN[1].replace(D, "us-east-1")),
    _given(Status.UNKNOWN, PARAMETER.replace(D, "us-east-1")),
    _given(Status.PASS, f"{OWN[1]}:password::", {(secretsmanager.contents, Side.DR): ()}),
    _given(Status.PASS, f"{OWN[1]}:username:AWSCURRENT:"),
    _given(Status.PASS, f"{OWN[1]}:username::v1"),
    _given(Status.UNKNOWN, f"{OWN[1]}:username::v0"),
    _given(Status.FAIL, f"{OWN[1]}:username:AWSPREVIOUS:"),
    _given(Status.FAIL, f"{OWN[1]}:username:AWSPREVIOUS:v1"),
    _given(Status.FAIL, f"{OWN[1]}:password::"),
    _given(Status.FAIL, f"{ARN}sit-tenant2-db-credentials-ZzZzZz:username::"),
    _given(Status.FAIL, f"{PARAMETER}s"),
    _given(Status.FAIL, "/other/salt"),
    _given(Status.UNKNOWN, OWN[1].replace(SIT.account, "111122223333")),
    _given(Status.UNKNOWN, OWN[1], {(task_sources.sources, Side.DR): DENIED}),
    _given(Status.UNKNOWN, OWN[1], {(ecs.task_definitions, Side.DR): (DENIED,)}),
    _given(Status.NOT_APPLICABLE, OWN[1], {(ecs.services, Side.DR): ()}),
]
