"""What makes a KMS key usable again, by its state. Pure. Source: KMS Developer Guide, "Key states of KMS keys"."""

from __future__ import annotations

from dr_checks.core.remedy import Remedy
from dr_estate.model.aws_command import aws_command

_DOOMED = frozenset({"PendingDeletion", "PendingReplicaDeletion"})
_EMPTY, _DISCONNECTED = "PendingImport", "Unavailable"


def usable_again(region: str, arn: str, state: str) -> Remedy:
    """The remedy of a key in a state in which it does not decrypt."""
    if state == _EMPTY:
        sentence = (
            f"Import the key material of {arn} in {region} again, the same as before: get-parameters-for-import, then "
            "import-key-material. AWS has no copy of it, and enable-key is refused until then."
        )
        return Remedy(sentence)
    if state == _DISCONNECTED:
        return Remedy(f"Connect the custom key store of {arn} in {region} (connect-custom-key-store).")
    enable = aws_command("kms", "EnableKey", region, KeyId=arn)
    if state in _DOOMED:  # once that is cancelled the key is disabled
        cancel = aws_command("kms", "CancelKeyDeletion", region, KeyId=arn)
        return Remedy("Cancel the deletion of the key, then enable it.", (cancel, enable))
    return Remedy(f"Enable the key in {region}.", (enable,))
