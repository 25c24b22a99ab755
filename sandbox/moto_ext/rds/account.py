"""RDS quotas, pending maintenance and parameter groups (AWS: API_DescribeAccountAttributes; T33).

A disaster may set ``backend.__dict__["account_quotas"]`` ({quota name: maximum}) and
``backend.__dict__["pending_maintenance"]`` ({resource ARN: [PendingMaintenanceAction as the API names it]}).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.rds.exceptions import DBParameterGroupNotFoundError
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from sandbox.core.patching import operation, state, wrap
from sandbox.moto_ext.quotas.limits import limit

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
def _groups(original: Any, self: RDSBackend, db_parameter_group_kwargs: Mapping[str, Any]) -> Any:
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
