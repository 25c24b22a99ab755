"""What RDS offers in a region: engine versions and orderable instance classes; and option groups that can be listed.

Source: AWS API_DescribeDBEngineVersions, API_DescribeOrderableDBInstanceOptions, API_DescribeSourceRegions. The
emulator knows none of them for MySQL and its kin, and fails on a list of all option groups. Every region offers the
same here, except what a disaster adds to ``backend.__dict__["withdrawn_offers"]``: ``{"db.r6g.large": True}``,
``{"8.0.40": True}`` or, as a source of replicated backups, ``{REGION: True}``.

RDS quotas, pending maintenance and parameter groups (AWS: API_DescribeAccountAttributes; T33).

A disaster may set ``backend.__dict__["account_quotas"]`` ({quota name: maximum}) and
``backend.__dict__["pending_maintenance"]`` ({resource ARN: [PendingMaintenanceAction as the API names it]}).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.session import Session
from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError
from moto.rds.models import OptionGroup, RDSBackend
from moto.rds.responses import RDSResponse

from sandbox.core.patching import operation, state, wrap
from sandbox.moto_ext.quotas.quota_table import limit

VERSIONS = {
    "mysql": tuple(f"8.0.{minor}" for minor in range(36, 45)) + tuple(f"8.4.{minor}" for minor in range(3, 8)),
    "mariadb": tuple(f"10.11.{minor}" for minor in range(8, 15)) + tuple(f"11.4.{minor}" for minor in range(3, 9)),
    "postgres": tuple(f"{major}.{minor}" for major in (15, 16, 17) for minor in range(4, 9)),
}
DESCRIPTIONS = {"mysql": "MySQL Community Edition", "mariadb": "MariaDB Community Edition", "postgres": "PostgreSQL"}
FAMILIES = ("db.t3", "db.t4g", "db.m5", "db.m6g", "db.m7g", "db.r5", "db.r6g", "db.r7g")
SIZES = ("micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
STORAGE = ("gp2", "gp3", "io1", "io2")
DB_INSTANCES = "L-7B6409FD"

# moto keeps name and value of a parameter alone.
_BY_USER = {  # what AWS reports of each parameter beside its value (API_Parameter)
    "Description": "",
    "Source": "user",
    "ApplyType": "dynamic",
    "DataType": "string",
    "IsModifiable": True,
}
DEFAULTS = {
    "DBInstances": 40,
    "AllocatedStorage": 100_000,
    "DBParameterGroups": 50,
    "ManualSnapshots": 100,
    "EventSubscriptions": 20,
    "DBSubnetGroups": 50,
    "OptionGroups": 20,
    "SubnetsPerDBSubnetGroup": 20,
    "ReadReplicasPerMaster": 15,
    "DBClusters": 40,
    "DBClusterParameterGroups": 50,
    "ManualClusterSnapshots": 100,
}


def _major(version: str) -> str:
    whole, _, rest = version.partition(".")
    # PostgreSQL counts whole versions from 10 on; MySQL and MariaDB by two numbers.
    return whole if int(whole) > 11 else f"{whole}.{rest.partition('.')[0]}"  # noqa: PLR2004 - PostgreSQL counts so


def _offers(backend: RDSBackend, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(engine, version) pairs the request asks for and the region offers."""
    wanted, version = params.get("Engine"), params.get("EngineVersion")
    engines = [wanted] if wanted else list(VERSIONS)
    every = [(engine, number) for engine in engines for number in VERSIONS.get(engine, ())]
    # A disaster withdraws by name: a class, a version or a region.
    gone = state(backend, "withdrawn_offers")
    return [
        (engine, number) for engine, number in every if version in (None, number, _major(number)) and number not in gone
    ]


@operation(RDSResponse, "describe_db_engine_versions")
def _versions(response: RDSResponse, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "DBEngineVersions": [
            {
                "Engine": engine,
                "EngineVersion": version,
                "MajorEngineVersion": _major(version),
                "DBParameterGroupFamily": f"{engine}{_major(version)}",
                "DBEngineDescription": DESCRIPTIONS[engine],
                "DBEngineVersionDescription": f"{engine} {version}",
                "Status": "available",
                "SupportsReadReplica": True,
            }
            for engine, version in _offers(response.backend, params)
        ]
    }


@wrap(RDSResponse, "describe_orderable_db_instance_options")
def _orderable(original: Any, self: RDSResponse) -> Any:
    params = self.params
    if params.get("Engine") not in VERSIONS:
        return original(self)
    return _orderable_of_engine(self)


def _orderable_of_engine(response: RDSResponse) -> Any:
    params, gone = response.params, state(response.backend, "withdrawn_offers")
    every = [f"{family}.{size}" for family in FAMILIES for size in SIZES]
    classes = [
        instance_class
        for instance_class in every
        if params.get("DBInstanceClass") in (None, instance_class) and instance_class not in gone
    ]
    rows = [
        {
            "Engine": engine,
            "EngineVersion": version,
            "DBInstanceClass": instance_class,
            # Of MySQL and MariaDB; PostgreSQL's is postgresql-license on AWS.
            "LicenseModel": "general-public-license",
            "MultiAZCapable": True,
            "ReadReplicaCapable": True,
            "Vpc": True,
            "SupportsStorageEncryption": True,
            "StorageType": storage,
        }
        for engine, version in _offers(response.backend, params)
        for instance_class in classes
        # A row for each storage type, as AWS answers.
        for storage in STORAGE
    ]
    return ActionResult({"OrderableDBInstanceOptions": rows})


@operation(RDSResponse, "describe_source_regions")
def _source_regions(response: RDSResponse, params: Mapping[str, Any]) -> dict[str, Any]:
    """The other regions; automated backups replicate from each that no disaster withdrew."""
    gone = state(response.backend, "withdrawn_offers")
    # botocore's list of regions: every region of the partition is a source here.
    others = [entry for entry in Session().get_available_regions("rds") if entry != response.region]
    return {
        "SourceRegions": [
            {
                "RegionName": entry,
                "Endpoint": f"https://rds.{entry}.amazonaws.com",
                "Status": "available",
                "SupportsDBInstanceAutomatedBackupsReplication": entry not in gone,
            }
            for entry in others
            if params.get("RegionName") in (None, entry)
        ]
    }


@wrap(RDSBackend, "describe_option_groups")
def _groups(original: Any, self: RDSBackend, option_group_kwargs: Mapping[str, Any]) -> list[OptionGroup]:
    wanted = option_group_kwargs
    if wanted.get("option_group_name"):
        found: list[OptionGroup] = original(self, wanted)
        return found
    params = {name: wanted.get(name) for name in ("engine_name", "major_engine_version") if wanted.get(name)}
    every = list(self.option_groups.values())
    return [
        option_group
        for option_group in every
        if all(getattr(option_group, name) == value for name, value in params.items())
    ]


def _usage(backend: RDSBackend) -> dict[str, int]:
    manual = [snapshot for snapshot in backend.database_snapshots.values() if snapshot.snapshot_type == "manual"]
    instances = backend.databases.values()
    return {
        "DBInstances": len(instances),
        "AllocatedStorage": sum(instance.allocated_storage for instance in instances),
        "DBParameterGroups": len(backend.db_parameter_groups),
        "ManualSnapshots": len(manual),
        "EventSubscriptions": len(backend.event_subscriptions),
        "DBSubnetGroups": len(backend.subnet_groups),
        "OptionGroups": len(backend.option_groups),
        "SubnetsPerDBSubnetGroup": max(
            (len(subnet_group.subnets) for subnet_group in backend.subnet_groups.values()), default=0
        ),
        "ReadReplicasPerMaster": max((len(instance.replicas) for instance in instances), default=0),
        "DBClusters": len(backend.clusters),
        "DBClusterParameterGroups": len(backend.db_cluster_parameter_groups),
        "ManualClusterSnapshots": len(backend.cluster_snapshots),
    }


@operation(RDSResponse, "describe_account_attributes")
def _attributes(response: RDSResponse, _params: Mapping[str, Any]) -> dict[str, Any]:
    # The one quota that RDS and Service Quotas share: raised there, it must be seen here.
    instances = limit(response.current_account, response.region, "rds", DB_INSTANCES)
    limits = DEFAULTS | {"DBInstances": int(instances)} | state(response.backend, "account_quotas")
    used = _usage(response.backend)
    quotas = [{"AccountQuotaName": name, "Used": used[name], "Max": limits[name]} for name in DEFAULTS]
    return {"AccountQuotas": quotas}


@operation(RDSResponse, "describe_pending_maintenance_actions")
def _pending(response: RDSResponse, params: Mapping[str, Any]) -> dict[str, Any]:
    waiting = state(response.backend, "pending_maintenance")
    wanted = params.get("ResourceIdentifier")
    return {
        "PendingMaintenanceActions": [
            {"ResourceIdentifier": arn, "PendingMaintenanceActionDetails": actions}
            for arn, actions in waiting.items()
            if wanted in (None, arn)
        ]
    }


@wrap(RDSBackend, "describe_db_parameter_groups")
def _existing_groups(original: Any, self: RDSBackend, db_parameter_group_kwargs: Mapping[str, Any]) -> Any:
    found = original(self, db_parameter_group_kwargs)
    name = db_parameter_group_kwargs.get("db_parameter_group_name")
    # moto answers an empty list for a group that is not there
    # (API_DescribeDBParameterGroups, DBParameterGroupNotFound).
    if name and not found:
        raise DBParameterGroupNotFoundError(name)
    return found


@operation(RDSResponse, "describe_db_parameters")
def _parameters(response: RDSResponse, params: Mapping[str, Any]) -> dict[str, Any]:
    group = response.backend.describe_db_parameter_groups({"db_parameter_group_name": params["DBParameterGroupName"]})[
        0
    ]
    # Engine defaults are not listed: only what somebody set is compared.
    set_by_user = [{**_BY_USER, **parameter} for parameter in group.parameters.values()]
    wanted = params.get("Source")
    return {"Parameters": [parameter for parameter in set_by_user if wanted in (None, parameter["Source"])]}
