"""Terraform that cannot provision while the primary region is dark: state, lock or settings missing (T39)."""

from __future__ import annotations

import json
from datetime import timedelta

from dr_estate.config.environment import Side
from sandbox.core.state import now
from sandbox.disasters import disaster
from sandbox.disasters.prerequisites import hide_object, replace_object
from sandbox.world.world import World

_HOURS_AGO = timedelta(hours=5)


def _copy(world: World) -> tuple[str, str]:
    """Bucket and key of the state's copy."""
    env = world.environment
    return env.named(env.names.bucket_copy, bucket=env.named(env.names.state_bucket)), env.named(env.names.state_key)


disaster(
    "terraform-state-missing",
    "The Terraform state has no copy in the DR region",
    trips=("terraform.state-reachable",),
    consequences=("s3-quantity.as-many",),  # its bucket holds little else
    # Delete the state's copy; its bucket keeps versions.
    run=lambda world: hide_object(world, Side.DR, *_copy(world)),
)


@disaster(
    "terraform-state-old", "The Terraform state in the DR region is an old one", trips=("terraform.state-current",)
)
def state_old(world: World) -> None:
    """Put the state as it was before there was anything in it."""
    # Version 4 is the format; serial rises with each change, so 1 is the oldest.
    old = {"version": 4, "terraform_version": "1.9.8", "serial": 1, "outputs": {}, "resources": []}
    replace_object(world, Side.DR, *_copy(world), json.dumps(old))


@disaster("terraform-lock-missing", "The lock table has no replica in the DR region", trips=("terraform.lock-table",))
def lock_missing(world: World) -> None:
    """Take the DR region out of the lock's global table."""
    name = world.environment.named(world.environment.names.state_lock_tables[0])
    region, on, off = world.environment.regions.dr, _protection(True), _protection(False)
    recoverable = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    # Replayed from the last: the replica is made, then its recovery, then its protection.
    world.undo(Side.DR, "dynamodb", "UpdateTable", TableName=name, **on)
    world.undo(Side.DR, "dynamodb", "UpdateContinuousBackups", TableName=name, **recoverable)
    world.call(Side.DR, "dynamodb", "UpdateTable", TableName=name, **off)
    for turn, what in ((world.undo, "Create"), (world.call, "Delete")):
        turn(Side.PRIMARY, "dynamodb", "UpdateTable", TableName=name, ReplicaUpdates=[{what: {"RegionName": region}}])


@disaster("terraform-lock-left", "A run of Terraform died with its lock, hours ago", trips=("terraform.not-locked",))
def lock_left(world: World) -> None:
    """Put the lock of an apply into the lock table, as Terraform does."""
    bucket, key = _copy(world)
    table = world.environment.named(world.environment.names.state_lock_tables[0])
    # The key of Terraform's S3 backend: bucket and key of the state (Terraform, backend s3).
    item = {"LockID": {"S": f"{bucket}/{key}"}}
    info = {"ID": "0f4a9c0e", "Operation": "OperationTypeApply", "Created": f"{now() - _HOURS_AGO:%Y-%m-%dT%H:%M:%SZ}"}
    world.undo(Side.DR, "dynamodb", "DeleteItem", TableName=table, Key=item)
    world.call(Side.DR, "dynamodb", "PutItem", TableName=table, Item={**item, "Info": {"S": json.dumps(info)}})


@disaster(
    "parameter-missing",
    "A parameter of the deployment is missing in the DR region",
    trips=("terraform.parameter-parity",),
)
def parameter_missing(world: World) -> None:
    """Delete the first parameter of the DR region."""
    parameter = _parameters(world, Side.DR)[0]
    fields = {key: parameter[key] for key in ("Name", "Value", "Type")}
    of_parameter = {"ResourceType": "Parameter", "ResourceId": parameter["Name"]}
    tags = world.call(Side.DR, "ssm", "ListTagsForResource", **of_parameter)["TagList"]
    world.undo(Side.DR, "ssm", "PutParameter", **fields, Tags=tags)
    world.call(Side.DR, "ssm", "DeleteParameter", Name=parameter["Name"])


@disaster(
    "parameter-of-the-primary",
    "A parameter of the DR region names a resource of the primary region",
    trips=("terraform.parameter-parity",),
)
def parameter_of_the_primary(world: World) -> None:
    """Give a parameter of the DR region the primary's value."""
    primary = world.environment.regions.primary
    wrong = next(parameter for parameter in _parameters(world, Side.PRIMARY) if primary in parameter["Value"])
    before = world.call(Side.DR, "ssm", "GetParameter", Name=wrong["Name"])["Parameter"]
    for turn, value in ((world.undo, before["Value"]), (world.call, wrong["Value"])):
        # Overwrite, else a name in use is refused (API_PutParameter).
        turn(Side.DR, "ssm", "PutParameter", Name=wrong["Name"], Value=value, Type=wrong["Type"], Overwrite=True)


def _parameters(world: World, side: Side) -> list[dict[str, str]]:
    path = world.environment.named(world.environment.names.parameter_path)
    return list(world.call(side, "ssm", "GetParametersByPath", Path=path, Recursive=True)["Parameters"])


def _protection(on: bool) -> dict[str, bool]:
    return {"DeletionProtectionEnabled": on}


@disaster(
    "parameter-of-primary-files",
    "A parameter of the DR region names the primary region's file system",
    trips=("terraform.parameter-values",),
    consequences=("references.lead-here",),
)
def parameter_of_primary_files(world: World) -> None:
    """Copy the value from the primary region, as a script would."""
    name = f"/{world.environment.name}/files/file-system-id"
    before = world.call(Side.DR, "ssm", "GetParameter", Name=name)["Parameter"]["Value"]
    after = world.call(Side.PRIMARY, "ssm", "GetParameter", Name=name)["Parameter"]["Value"]
    for turn, value in ((world.undo, before), (world.call, after)):
        turn(Side.DR, "ssm", "PutParameter", Name=name, Value=value, Type="String", Overwrite=True)
