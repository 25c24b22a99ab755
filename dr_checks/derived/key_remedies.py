"""What makes a KMS key usable again, by its state. Pure."""

from __future__ import annotations

from dr_checks.core.remedy import Remedy
from dr_estate.model.aws_command import aws_command


def enable_key(region: str, arn: str) -> Remedy:
    """The remedy of a key that is disabled."""
    return Remedy(f"Enable the key in {region}.", (aws_command("kms", "EnableKey", region, KeyId=arn),))


def keep_key(region: str, arn: str) -> Remedy:
    """The remedy of a key that waits for its deletion: once that is cancelled it is disabled."""
    cancel = aws_command("kms", "CancelKeyDeletion", region, KeyId=arn)
    return Remedy("Cancel the deletion of the key, then enable it.", (cancel, *enable_key(region, arn).commands))
