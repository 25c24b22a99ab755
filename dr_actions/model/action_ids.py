"""Names of actions and ids of steps. The path is the name: ``compute/scale_dr_services``; a step: ``<name>:<target>``.

Journals, overrides, confirmations and histories of before 2026-11-26 use the former names: each is read by its present
name. Digests and idempotency tokens are made of the former ones, so that an approval or a sent call of before holds.
"""

from __future__ import annotations

_ROOT = "dr_actions.actions."
_FORMER = {
    "backup/create_backups": "back_up",
    "canary/drive": "drive_canary",
    "canary/remove": "remove_canary",
    "compute/fence_scaling": "fence_minimum",
    "compute/fence_scaling_again": "fence_returned_minimum",
    "compute/fence_services": "fence_services",
    "compute/fence_services_again": "fence_returned_services",
    "compute/raise_dr_scaling": "minimum",
    "compute/repoint_dr_tasks": "task_definitions",
    "compute/repoint_primary_tasks": "task_definitions_home",
    "compute/restore_dr_scaling": "dr_minimum",
    "compute/restore_primary_scaling": "home_minimum",
    "compute/scale_dr_services": "services",
    "compute/start_primary_services": "home_services",
    "compute/stop_dr_services": "stop_dr_services",
    "database/freeze": "freeze_database",
    "database/promote_primary": "promoted_home",
    "database/protect_dr": "database_protection",
    "database/protect_primary": "home_protection",
    "database/rename_old_dr": "set_aside_dr",
    "database/rename_old_primary": "set_aside",
    "database/replicate_to_dr": "protected_database",
    "database/replicate_to_primary": "database_home",
    "database/restore_dr": "database",
    "database/unfreeze": "thawed_database",
    "database/verify_primary_in_sync": "proven_database",
    "database/verify_zero_loss": "prove_zero_loss",
    "files/allow_overwrite_dr": "open_dr_files",
    "files/allow_overwrite_primary": "open_files",
    "files/create_access_points": "open_tried_files",
    "files/end_stale_replication": "end_old_replication",
    "files/freeze": "freeze_files",
    "files/promote_primary": "release_files_home",
    "files/protect_primary": "protect_files",
    "files/replicate_to_dr": "protect_files_again",
    "files/replicate_to_primary": "replicate_files_home",
    "files/restore_copy": "try_files",
    "files/restore_dr": "files",
    "files/tag_copy": "mark_files",
    "files/unfreeze": "thaw_files",
    "files/verify_primary_in_sync": "prove_files_home",
    "notifications/end": "notify_end",
    "notifications/manual_step": "notify_manual",
    "notifications/start": "notify_start",
    "objects/copy_to_primary": "copy_objects_home",
    "objects/copy_to_primary_final": "copy_objects_last",
    "objects/verify_primary_in_sync": "prove_objects_home",
    "provisioning/apply": "provision",
    "restore_test/query_database": "ask_database",
    "restore_test/remove_databases": "remove_databases",
    "restore_test/remove_files": "remove_files",
    "restore_test/restore_database": "try_database",
    "restore_test/stop_tasks": "stop_probes",
    "secrets/copy_to_primary": "secrets_home",
    "secrets/point_to_dr": "rewritten_secrets",
    "secrets/promote_replicas": "promoted_secrets",
    "secrets/replicate_to_dr": "protected_secrets",
    "tables/verify_primary_in_sync": "prove_tables_home",
    "traffic/pin_from_dr": "pin_from_dr",
    "traffic/pin_primary": "pin_primary",
    "traffic/shift_to_dr": "shift_traffic",
    "traffic/shift_to_primary": "stage_traffic",
    "traffic/unpin_from_dr": "unpin_from_dr",
    "traffic/unpin_primary": "unpin_primary",
    "traffic/wait_primary_stable": "primary_stable",
}
"""Each action's former name."""
_FORMER_PREFIXES = {
    **_FORMER,
    "database/replicate_to_dr.replica_backups": "replica_backups",
    "database/replicate_to_primary.source_backups": "source_backups",
    "database/restore_dr.promotable": "promotable",
    "database/verify_zero_loss": "zero-loss",
}
"""What the ids of its steps began with."""
_PRESENT = {former: name for name, former in _FORMER.items()}
_PRESENT_PREFIXES = _PRESENT | {former: prefix for prefix, former in _FORMER_PREFIXES.items()}


def name_of(module: str) -> str:
    """Return the name of the action in ``module``; a name stays as it is."""
    return module.removeprefix(_ROOT).replace(".", "/") if module.startswith(_ROOT) else module


def step_id(prefix: str, label: str) -> str:
    """Return the id of the step of that prefix on what ``label`` names."""
    return f"{name_of(prefix)}:{label}"


def prefix_of(step: str) -> str:
    """Return what a step's id begins with: the action's name, and the row's part where it has one."""
    return step.partition(":")[0]


def part_of(step: str) -> str:
    """Return the row's part in a step's id, "" where it has none."""
    return prefix_of(step).partition(".")[2]


def label_of(step: str) -> str:
    """Return what of a step's id follows the prefix."""
    return step.partition(":")[2]


def present_name(action: str) -> str:
    """Return the present name of an action; a present one stays."""
    return _PRESENT.get(action, action)


def present_id(step: str) -> str:
    """Return the present id of a step; a present one stays."""
    prefix, dot, label = step.partition(".")
    return f"{_PRESENT_PREFIXES[prefix]}:{label}" if dot and prefix in _PRESENT_PREFIXES else step


def former_name(action: str) -> str:
    """Return the former name of an action; one that came later has none but its own."""
    return _FORMER.get(action, action)


def former_id(step: str) -> str:
    """Return the former id of a step, or the former name of an action."""
    prefix, colon, label = step.partition(":")
    former = _FORMER_PREFIXES.get(prefix)
    return step if former is None else f"{former}{'.' if colon else ''}{label}"
