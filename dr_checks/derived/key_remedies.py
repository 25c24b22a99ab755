"""What makes a KMS key usable again, by its state, or keeps it so. Pure.

Source: KMS Developer Guide, "Key states of KMS keys", "Setting an expiration time".
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dr_checks.core.model import View
from dr_checks.core.remedy import Remedy
from dr_estate.model.invocation import aws_command

_DOOMED = frozenset({"PendingDeletion", "PendingReplicaDeletion"})
_EMPTY, _DISCONNECTED = "PendingImport", "Unavailable"
ENDS = "KMS then deletes the key material, and what is encrypted under the key is opened by nobody"


def ending(view: View, until: datetime | None) -> str:
    """Until when imported key material is there, where that ends as soon as a certificate may; "" else."""
    soon = until is not None and until - view.now < timedelta(days=view.env.thresholds.certificate_days)
    return f"until {until:%Y-%m-%d}" if until is not None and soon else ""


def material_again(region: str, arn: str) -> Remedy:
    """The remedy of a key whose material expires."""
    return Remedy(
        f"Import the same key material of {arn} in {region} again, with a later ValidTo or none: "
        "get-parameters-for-import, then import-key-material."
    )


def usable_again(region: str, arn: str, state: str) -> Remedy:
    """The remedy of a key in a state in which it does not decrypt."""
    # Before EnableKey, which KMS refuses for a key without material.
    if state == _EMPTY:
        sentence = (
            f"Import the key material of {arn} in {region} again, the same as before: get-parameters-for-import, then "
            "import-key-material. AWS has no copy of it, and enable-key is refused until then."
        )
        return Remedy(sentence)
    if state == _DISCONNECTED:
        return Remedy(f"Connect the custom key store of {arn} in {region} (connect-custom-key-store).")
    enable = aws_command("kms", "EnableKey", region, KeyId=arn)
    # Two commands: CancelKeyDeletion leaves the key Disabled (API_CancelKeyDeletion).
    if state in _DOOMED:  # once that is cancelled the key is disabled
        cancel = aws_command("kms", "CancelKeyDeletion", region, KeyId=arn)
        return Remedy("Cancel the deletion of the key, then enable it.", (cancel, enable))
    return Remedy(f"Enable the key in {region}.", (enable,))
