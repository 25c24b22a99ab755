"""AWS Backup's copies in the DR region: the newest complete copy of each resource, and the state of its key."""

from __future__ import annotations

from dr_checks.core.model import View
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import backup, kms_copy_keys

COMPLETE = "COMPLETED"


def newest_copies(view: View) -> dict[str, backup.RecoveryPoint]:
    """The newest complete recovery point in the DR vault, by the ARN of the resource it came from.

    Raises DataUnavailable.
    """
    return {point.resource_arn: point for point in complete_copies(view)}


def complete_copies(view: View) -> list[backup.RecoveryPoint]:
    """The complete recovery points in the DR vault, the oldest first. Raises DataUnavailable."""
    points = [point for point in view.get(backup.recovery_points, Side.DR) if point.status == COMPLETE]
    return sorted(points, key=lambda point: point.created_at)


def age_s(view: View, point: backup.RecoveryPoint) -> float:
    """How old the data in a recovery point is, in seconds: a copy keeps the creation date of its source."""
    return max(0.0, (view.now - point.created_at).total_seconds())


def key_flaw(view: View, key_arn: str) -> str:
    """Why a copy encrypted with this key cannot be used in the DR region, "" where it can.

    Raises DataUnavailable (T19).
    """
    if not key_arn:
        return ""
    key = view.find(kms_copy_keys.keys, Side.DR, arn=key_arn)
    if key is None:
        raise DataUnavailable(Unavailable(UnavailableKind.ERROR, f"KMS was not queried for the key {key_arn}."))
    if key.dark:
        raise DataUnavailable(key.dark)
    if key.region != view.env.regions.dr:
        return f"its key {key_arn} is in {key.region or 'no region'}, not in {view.env.regions.dr}"
    if key.deletion_at:
        return f"its key {key_arn} is {key.state} and will be deleted on {key.deletion_at:%Y-%m-%d}"
    state = states.KEY[key.state or "absent"]
    if not state.known:
        raise DataUnavailable(
            Unavailable(UnavailableKind.ERROR, f"AWS does not document the state {key.state} of the key {key_arn}.")
        )
    return "" if state.serves else f"its key {key_arn} is {key.state}"


def key_remedy(view: View, key_arn: str) -> str:
    """The command that makes a flawed key usable again, by its state. Raises DataUnavailable."""
    key = view.find(kms_copy_keys.keys, Side.DR, arn=key_arn)
    region = view.env.regions.dr
    if key is not None and key.region != region:
        return f"Copy again under a key of {region}: aws_kms_key and aws_kms_alias with its provider."
    enable = f"aws kms enable-key --region {region} --key-id {key_arn}"
    if key is not None and key.deletion_at:
        return f"aws kms cancel-key-deletion --region {region} --key-id {key_arn}, then {enable}"
    return enable
