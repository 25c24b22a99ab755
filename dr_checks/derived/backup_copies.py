"""AWS Backup's copies in the DR region: the newest complete copy of each resource, and the state of its key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dr_checks.core.model import Remedy, View
from dr_checks.derived.key_users import ending, usable_again
from dr_estate.config.environment import Side
from dr_estate.iam.key_uses import KeyUse, by_role, refusal_of
from dr_estate.iam.resource_policies import PolicyAnswer
from dr_estate.model import states
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind, available
from dr_estate.readers import backup, kms

_ENCRYPTS, _ENCRYPTING = "ENCRYPT_DECRYPT", ("kms:GenerateDataKey",)
_BY_RDS = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey")


def newest_copies(view: View) -> dict[str, backup.RecoveryPoint]:
    """The newest complete recovery point in the DR vault, by the ARN of the resource it came from.

    Raises DataUnavailable.
    """
    return {point.resource_arn: point for point in complete_copies(view)}


def complete_copies(view: View) -> list[backup.RecoveryPoint]:
    """The recovery points in the DR vault that can be restored, the oldest first.

    Raises DataUnavailable, also for a status that AWS does not document.
    """
    points = [point for point in view.get(backup.recovery_points, Side.DR) if can_be_restored(point)]
    return sorted(points, key=lambda point: point.created_at)


def can_be_restored(point: backup.RecoveryPoint) -> bool:
    """Whether a recovery point is whole. Raises DataUnavailable for a status that AWS does not document."""
    state = states.RECOVERY_POINT[point.status]
    if not state.known:
        reason = f"AWS does not document the status {point.status} of the recovery point {point.arn}."
        raise DataUnavailable(Unavailable(UnavailableKind.UNREADABLE, reason))
    return state.serves


def age_s(view: View, point: backup.RecoveryPoint) -> float:
    """How old the data in a recovery point is, in seconds: a copy keeps the creation date of its source."""
    return max(0.0, (view.now - point.created_at).total_seconds())


def key_flaw(view: View, key_arn: str) -> str:
    """Why a copy encrypted with this key cannot be used in the DR region, "" where it can.

    Raises DataUnavailable (T19).
    """
    # A copy without a key is not encrypted: no key can make it useless.
    if not key_arn:
        return ""
    key = view.find(kms.copy_keys, Side.DR, arn=key_arn)
    # Not among the keys that were asked about: that is no answer, and least of all "usable".
    if key is None:
        raise DataUnavailable(Unavailable(UnavailableKind.ERROR, f"KMS was not queried for the key {key_arn}."))
    if key.dark:
        raise DataUnavailable(key.dark)
    if key.region != view.env.regions.dr:
        return f"its key {key_arn} is in {key.region or 'no region'}, not in {view.env.regions.dr}"
    # Before the state: a key that is pending deletion has an end, after which the copy is lost for good.
    if key.deletion_at:
        return f"its key {key_arn} is {key.state} and will be deleted on {key.deletion_at:%Y-%m-%d}"
    state = states.KEY[key.state or "absent"]
    if not state.known:
        reason = f"AWS does not document the state {key.state} of the key {key_arn}."
        raise DataUnavailable(Unavailable(UnavailableKind.UNREADABLE, reason))
    if state.serves and key.usage not in ("", _ENCRYPTS):
        return f"its key {key_arn} is one for {key.usage}"
    return "" if state.serves else f"its key {key_arn} is {key.state}"


def key_ending(view: View, key_arn: str) -> str:
    """Until when the key's material is there, where that ends soon; "" else. Raises DataUnavailable."""
    key = view.find(kms.copy_keys, Side.DR, arn=key_arn) if key_arn else None
    return ending(view, key.material_until) if key else ""


def restore_key_flaw(view: View, key_arn: str) -> str:
    """As ``key_flaw``, and why the operator, in whose name RDS uses the key, is kept out by the key's own policy.

    Raises DataUnavailable. Source: RDS User Guide, "Authorizing use of a customer managed key".
    """
    if flaw := key_flaw(view, key_arn):
        return flaw
    key = view.find(kms.copy_keys, Side.DR, arn=key_arn) if key_arn else None
    if key is None or not key.policy:
        return ""
    use = _by_rds(view, key, _BY_RDS)
    found = refusal_of(available(key.policy), use)
    if found is None:
        return ""
    role = use.user
    if found.answer is PolicyAnswer.UNDECIDED:
        why = (
            f"The policy of the key {key_arn} lets {role} {found.action} or not by conditions that only AWS evaluates."
        )
        raise DataUnavailable(Unavailable(UnavailableKind.UNREADABLE, why))
    return f"the policy of its key {key_arn} does not let {role} {found.action} ({found.answer})"


def copying_key_flaw(view: View, key_arn: str) -> str:
    """As ``restore_key_flaw``, and why no new copy can be made under the key. Raises DataUnavailable.

    RDS encrypts by a grant, which needs nothing of the key's policy, and over which a deny of it wins.
    """
    key = view.find(kms.copy_keys, Side.DR, arn=key_arn) if key_arn else None
    if (flaw := restore_key_flaw(view, key_arn)) or key is None or not key.policy:
        return flaw
    found = refusal_of(available(key.policy), replace(_by_rds(view, key, _ENCRYPTING), by_grant=True))
    denied = found is not None and found.answer is PolicyAnswer.DENIED
    return f"the policy of its key {key_arn} denies {' and '.join(_ENCRYPTING)}" if denied else ""


def _by_rds(view: View, key: kms.CopyKey, actions: Iterable[str]) -> KeyUse:
    """The use of a copy's key by RDS in the operator's name."""
    account = view.env.account
    role = view.env.acting_role_arn
    return by_role(role, account, key.target or key.arn, "rds", actions, view.now)


def key_remedy(view: View, key_arn: str) -> Remedy:
    """What makes a flawed key usable again, by its state. Raises DataUnavailable."""
    key = view.find(kms.copy_keys, Side.DR, arn=key_arn)
    region = view.env.regions.dr
    if key is not None and key.region != region:
        return Remedy(f"Copy again under a key of {region}: aws_kms_key and aws_kms_alias with its provider.")
    if key is not None and states.KEY[key.state or "absent"].serves:
        admits = f"aws_kms_key {key_arn} in {region}: a policy that admits the operator's role, and denies it nothing."
        return Remedy(admits)
    state = key.state if key is not None else None
    return usable_again(region, key_arn, state or "")
