"""AWS Backup plans, selections and vaults with their policies, and the region's settings (opt-in of resource types).

The emulator keeps plans and vaults only: no selections, no points, no jobs; see the sibling modules. Source: AWS
API_CreateBackupSelection, API_UpdateBackupPlan, API_GetBackupVaultAccessPolicy, API_DescribeRegionSettings,
API_DescribeProtectedResource.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.backup import urls
from moto.backup.models import BackupBackend, Plan, Vault

from sandbox.core.patching import catch_all, page, refused, state, wrap
from sandbox.core.state import now
from sandbox.moto_ext.backup.durations import occurrences
from sandbox.moto_ext.backup.model import SimulatedSelection, jobs, points, selections
from sandbox.moto_ext.backup.simulation import history_start, serve
from sandbox.moto_ext.kms import key_of_aws

DEFAULT_KEY = "alias/aws/backup"
# The types that an estate of this kind can have; AWS lists more (API_DescribeRegionSettings).
TYPES = ("Aurora", "DynamoDB", "EBS", "EC2", "EFS", "RDS", "S3")


def _plan(backend: BackupBackend, plan_id: str) -> Plan:
    plan = backend.plans.get(plan_id)
    # moto keeps plans that were deleted, with a date.
    if plan is None or plan.deletion_date is not None:
        raise refused("ResourceNotFoundException", f"Cannot find Backup plan with ID {plan_id}")
    return plan


def _check_plan(plan: Plan) -> Plan:
    for rule in plan.backup_plan["Rules"]:
        try:
            # A rule that cannot be followed would fail at each later look: it is refused at its creation.
            occurrences(rule["ScheduleExpression"], rule["ScheduleExpressionTimezone"], now(), now())
        except (ValueError, KeyError) as unreadable:
            raise refused("InvalidParameterValueException", f"Rule {rule['RuleName']}: {unreadable}") from unreadable
    return plan


@wrap(BackupBackend, "create_backup_plan")
def _create_plan(original: Any, self: BackupBackend, *args: Any, **kwargs: Any) -> Plan:
    plan: Plan = original(self, *args, **kwargs)
    try:
        return _check_plan(plan)
    except Exception:
        # moto has filed it already.
        del self.plans[plan.backup_plan_id]
        raise


@wrap(BackupBackend, "delete_backup_plan")
def _delete_plan(original: Any, self: BackupBackend, backup_plan_id: str) -> Any:
    # API_DeleteBackupPlan: a plan with selections is not deleted. moto has no selections to look for.
    if any(selection.plan_id == backup_plan_id for selection in selections(self).values()):
        message = "Related backup plan selections must be deleted prior to backup plan deletion"
        raise refused("InvalidRequestException", message)
    return original(self, backup_plan_id)


@serve("update_backup_plan")
def _update_plan(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    old = _plan(backend, params["BackupPlanId"])
    rule_ids = {rule["RuleName"]: rule["RuleId"] for rule in old.backup_plan["Rules"]}
    new = _check_plan(Plan(params["BackupPlan"], old.creator_request_id, backend))
    for rule in new.backup_plan["Rules"]:
        # A rule keeps its id over an update: the points that it made name it.
        rule["RuleId"] = rule_ids.get(rule["RuleName"], rule["RuleId"])
    old.backup_plan, old.version_id = new.backup_plan, new.version_id
    old.advanced_backup_settings = new.advanced_backup_settings
    return old.to_dict()


@serve("create_backup_selection")
def _create_selection(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    plan, backup_selection = _plan(backend, params["BackupPlanId"]), params["BackupSelection"]
    mine = [other for other in selections(backend).values() if other.plan_id == plan.backup_plan_id]
    if any(other.request["SelectionName"] == backup_selection["SelectionName"] for other in mine):
        raise refused("AlreadyExistsException", f"Selection {backup_selection['SelectionName']} already exists.")
    # From a day ago: a plan of a new world has long run (simulation.history_start).
    selection = SimulatedSelection(str(uuid.uuid4()), plan.backup_plan_id, backup_selection, now(), history_start())
    selections(backend)[selection.id] = selection
    return _show(selection)


def _show(selection: SimulatedSelection) -> dict[str, Any]:
    return {
        "SelectionId": selection.id,
        "SelectionName": selection.request["SelectionName"],
        "BackupPlanId": selection.plan_id,
        "CreationDate": selection.created,
        "IamRoleArn": selection.request["IamRoleArn"],
    }


def _selection(backend: BackupBackend, params: dict[str, Any]) -> SimulatedSelection:
    found: SimulatedSelection | None = selections(backend).get(params["SelectionId"])
    if found is None or found.plan_id != params["BackupPlanId"]:
        raise refused("ResourceNotFoundException", f"Cannot find selection {params['SelectionId']}")
    return found


@serve("get_backup_selection")
def _get_selection(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    found = _selection(backend, params)
    return {**_show(found), "BackupSelection": found.request}


@serve("delete_backup_selection")
def _delete_selection(backend: BackupBackend, params: dict[str, Any]) -> None:
    del selections(backend)[_selection(backend, params).id]


@serve("list_backup_selections")
def _list_selections(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    mine = [
        _show(selection) for selection in selections(backend).values() if selection.plan_id == params["BackupPlanId"]
    ]
    shown, token = page(mine, params)
    return {"BackupSelectionsList": shown, "NextToken": token}


def _vault(backend: BackupBackend, vault: Vault) -> dict[str, Any]:
    vault_points = [point for point in points(backend).values() if point.vault is vault]
    return {
        **vault.to_list_dict(),
        "NumberOfRecoveryPoints": len(vault_points),
        "VaultType": "BACKUP_VAULT",
        "VaultState": "AVAILABLE",
    }


@serve("describe_backup_vault")
def _describe_vault(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    name = params["BackupVaultName"]
    if name not in backend.vaults:
        raise refused("ResourceNotFoundException", f"Backup vault {name} does not exist.")
    return _vault(backend, backend.vaults[name])


@serve("list_backup_vaults")
def _list_vaults(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    shown, token = page([_vault(backend, vault) for vault in backend.vaults.values()], params)
    return {"BackupVaultList": shown, "NextToken": token}


@serve("delete_backup_vault")
def _delete_vault(backend: BackupBackend, params: dict[str, Any]) -> None:
    if _describe_vault(backend, params)["NumberOfRecoveryPoints"]:
        raise refused("InvalidRequestException", "Backup vault cannot be deleted because it contains recovery points.")
    del backend.vaults[params["BackupVaultName"]]


@wrap(BackupBackend, "create_backup_vault")
def _create_vault(original: Any, self: BackupBackend, *args: Any, **kwargs: Any) -> Vault:
    vault: Vault = original(self, *args, **kwargs)
    # A vault without a key of its own gets the key of AWS Backup, which other accounts cannot use (T19).
    if not vault.encryption_key_arn:
        vault.encryption_key_arn = key_of_aws(self, DEFAULT_KEY)
    return vault


catch_all(urls.url_paths, urls.response.dispatch)


@serve("describe_region_settings")
def _settings(backend: BackupBackend, _params: dict[str, Any]) -> dict[str, Any]:
    # Each type is opted in until somebody changes that: the seeded plan would otherwise select nothing.
    opted: dict[str, bool] = dict.fromkeys(TYPES, True) | state(backend, "resource_type_opt_in")
    return {"ResourceTypeOptInPreference": opted, "ResourceTypeManagementPreference": dict.fromkeys(TYPES, False)}


@serve("update_region_settings")
def _update(backend: BackupBackend, params: dict[str, Any]) -> None:
    state(backend, "resource_type_opt_in").update(params.get("ResourceTypeOptInPreference") or {})


@serve("get_backup_vault_access_policy")
def _vault_policy(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    name = params["BackupVaultName"]
    policy = state(backend, "vault_policies").get(name)
    if name not in backend.vaults or policy is None:
        raise refused("ResourceNotFoundException", f"Backup vault {name} has no access policy.")
    return {"BackupVaultName": name, "BackupVaultArn": backend.vaults[name].backup_vault_arn, "Policy": policy}


@serve("put_backup_vault_access_policy")
def _put_vault_policy(backend: BackupBackend, params: dict[str, Any]) -> None:
    if params["BackupVaultName"] not in backend.vaults:
        raise refused("ResourceNotFoundException", f"Backup vault {params['BackupVaultName']} does not exist.")
    state(backend, "vault_policies")[params["BackupVaultName"]] = params.get("Policy")


@serve("delete_backup_vault_access_policy")
def _delete_vault_policy(backend: BackupBackend, params: dict[str, Any]) -> None:
    state(backend, "vault_policies").pop(params["BackupVaultName"], None)


@serve("describe_protected_resource")
def _describe_protected_resource(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    arn = params["ResourceArn"]
    mine = [point for point in points(backend).values() if point.resource.arn == arn and point.done]
    if not mine:
        raise refused("ResourceNotFoundException", f"{arn} is not protected in this region.")
    newest = max(mine, key=lambda point: point.created)
    restores = [job for job in jobs(backend, "restore").values() if job.resource.arn == arn]
    last = max(restores, key=lambda job: job.created, default=None)
    return {
        "ResourceArn": arn,
        "ResourceType": newest.resource.kind,
        "ResourceName": newest.resource.name,
        "LastBackupTime": newest.created,
        "LastBackupVaultArn": newest.vault.backup_vault_arn,
        "LastRecoveryPointArn": newest.arn,
        "LatestRestoreJobCreationDate": last.created if last else None,
        "LatestRestoreRecoveryPointCreationDate": last.answer["RecoveryPointCreationDate"] if last else None,
    }
