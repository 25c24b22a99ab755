"""Examples of the checks that hold of the DR region's stores after a failover: written to, and protected in turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import control_table, dynamodb, efs, rds, rds_groups
from dr_estate.reading.reader import Reader
from tests.dr_checks.databases import ARN, AWAY, HOME, NAME, PARAMETERS, PRIMARY, REPLICA
from tests.dr_checks.examples.dynamodb import ONE, SECOND
from tests.dr_checks.examples.efs import COPY, ROW
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

RESTORED = replace(PRIMARY, arn=ARN.replace(HOME, AWAY), host=f"{NAME}.x.{AWAY}.rds.amazonaws.com")
FOLLOWER = replace(PRIMARY, source=RESTORED.arn, replication="replicating")
READ_ONLY = (replace(PARAMETERS, parameters=(("read_only", "1"),)),)
APPLYING = replace(RESTORED, parameter_groups=((PARAMETERS.name, "applying"),))
TABLES = (replace(SECOND[1], name=ONE), SECOND[1])
WRITABLE = replace(COPY, overwrite_protection="ENABLED")
NO_TABLES = SIT.model_copy(update={"names": SIT.names.model_copy(update={"tables": ()})})
INCIDENT = control_table.Incident("INC-123", "failover", "on DR", NOW, NOW - timedelta(hours=3))


def given(check: str, expected: Status, subject: str = "", **changed: Any) -> Example:
    """An example of an estate that failed over, all well but for what is changed."""
    env = changed.pop("env", SIT)
    parts: dict[tuple[Reader[Any], Side], Any] = {
        (rds.instances, Side.PRIMARY): changed.get("old", ()),
        (rds.instances, Side.DR): changed.get("instances", (RESTORED,)),
        (rds_groups.parameter_groups, Side.DR): changed.get("groups", (PARAMETERS,)),
        (efs.file_systems, Side.DR): changed.get("files", (WRITABLE,)),
        (efs.replications, Side.DR): changed.get("replications", ()),
        (dynamodb.tables, Side.DR): changed.get("tables", TABLES),
        (control_table.standing, Side.DR): changed.get("standing", control_table.ControlState(incident=INCIDENT)),
    }
    named = frozenset([subject] if subject else [])
    return Example(f"validation-data.{check}", expected, world(parts, env=env), named, env)


EXAMPLES = [
    given("database-writable", Status.PASS, NAME),
    given("database-writable", Status.PASS, instances=(replace(RESTORED, identifier="another"), RESTORED)),
    given("database-writable", Status.PASS, NAME, instances=(replace(RESTORED, status="backing-up"),)),
    given("database-writable", Status.UNKNOWN, NAME, instances=(replace(RESTORED, status="a-new-word"),)),
    given("database-writable", Status.FAIL, NAME, instances=()),
    given("database-writable", Status.FAIL, NAME, instances=(REPLICA,)),
    given("database-writable", Status.FAIL, NAME, instances=(replace(RESTORED, status="creating"),)),
    given("database-writable", Status.FAIL, NAME, instances=(replace(RESTORED, status="stopped"),)),
    given("database-writable", Status.UNKNOWN, instances=DENIED),
    given("database-writable", Status.FAIL, NAME, groups=READ_ONLY),
    given("database-writable", Status.PASS, NAME, groups=READ_ONLY, instances=(APPLYING,)),
    given("database-writable", Status.PASS, NAME, groups=(replace(READ_ONLY[0], name="another"), PARAMETERS)),
    given("database-writable", Status.UNKNOWN, groups=DENIED),
    given("database-protected", Status.PASS, NAME),
    given("database-protected", Status.NOT_APPLICABLE, NAME, instances=()),
    given("database-protected", Status.FAIL, NAME, instances=(replace(RESTORED, retention_days=0),)),
    given("database-protected", Status.FAIL, NAME, instances=(replace(RESTORED, deletion_protection=False),)),
    given("database-protected", Status.UNKNOWN, instances=DENIED),
    given("files-writable", Status.PASS, COPY.id),
    given("files-writable", Status.PASS, replications=(replace(ROW, destination_region=HOME, destination_id="fs-1"),)),
    given("files-writable", Status.FAIL, COPY.id, replications=(ROW,)),
    given("files-writable", Status.FAIL, COPY.id, replications=(replace(ROW, status="DELETING"),)),
    given("files-writable", Status.PASS, COPY.id, files=(replace(WRITABLE, state="updating"),)),
    given("files-writable", Status.FAIL, COPY.id, files=(replace(WRITABLE, state="error"),)),
    given("files-writable", Status.FAIL, "sit-efs", files=()),
    given("files-writable", Status.PASS, COPY.id, files=(replace(WRITABLE, name=""),)),
    given("files-writable", Status.UNKNOWN, files=DENIED),
    given("files-writable", Status.UNKNOWN, replications=DENIED),
    given("tables-writable", Status.PASS, TABLES[0].name),
    given("tables-writable", Status.NOT_APPLICABLE, "all tables", tables=(), env=NO_TABLES),
    given("tables-writable", Status.FAIL, TABLES[1].name, tables=(TABLES[0], replace(TABLES[1], status="absent"))),
    given("tables-writable", Status.PASS, tables=(replace(TABLES[0], status="UPDATING"),)),
    given("tables-writable", Status.FAIL, tables=(replace(TABLES[0], status="DELETING"),)),
    given("tables-writable", Status.UNKNOWN, tables=(TABLES[0], DENIED)),
    given("tables-writable", Status.UNKNOWN, tables=DENIED),
    given("protected-again", Status.PASS, NAME, old=(FOLLOWER,)),
    given("protected-again", Status.WARN, NAME),
    given("protected-again", Status.WARN, NAME, old=(PRIMARY,)),
    given("protected-again", Status.WARN, NAME, old=DENIED),
    given("protected-again", Status.WARN, NAME, instances=(), standing=control_table.ControlState()),
    given("protected-again", Status.UNKNOWN, instances=DENIED),
    given("protected-again", Status.UNKNOWN, standing=DENIED),
]
