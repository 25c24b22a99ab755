"""Examples of the checks of the database itself, and of what it needs in the DR region."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment
from dr_estate.config.settings import Expectation
from dr_estate.readers import rds_groups
from tests.dr_checks.databases import (
    NAME,
    OFFER,
    OPTIONS,
    PARAMETERS,
    PRIMARY,
    REPLICA,
    SUBNETS,
    database,
)
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN
QUIET = SIT.model_copy(
    update={"replication": SIT.replication.model_copy(update={"expectation": Expectation.NONE, "reason": "fixtures"})}
)
DEFAULTS = replace(
    PRIMARY, parameter_groups=(("default.mysql8.0", "in-sync"),), option_groups=(("default:mysql-8-0", "in-sync"),)
)
WRITING = ("backing-up", "modifying", "storage-optimization", "configuring-log-exports")
PASSING = ("rebooting", "renaming", "starting", "upgrading")
LOST = ("deleting", "failed", "inaccessible-encryption-credentials", "incompatible-network", "stopped", "storage-full")
STALE = replace(REPLICA, source="")
OWN_GROUP = replace(REPLICA, parameter_groups=(("own", "in-sync"),))


def _case(
    check: str, expected: Status, subject: str = "", env: Environment = SIT, module: str = "rds", **changed: Any
) -> Example:
    subjects = frozenset({subject} if subject else ())
    return Example(f"{module}.{check}", expected, world(database(**changed), env=env), subjects, env)


def _parity(check: str, expected: Status, subject: str = "", **changed: Any) -> Example:
    return _case(check, expected, subject, module="rds-parity", **changed)


def _postgres(value: str) -> Any:
    return replace(PARAMETERS, family="postgres16", parameters=(("default_transaction_read_only", value),))


def _in_postgres(here: str, there: str) -> dict[str, Any]:
    """The primary and its replica in these versions of PostgreSQL."""
    rows = {
        "instances_primary": replace(PRIMARY, engine_version=here),
        "instances_dr": replace(REPLICA, engine_version=there),
    }
    return {part: (replace(row, engine="postgres"),) for part, row in rows.items()}


def _with(name: str, value: str) -> rds_groups.ParameterGroup:
    return replace(PARAMETERS, parameters=(*PARAMETERS.parameters, (name, value)))


def _limits(there: str, here: str) -> dict[str, Any]:
    """The primary's parameter group and the DR region's, with these limits of connections."""
    found = {"primary": there, "dr": here}
    return {
        f"parameter_groups_{side}": (replace(PARAMETERS, parameters=(("max_connections", value),)),)
        for side, value in found.items()
    }


def _read_only(value: str) -> Any:
    return replace(PARAMETERS, parameters=(*PARAMETERS.parameters, ("read_only", value)))


EXAMPLES = [
    _case("parameter-group", PASS, "sit-mysql-params"),
    _case("parameter-group", FAIL, "sit-mysql-params", parameter_groups_dr=()),
    _case("parameter-group", UNKNOWN, parameter_groups_dr=DENIED),
    _case("parameter-group", FAIL, "sit-mysql-params", parameter_groups_dr=(_read_only("1"),)),
    _case("parameter-group", FAIL, "sit-mysql-params", parameter_groups_dr=(_read_only("on"),)),
    _case("parameter-group", PASS, "sit-mysql-params", parameter_groups_dr=(_read_only("{TrueIfReplica}"),)),
    _case("parameter-group", PASS, parameter_groups_dr=(_read_only("1"),), instances_dr=(PRIMARY,)),
    _case("parameter-group", FAIL, "sit-mysql-params", parameter_groups_dr=(_postgres("1"),)),
    _case("parameter-group", PASS, "sit-mysql-params", parameter_groups_dr=(_postgres("0"),)),
    # MySQL's parameter is none of PostgreSQL's.
    _case("parameter-group", PASS, parameter_groups_dr=(replace(_read_only("1"), family="postgres16"),)),
    _case(
        "parameter-group",
        FAIL,
        "own",
        parameter_groups_dr=(PARAMETERS, replace(_read_only("1"), name="own")),
        instances_dr=(OWN_GROUP,),
    ),
    _case("retention", PASS, NAME),
    _case("retention", FAIL, NAME, instances_primary=()),
    _case("retention", FAIL, NAME, instances_primary=(replace(PRIMARY, retention_days=6),)),
    _case("retention", FAIL, NAME, instances_primary=(replace(PRIMARY, retention_days=0),)),
    _case("retention", UNKNOWN, instances_primary=DENIED),
    _case("retention", Status.NOT_APPLICABLE, env=QUIET),
    _case("serves", PASS, NAME),
    *(_case("serves", PASS, NAME, instances_primary=(replace(PRIMARY, status=word),)) for word in WRITING),
    *(_case("serves", WARN, NAME, instances_primary=(replace(PRIMARY, status=word),)) for word in PASSING),
    *(_case("serves", FAIL, NAME, instances_primary=(replace(PRIMARY, status=word),)) for word in LOST),
    _case("serves", FAIL, NAME, instances_primary=(replace(PRIMARY, source="arn:aws:rds:eu-west-1:1:db:x"),)),
    _case("serves", UNKNOWN, NAME, instances_primary=(replace(PRIMARY, status="a-new-word"),)),
    _case("serves", UNKNOWN, instances_primary=DENIED),
    _case("deletion-protection", PASS, NAME),
    _case("deletion-protection", FAIL, NAME, instances_primary=(replace(PRIMARY, deletion_protection=False),)),
    _case(
        "deletion-protection",
        FAIL,
        "copy",
        instances_dr=(replace(REPLICA, identifier="copy", deletion_protection=False),),
    ),
    _case("deletion-protection", PASS, instances_dr=(replace(PRIMARY, identifier="other", deletion_protection=False),)),
    _case("deletion-protection", UNKNOWN, instances_dr=DENIED),
    _case("multi-az", PASS, NAME),
    _case("multi-az", Status.NOT_APPLICABLE, instances_primary=()),
    _case("multi-az", FAIL, NAME, instances_primary=(replace(PRIMARY, multi_az=False),)),
    _case("multi-az", WARN, NAME, QUIET, instances_primary=(replace(PRIMARY, multi_az=False),)),
    _case("multi-az", UNKNOWN, instances_primary=DENIED),
    _case("subnet-group", PASS, SUBNETS.name),
    _case("subnet-group", FAIL, SUBNETS.name, subnet_groups_dr=(replace(SUBNETS, name="other"),)),
    _case("subnet-group", FAIL, SUBNETS.name, subnet_groups_dr=(replace(SUBNETS, zones=("a",)),)),
    _case("subnet-group", FAIL, SUBNETS.name, subnet_groups_dr=(replace(SUBNETS, vpc="vpc-of-others"),)),
    _case("subnet-group", UNKNOWN, subnet_groups_dr=DENIED),
    _case("option-group", PASS, OPTIONS.name),
    _case("option-group", FAIL, OPTIONS.name, option_groups_dr=(replace(OPTIONS, major_version="5.7"),)),
    _case("option-group", FAIL, OPTIONS.name, option_groups_dr=(replace(OPTIONS, engine="mariadb"),)),
    _case("option-group", UNKNOWN, option_groups_dr=DENIED),
    _case("option-group", Status.NOT_APPLICABLE, option_groups_dr=()),
    _case("name-free", PASS, NAME),
    _case("name-free", PASS, NAME, instances_dr=(REPLICA,), automated_backups_dr=(), recovery_points_dr=()),
    _case("name-free", FAIL, NAME, instances_dr=(REPLICA,)),
    _case("name-free", FAIL, NAME, instances_dr=(replace(REPLICA, status="incompatible-restore"),)),
    _case("name-free", UNKNOWN, instances_dr=(REPLICA,), automated_backups_dr=DENIED, recovery_points_dr=()),
    _case("name-free", FAIL, NAME, instances_dr=(STALE,)),
    _case("name-free", WARN, NAME, instances_dr=(replace(STALE, tags=(("RestoredFrom", "arn"),)),)),
    _case("name-free", Status.NOT_APPLICABLE, instances_dr=(STALE,), services_dr=(service("sit-tenant1-service"),)),
    _case("name-free", UNKNOWN, instances_dr=DENIED),
    _parity("parameter-group", PASS, parameter_groups_primary=(_read_only("1"),)),
    _parity("parameter-group", FAIL, parameter_groups_dr=(_read_only("1"),)),
    _parity("parameter-group", PASS, PARAMETERS.name),
    _parity("parameter-group", PASS, instances_primary=(DEFAULTS,)),
    _parity("parameter-group", Status.NOT_APPLICABLE, instances_primary=()),
    _parity(
        "parameter-group",
        WARN,
        NAME,
        instances_primary=(replace(PRIMARY, parameter_groups=(("sit-mysql-params", "pending-reboot"),)),),
    ),
    _parity("parameter-group", PASS, PARAMETERS.name, **_limits("2000", "2500")),
    _parity("parameter-group", FAIL, PARAMETERS.name, **_limits("2000", "1999")),
    _parity("parameter-group", FAIL, PARAMETERS.name, **_limits("0", "2500")),
    *(
        _parity("parameter-group", expected, PARAMETERS.name, parameter_groups_dr=(_with(name, "1"),))
        for name, expected in (("slow_query_log", PASS), ("require_secure_transport", FAIL), ("sql_mode", FAIL))
    ),
    _parity("parameter-group", FAIL, PARAMETERS.name, parameter_groups_dr=()),
    _parity("parameter-group", FAIL, PARAMETERS.name, parameter_groups_dr=(replace(PARAMETERS, family="mysql8.4"),)),
    _parity("parameter-group", FAIL, PARAMETERS.name, parameter_groups_dr=(replace(PARAMETERS, parameters=()),)),
    _parity(
        "parameter-group",
        FAIL,
        "own",
        instances_dr=(OWN_GROUP,),
        parameter_groups_dr=(PARAMETERS, replace(PARAMETERS, name="own", parameters=(("binlog_format", "MIXED"),))),
    ),
    _parity(
        "parameter-group",
        PASS,
        "own",
        instances_dr=(OWN_GROUP,),
        parameter_groups_dr=(replace(PARAMETERS, name="own"),),
    ),
    _parity("parameter-group", UNKNOWN, parameter_groups_dr=DENIED),
    _parity("parameter-group", UNKNOWN, PARAMETERS.name, parameter_groups_primary=()),
    _parity("parameter-group", UNKNOWN, "own", instances_primary=(DEFAULTS,), instances_dr=(OWN_GROUP,)),
    _parity("option-group", PASS, OPTIONS.name),
    _parity("option-group", PASS, instances_primary=(DEFAULTS,)),
    _parity("option-group", FAIL, OPTIONS.name, option_groups_dr=()),
    _parity("option-group", FAIL, OPTIONS.name, option_groups_dr=(replace(OPTIONS, options=()),)),
    _parity("option-group", UNKNOWN, option_groups_dr=DENIED),
    _parity("option-group", UNKNOWN, OPTIONS.name, option_groups_primary=()),
    _parity("option-group", FAIL, OPTIONS.name, option_groups_primary=(), option_groups_dr=()),
    _parity("engine-version", PASS, NAME),
    _parity("engine-version", FAIL, NAME, offers_dr=(replace(OFFER, version_status=None),)),
    _parity("engine-version", WARN, NAME, offers_dr=(replace(OFFER, version_status="deprecated"),)),
    _parity("engine-version", FAIL, f"{NAME} (replica)", instances_dr=(replace(REPLICA, engine_version="8.0.39"),)),
    _parity("engine-version", FAIL, f"{NAME} (replica)", instances_dr=(replace(REPLICA, engine_version="8.4.3"),)),
    _parity("engine-version", WARN, f"{NAME} (replica)", instances_dr=(replace(REPLICA, engine_version="8.0.41"),)),
    _parity("engine-version", UNKNOWN, offers_dr=DENIED),
    _parity("engine-version", WARN, f"{NAME} (replica)", **_in_postgres("16.3", "16.4")),
    _parity("engine-version", FAIL, f"{NAME} (replica)", **_in_postgres("16.4", "17.4")),
    _parity("orderable", PASS, PRIMARY.instance_class),
    _parity("orderable", Status.NOT_APPLICABLE, instances_primary=(), offers_dr=()),
    _parity("orderable", FAIL, PRIMARY.instance_class, offers_dr=(replace(OFFER, orderable=False, storage_types=()),)),
    _parity("orderable", FAIL, PRIMARY.instance_class, offers_dr=(replace(OFFER, multi_az=False),)),
    _parity("orderable", FAIL, PRIMARY.instance_class, offers_dr=(replace(OFFER, storage_types=("gp2",)),)),
    _parity("orderable", Status.NOT_APPLICABLE, offers_dr=(replace(OFFER, version_status=None, orderable=False),)),
    _parity("orderable", UNKNOWN, offers_dr=DENIED),
]
