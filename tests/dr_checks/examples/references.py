"""Examples of what variables and secrets lead to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.model.references import ReferenceKind
from dr_estate.readers import (
    ecs,
    efs,
    named_resources,
    rds,
    route53_private_names,
    secretsmanager,
    ssm_parameters,
    vpc,
)
from dr_estate.readers.named_resources import FileVariable, NamedResource, VariablesFile
from dr_estate.readers.route53_private_names import PrivateName, PrivateNames
from dr_estate.readers.secretsmanager import Content, Field
from dr_estate.readers.vpc import Vpc
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import D, P, definition
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

TENANTS = ("tenant1", "tenant2")
SERVICES = tuple(service(SIT.named(SIT.names.service, tenant=tenant)) for tenant in TENANTS)
ALL = frozenset(f"sit-{tenant}" for tenant in TENANTS)
SECRET = SIT.named(SIT.names.tenant_secret, tenant="tenant1")
CACHE, QUEUE = "c.abc123.0001.{}.cache.amazonaws.com", "https://sqs.{}.amazonaws.com/1/jobs"
FILES = "fs-0123456789abcdef0"
THEIRS = efs.FileSystem(FILES, "arn", "sit-efs", "available", 0, "bursting", 0.0, "generalPurpose", True, "", "", "")
HOME = f"internal-orders-1.{P}.elb.amazonaws.com"


def _leads(target: str, *names: str) -> tuple[PrivateName, ...]:
    return tuple(PrivateName(f"{name}.sit.internal", target) for name in names)


HEALTHY_PARTS: dict[Any, Any] = {
    (named_resources.found, Side.DR): (),
    **{(named_resources.files, side): () for side in (Side.PRIMARY, Side.DR)},
}


def _estate(here: str, there: str = "", field: str = "", key: str = "host", **changes: Any) -> Snapshot:
    """A variable X is ``here`` in the DR region for all tenants, ``there`` in the primary's; a secret has ``field``."""

    def defined(tenant: str, region: str) -> ecs.TaskDefinition:
        value = here if region == D else there or here
        arn = f"arn:aws:secretsmanager:{region}:{SIT.account}:secret:{SECRET}-AbCdEf"
        own: dict[str, Any] = {"environment": (("X", value),), "secrets": (("HOST", f"{arn}:{key}::"),)}
        own["files"] = (f"variables-{region}/app.env",) if "files" in changes else ()
        return definition(tenant, region, own)

    fields = (Field("host", "same", False, False, leads=(field,)),) if field else ()
    values: dict[Any, Any] = {
        (ecs.services, Side.PRIMARY): SERVICES,
        (ecs.services, Side.DR): SERVICES,
        (ecs.task_definitions, Side.PRIMARY): tuple(defined(tenant, P) for tenant in TENANTS),
        (ecs.task_definitions, Side.DR): tuple(defined(tenant, D) for tenant in TENANTS),
        (rds.instances, Side.DR): (),
        (vpc.vpc, Side.PRIMARY): Vpc("vpc-p", "available", "", False, (("10.10.0.0/16", "associated"),)),
        (vpc.vpc, Side.DR): Vpc("vpc-d", "available", "", False, (("10.20.0.0/16", "associated"),)),
        **{(vpc.subnets, side): () for side in (Side.PRIMARY, Side.DR)},
        **{(vpc.security_groups, side): () for side in (Side.PRIMARY, Side.DR)},
        (efs.file_systems, Side.PRIMARY): changes.get("theirs", ()),
        (named_resources.found, Side.DR): changes.get("found", ()),
        **{(ssm_parameters.parameters, side): changes.get("parameters", ()) for side in (Side.PRIMARY, Side.DR)},
        (secretsmanager.contents, Side.PRIMARY): (Content(SECRET, "v", fields),),
        (secretsmanager.contents, Side.DR): (Content(SECRET, "v", fields),),
        (route53_private_names.names, Side.GLOBAL): (
            PrivateNames(Side.PRIMARY, (), zones=("sit.internal",), leads=_leads("10.10.0.9", "db", "mail")),
            PrivateNames(
                Side.DR,
                (),
                zones=("sit.internal", "hub.sit.internal"),
                leads=(
                    *_leads("10.20.0.9", "db", "*.apps"),
                    *_leads(HOME, "orders"),
                    *_leads("10.10.0.9", "queue"),
                    *_leads("10.99.0.9", "hub"),
                ),
                foreign=("hub.sit.internal",),
            ),
        ),
    }
    for side, rows in zip((Side.DR, Side.PRIMARY), changes.get("files", ()), strict=False):
        values[named_resources.files, side] = rows
    if changes.get("theirs_dark"):
        values[ecs.task_definitions, Side.PRIMARY] = (DENIED,)
    return world({key: value for key, value in values.items() if key[0].name not in changes.get("dark", ())})


def _of(expected: Status, here: str, there: str = "", **changes: Any) -> Example:
    subjects = ALL if expected in (Status.FAIL, Status.UNKNOWN) and "field" not in changes else frozenset()
    return Example("references.lead-here", expected, _estate(here, there, **changes), subjects)


def _without_primary_network(seen: Snapshot) -> Snapshot:
    return replace(seen, parts={key: part for key, part in seen.parts.items() if key != (vpc.vpc.name, Side.PRIMARY)})


def _in_file(expected: Status, files: Any) -> Example:
    subjects = frozenset({f"variables-{D}/app.env"})
    return Example("references.lead-here", expected, _estate("nothing", files=files), subjects)


def _found(kind: ReferenceKind, name: str, region: Any = D) -> tuple[NamedResource, ...]:
    return (NamedResource(kind, name, region),)


def _parameter(leads: str) -> tuple[ssm_parameters.Parameter, ...]:
    return (ssm_parameters.Parameter("/sit/host", "String", False, (), "digest", (leads,)),)


def _files(here: str, there: str = "", primary: bool = False) -> Any:
    """The file of each region with one variable, whose value leads ``here`` in the DR region."""

    def of(region: str, lead: str, digest: str) -> tuple[VariablesFile, ...]:
        variable = FileVariable("CACHE_HOST", digest, (lead,) if lead else (), primary)
        return (VariablesFile(f"variables-{region}/app.env", (variable,)),)

    return of(D, here, "same"), of(P, there or here, "other" if there else "same")


_NO_FILE = (VariablesFile(f"variables-{D}/app.env", None),)
HERE, THERE = "euw1", "afs1"
EXAMPLES = [
    _of(Status.PASS, "nothing"),
    _of(Status.PASS, CACHE.format(HERE), CACHE.format(THERE), found=_found(ReferenceKind.CACHE, "c")),
    _of(Status.FAIL, CACHE.format(THERE)),
    _of(Status.UNKNOWN, CACHE.format(HERE), CACHE.format(THERE)),
    _of(Status.UNKNOWN, CACHE.format(HERE), CACHE.format(THERE), found=_found(ReferenceKind.CACHE, "c", DENIED)),
    _of(Status.PASS, QUEUE.format(D), QUEUE.format(P), found=_found(ReferenceKind.QUEUE, "jobs")),
    _of(Status.UNKNOWN, QUEUE.format(D), QUEUE.format(P)),
    _of(Status.PASS, "10.20.3.4:11211", "10.10.3.4:11211"),
    _of(Status.FAIL, "10.10.3.4:11211"),
    _of(Status.UNKNOWN, "10.30.3.4", "10.10.3.4"),
    _of(Status.PASS, "10.30.3.4"),
    _of(Status.PASS, "10.10.0.0/16"),
    _of(Status.FAIL, "s3://assets/a", found=_found(ReferenceKind.BUCKET, "assets", P)),
    _of(Status.PASS, "s3://assets/a", found=_found(ReferenceKind.BUCKET, "assets", "us-east-1")),
    _of(Status.PASS, "https://email-smtp.eu-west-1.amazonaws.com", "https://email-smtp.af-south-1.amazonaws.com"),
    _of(Status.PASS, "smtp.example.org"),
    _of(Status.UNKNOWN, "smtp.dr.example.org", "smtp.example.org"),
    _of(Status.PASS, f"tenant1.{SIT.traffic.tenant_domain}", "www.example.org"),
    _of(Status.PASS, "db.sit.internal"),
    _of(Status.PASS, "crm.apps.sit.internal"),
    # While the primary region is dark, its network is not seen.
    Example("references.lead-here", Status.PASS, _without_primary_network(_estate("db.sit.internal"))),
    Example("references.lead-here", Status.PASS, _without_primary_network(_estate("hub.sit.internal"))),
    # The private zone of the DR region's VPC answers for it, and has no record of it.
    _of(Status.FAIL, "mail.sit.internal"),
    _of(Status.UNKNOWN, "gone.sit.internal"),
    _of(Status.UNKNOWN, "mail.hub.sit.internal"),
    # A record of that zone that leads to the primary region.
    _of(Status.FAIL, "orders.sit.internal"),
    _of(Status.FAIL, "queue.sit.internal"),
    _of(Status.UNKNOWN, "search.eu-west-1.es.amazonaws.com", "search.af-south-1.es.amazonaws.com"),
    _of(Status.UNKNOWN, "vpc-0123456789abcdef0"),
    _of(Status.FAIL, f"{FILES}:/media", theirs=(THEIRS,)),
    _of(Status.PASS, f"{FILES}:/media", found=_found(ReferenceKind.FILES, FILES)),
    _of(Status.PASS, f"old-mysql.cab.{D}.rds.amazonaws.com"),  # variables.database-host's matter
    _of(Status.FAIL, "nothing", field=CACHE.format(THERE)),
    _of(Status.WARN, "nothing", field=CACHE.format(THERE), key="password"),
    _of(Status.FAIL, "nothing", field="10.10.3.4"),
    _of(Status.PASS, "nothing", field="db.sit.internal"),
    _of(Status.UNKNOWN, "nothing", field=f"old-mysql.cab.{D}.rds.amazonaws.com"),
    _of(Status.WARN, "nothing", parameters=_parameter(CACHE.format(THERE))),
    _of(Status.PASS, "nothing", parameters=_parameter("db.sit.internal")),
    _of(Status.PASS, "nothing", parameters=_parameter(f"arn:aws:ecs:{D}:1:cluster/sit")),
    _of(Status.PASS, "nothing", files=_files("")),
    _of(Status.PASS, "nothing", files=(_NO_FILE, ())),
    _of(Status.PASS, "nothing", files=_files(CACHE.format(HERE)), found=_found(ReferenceKind.CACHE, "c"), field=""),
    _in_file(Status.FAIL, _files(CACHE.format(THERE))),
    _in_file(Status.FAIL, _files("10.10.3.4", "10.10.3.5")),
    _in_file(Status.FAIL, _files(f"arn:aws:sns:{P}:1:t", primary=True)),
    _in_file(Status.FAIL, _files("", primary=True)),
    _in_file(Status.UNKNOWN, _files(CACHE.format(HERE))),
    _in_file(Status.UNKNOWN, _files("smtp.dr.example.org", "smtp.example.org")),
    _of(Status.PASS, "nothing", files=_files("smtp.example.org")),
    _of(Status.UNKNOWN, "nothing", files=((DENIED,), ()), field="db.sit.internal"),
    _of(Status.UNKNOWN, "10.20.3.4", "10.10.3.4", dark=("vpc.vpc",)),
    _of(Status.UNKNOWN, "smtp.example.org", theirs_dark=True),
]
