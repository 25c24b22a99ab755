"""RDS: parameter, option and subnet groups, and the offered instance classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import own_group
from dr_estate.readers import rds
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, part

AWS_OWN = "default."
"""What the name of a group that RDS makes begins with, before its family: nobody can change those."""
SUBNET_READS = frozenset({"rds:DescribeDBSubnetGroups"})


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """A parameter group; ``parameters`` are the (name, value) pairs somebody set, in name order."""

    name: str
    family: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """An option group; ``options`` are the names of its options, in order of name."""

    name: Annotated[str, At("OptionGroupName", demanded=True)]
    engine: Annotated[str, At("EngineName")]
    major_version: Annotated[str, At("MajorEngineVersion")]
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubnetGroup:
    """A DB subnet group; ``zones`` are the availability zones of its active subnets."""

    name: Annotated[str, At("DBSubnetGroupName", demanded=True)]
    status: Annotated[str, At("SubnetGroupStatus")]
    vpc: Annotated[str, At("VpcId")]
    subnets: tuple[str, ...]
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """Whether this region offers what an instance of the primary region runs on.

    ``version_status`` is AWS's word for the engine version (available, deprecated), None where it is not offered.
    """

    instance: str
    engine: str
    engine_version: str
    instance_class: str
    version_status: str | None
    orderable: bool
    multi_az: bool
    storage_types: tuple[str, ...]


@part(*REGIONAL, reads=frozenset({"rds:DescribeDBParameterGroups", "rds:DescribeDBParameters"}))
def parameter_groups(context: ReadContext) -> tuple[ParameterGroup, ...]:
    """The environment's parameter group, those of the region's instances and what a failback made; no absent one."""
    used = {name for instance in context.part(rds.instances) for name in _groups_of(instance)}
    wanted = sorted((used | {context.env.named(context.env.names.db_parameter_group)}) - {""})

    def read(name: str) -> ParameterGroup | None:
        absent = ("DBParameterGroupNotFound", "DBParameterGroupNotFoundFault")
        found = context.find("rds", "describe_db_parameter_groups", absent, DBParameterGroupName=name)
        groups = (found or {}).get("DBParameterGroups")
        if not groups:
            return None
        # Source=user leaves out AWS's own defaults, some 600 rows that differ from version to version.
        rows = context.pages("rds", "describe_db_parameters", "Parameters", DBParameterGroupName=name, Source="user")
        values = context.rows(
            rows, lambda row: (row["ParameterName"], row.get("ParameterValue") or ""), "ParameterName"
        )
        return ParameterGroup(name, groups[0].get("DBParameterGroupFamily") or "", tuple(sorted(values)))

    return tuple(group for group in context.each(read, wanted) if group)


def _groups_of(instance: rds.Instance) -> Iterator[str]:
    for name, _ in instance.parameter_groups:
        yield from (name, own_group(instance.identifier)) if name.startswith(AWS_OWN) else (name,)


@part(*REGIONAL, reads=frozenset({"rds:DescribeOptionGroups"}))
def option_groups(context: ReadContext) -> tuple[OptionGroup, ...]:
    """All option groups of the region, those that AWS made by default too."""
    rows = context.pages("rds", "describe_option_groups", "OptionGroupsList")
    used = context.env.names.database  # an option group bears the name of the database it is for, or is a stranger's
    return context.rows(rows, _option_group, "OptionGroupName", used)


@part(*REGIONAL, reads=SUBNET_READS)
def subnet_groups(context: ReadContext) -> tuple[SubnetGroup, ...]:
    """All DB subnet groups of the region."""
    rows = context.pages("rds", "describe_db_subnet_groups", "DBSubnetGroups")
    return context.rows(rows, _subnet_group, "DBSubnetGroupName", context.env.names.db_subnet_group)


@part(Side.DR, reads=frozenset({"rds:DescribeOrderableDBInstanceOptions", "rds:DescribeDBEngineVersions"}))
def offers(context: ReadContext) -> tuple[Offer, ...]:
    """What the DR region offers for the primary region's database: version, class, zones, storage."""
    name = context.env.database_on(Side.PRIMARY)
    wanted = [instance for instance in context.part(rds.instances, Side.PRIMARY) if instance.identifier == name]
    return tuple(context.each(lambda instance: _offer(context, instance), wanted))


def _offer(context: ReadContext, instance: rds.Instance) -> Offer:
    request = {"Engine": instance.engine, "EngineVersion": instance.engine_version}
    # Without IncludeAll a version that is deprecated is not listed, though it can still be restored.
    versions = context.pages("rds", "describe_db_engine_versions", "DBEngineVersions", IncludeAll=True, **request)
    orderable = context.pages(
        "rds",
        "describe_orderable_db_instance_options",
        "OrderableDBInstanceOptions",
        DBInstanceClass=instance.instance_class,
        **request,
    )
    return Offer(
        instance=instance.identifier,
        engine=instance.engine,
        engine_version=instance.engine_version,
        instance_class=instance.instance_class,
        version_status=versions[0].get("Status") or "available" if versions else None,
        orderable=bool(orderable),
        multi_az=any(row.get("MultiAZCapable") for row in orderable),
        storage_types=tuple(sorted({row["StorageType"] for row in orderable if row.get("StorageType")})),
    )


def _option_group(row: dict[str, Any]) -> OptionGroup:
    return read(OptionGroup, row, options=tuple(sorted(option["OptionName"] for option in row.get("Options") or [])))


def _subnet_group(row: dict[str, Any]) -> SubnetGroup:
    # A subnet that was deleted stays in the group, and is no longer Active.
    active = [subnet for subnet in row.get("Subnets") or [] if subnet.get("SubnetStatus", "Active") == "Active"]
    zones = {(subnet.get("SubnetAvailabilityZone") or {}).get("Name") or "" for subnet in active}
    subnets = tuple(sorted(subnet["SubnetIdentifier"] for subnet in active))
    return read(SubnetGroup, row, subnets=subnets, zones=tuple(sorted(zones - {""})))
