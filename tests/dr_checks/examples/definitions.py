"""Examples of the task definition checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import D, P, both_services, container, definition, definitions, image
from tests.dr_checks.worlds import DENIED, SIT, Example, Values, world

TENANT2 = frozenset({"sit-tenant2"})
LOCAL = (("WORDPRESS_DB_HOST", f"sit-mysql.x.{D}.rds.amazonaws.com"), ("TENANT", "tenant2"))


FAMILIES = ("sit-tenant1", "sit-tenant2")


def _estate(changes: dict[str, Any] | None = None, families: Any = FAMILIES, **two: Any) -> Snapshot:
    """Both regions alike, but for the second tenant's DR definition (``two``) or its container (``changes``).

    ``families`` are those that have an active revision.
    """
    here = definitions(D, changes=changes, **two)
    return world(
        {
            (ecs.services, Side.DR): both_services(),
            (ecs.task_definitions, Side.PRIMARY): definitions(P),
            (ecs.task_definitions, Side.DR): here,
            (ecs.active_families, Side.DR): families,
        }
    )


def _with_mounts(
    here: dict[str, Any], volume: dict[str, Any], settings: dict[str, str], primary: dict[str, str]
) -> Snapshot:
    """Both regions with a mount and an IAM volume, the second tenant's DR definition changed by the arguments."""
    content = ecs.Volume("content", "fs-1", "fsap-1", transit_encryption=True, iam=True)
    mount = ecs.Mount("content", "/var/www/html/wp-content", read_only=False)
    facts: dict[str, Any] = {"mounts": (mount,), "settings": tuple(primary.items())}
    changed = {"mounts": (replace(mount, **here),), "settings": tuple(settings.items())}
    sides = {
        Side.PRIMARY: definition("tenant2", P, facts, volumes=(content,)),
        Side.DR: definition("tenant2", D, changed, volumes=(replace(content, **volume),)),
    }
    values: Values = {
        (ecs.services, Side.DR): both_services(),
        **{(ecs.task_definitions, s): (definition("tenant1", SIT.region(s)), d) for s, d in sides.items()},
    }
    return world(values)


def _mounted(**here: Any) -> Snapshot:
    return _with_mounts(here, {}, {}, {})


def _shown(**volume: Any) -> Snapshot:
    return _with_mounts({}, volume, {}, {})


def _set_up(settings: dict[str, str], primary: dict[str, str] | None = None) -> Snapshot:
    return _with_mounts({}, {}, settings, primary or {})


def _dark() -> Snapshot:
    values: Values = {
        (ecs.services, Side.DR): both_services(),
        (ecs.task_definitions, Side.PRIMARY): definitions(P),
        (ecs.task_definitions, Side.DR): (definition("tenant1", D), DENIED),
    }
    return world(values)


NOTHING = world(
    {
        (ecs.services, Side.DR): (),
        (ecs.task_definitions, Side.PRIMARY): definitions(P),
        (ecs.task_definitions, Side.DR): (),
        (ecs.active_families, Side.DR): (),
    }
)
ANOTHER_SECRET, ANOTHERS_FORMER = (
    (("DB_USER", f"arn:aws:secretsmanager:{D}:1:secret:sit-tenant1-db-credentials-AbCdEf:{rest}"),)
    for rest in ("username::", ":AWSPREVIOUS:")
)

EXAMPLES = [
    Example("definitions.parity", Status.PASS, _estate()),
    Example("definitions.parity", Status.PASS, _estate(cpu=1024, memory=2048)),
    Example("definitions.parity", Status.PASS, _mounted()),
    Example("definitions.parity", Status.PASS, _set_up({"memory": "64"}, {"memory": "64"})),
    Example("definitions.parity", Status.PASS, _set_up({"memory": "100"}, {"memory": "64"})),
    Example("definitions.parity", Status.PASS, _set_up({"memory": "1024"})),
    Example("definitions.parity", Status.PASS, _set_up({}, {"memory": "64"})),
    Example("definitions.parity", Status.PASS, _set_up({"stopTimeout": "90"})),
    Example("definitions.parity", Status.PASS, _estate({"mounts": (), "settings": (("user", "nobody"),)})),
    Example("definitions.parity", Status.NOT_APPLICABLE, NOTHING),
    Example("definitions.parity", Status.UNKNOWN, _dark()),
    *(
        Example("definitions.parity", Status.FAIL, broken, TENANT2)
        for broken in (
            _estate(cpu=256),
            _estate(memory=512),
            _estate(disk=10),
            _estate(network_mode="bridge"),
            _estate(architecture="ARM64"),
            _estate(architecture="X86_64 WINDOWS_SERVER_2022_CORE"),
            _estate(volumes=()),
            _estate(volumes=(ecs.Volume("content", "fs-1", "", transit_encryption=True),)),
            _estate(containers=()),
            _estate({"ports": (8080,)}),
            _estate({"environment": LOCAL[:1]}),
            _estate({"environment": (*LOCAL, ("DEBUG", "1"))}),
            _estate({"secrets": ANOTHER_SECRET}),
            _estate({"secrets": ()}),
            _estate(execution_role=""),
            _estate(task_role=""),
            _mounted(read_only=True),
            _mounted(path="/srv"),
            _mounted(volume="other"),
            _shown(root="/other"),
            _shown(iam=False),
            _set_up({"user": "nobody"}),
            _estate({"log_group": "", "log_region": "", "settings": ()}),
            _set_up({"healthCheck": "sha256:1"}),
            _set_up({"memory": "64"}),
            _set_up({"memory": "64"}, {"memory": "65"}),
            _set_up({"stopTimeout": "2"}),
            _set_up({"readonlyRootFilesystem": "true"}),
        )
    ),
    Example("definitions.own-tenant", Status.PASS, _estate({"environment": (("WORDPRESS_DB_NAME", "tenant2_db"),)})),
    Example("definitions.parity", Status.PASS, _estate({"log_group": "", "log_region": ""})),  # evidence of before
    Example("definitions.active", Status.PASS, _estate()),
    Example("definitions.active", Status.FAIL, _estate(families=("sit-tenant1",)), TENANT2),
    Example("definitions.active", Status.FAIL, _estate(families=()), TENANT2),
    Example("definitions.active", Status.FAIL, _estate(deregistered=True), TENANT2),
    Example("definitions.active", Status.FAIL, _estate(deregistered=True, families=()), TENANT2),
    Example("definitions.active", Status.NOT_APPLICABLE, NOTHING),
    Example("definitions.active", Status.UNKNOWN, _estate(families=DENIED)),
    Example("definitions.own-tenant", Status.PASS, NOTHING),
    Example("definitions.own-tenant", Status.UNKNOWN, _dark()),
    *(
        Example("definitions.own-tenant", Status.FAIL, _estate(changed), TENANT2)
        for changed in (
            {"environment": (("WORDPRESS_DB_NAME", "tenant1_db"),)},
            {"secrets": ANOTHER_SECRET},
            {"secrets": ANOTHERS_FORMER},
        )
    ),
    Example("definitions.image-registry", Status.PASS, _estate()),
    Example("definitions.image-registry", Status.PASS, _estate({"image": "public.ecr.aws/docker/wordpress:6"})),
    Example("definitions.image-registry", Status.FAIL, _estate({"image": image(P)}), TENANT2),
    Example("definitions.image-registry", Status.WARN, _estate({"image": image("eu-north-1")}), TENANT2),
    Example("definitions.image-registry", Status.NOT_APPLICABLE, NOTHING),
    Example("definitions.image-registry", Status.UNKNOWN, _dark()),
    Example("definitions.primary-region-names", Status.PASS, _estate()),
    Example("definitions.primary-region-names", Status.PASS, _estate({"environment": (("PRIMARY_REGION", P),)})),
    Example("definitions.primary-region-names", Status.NOT_APPLICABLE, NOTHING),
    Example(
        "definitions.primary-region-names",
        Status.FAIL,
        _estate({"fetched": (("log option token", f"arn:aws:secretsmanager:{P}:1:secret:token"),)}),
        TENANT2,
    ),
    Example("definitions.primary-region-names", Status.UNKNOWN, _dark()),
    *(
        Example("definitions.primary-region-names", Status.FAIL, _estate(changed), TENANT2)
        for changed in (
            {"environment": container("tenant2", P).environment},
            {"environment": (("AWS_REGION", P),)},
            {"secrets": container("tenant2", P).secrets},
            {"log_region": P},
        )
    ),
]
