"""Checks of encryption and public access of bucket copies."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.objects.s3 import each_pair, rule_of
from dr_estate.model.references import arn_region
from dr_estate.readers import s3

# SSE-S3, then a KMS key, then two layers of it: a copy may be stronger than its source, not weaker.
_STRENGTH = {"": 0, "AES256": 1, "aws:kms": 2, "aws:kms:dsse": 3}
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_CLOSED = dict.fromkeys(_BLOCKS, True)
_ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration"


def _key_region(key: str, bucket: s3.Bucket) -> str:
    """Return the region of a key: the ARN's, or the bucket's for an alias or a bare id."""
    return arn_region(key) or bucket.region


@check("every bucket copy is encrypted as well as its source, under a key of the DR region")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T19", "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED", "s3_bucket_default_encryption", "REL09-BP02", "NIST SC-28")
def encryption(view: View) -> Iterator[Finding]:
    """Default encryption no weaker than the original's; a key ARN of another region cannot serve here (T19)."""

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        wanted = f"{original.encryption or 'as the original'}, key in {view.region}"
        where = _key_region(copy.key, copy)
        measured = f"{copy.encryption or 'none'}, key in {where}"
        if _STRENGTH.get(copy.encryption, 0) < _STRENGTH.get(original.encryption, 0) or where != view.region:
            reason = "the copy must be encrypted as well as the source, and readable without the primary region"
            remedy = Remedy(
                f"{_ENCRYPTION} of {copy.name}: sse_algorithm as the original's, kms_master_key_id in {view.region}.",
                _encryption_command(view, original, copy),
            )
            yield view.gap(copy.name, measured, wanted, reason, remedy)
        else:
            reason = "encrypted as well as the source, and readable without another region"
            yield view.ok(copy.name, measured, wanted, reason)

    yield from each_pair(view, "encrypted", judge)


def _encryption_command(view: View, original: s3.Bucket, copy: s3.Bucket) -> tuple[str, ...]:
    """The command that encrypts a copy as its source: under the key by which its replicas arrive, where it is KMS."""
    default, rule = {"SSEAlgorithm": original.encryption}, rule_of(original, copy)
    if original.encryption != "AES256":
        if not (original.encryption and rule and arn_region(rule.replica_key) == view.region):
            return ()
        default["KMSMasterKeyID"] = rule.replica_key
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    return (view.command("s3", "PutBucketEncryption", Bucket=copy.name, ServerSideEncryptionConfiguration=rules),)


@check("every replication rule of a KMS-encrypted bucket includes its encrypted objects")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite("T19", "T30", "S3ReplicationRuleEnabled", "KmsKeyUsableInRegion", "REL09-BP01", "NIST CP-9")
def encrypted_objects(view: View) -> Iterator[Finding]:
    """S3 silently leaves SSE-KMS objects out unless the rule selects them and names a key of the DR region (T30)."""

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        rule, wanted = rule_of(original, copy), f"selected, under a key in {view.region}"
        # Only objects under KMS keys need to be selected: S3 replicates those of SSE-S3 by itself.
        if rule is None or not original.encryption.startswith("aws:kms"):
            yield view.none_expected(original.name, "no rule, or no KMS key: nothing to select")
        elif rule.encrypted_objects and _key_region(rule.replica_key, copy) == view.region:
            yield view.ok(original.name, wanted, wanted, f"rule {rule.id} re-encrypts them")
        else:
            where = _key_region(rule.replica_key, copy) if rule.replica_key else "no region"
            measured = f"under a key in {where}" if rule.encrypted_objects else "not selected"
            remedy = (
                "aws_s3_bucket_replication_configuration: source_selection_criteria.sse_kms_encrypted_objects and "
                f"destination.encryption_configuration.replica_kms_key_id in rule {rule.id}."
            )
            yield view.gap(original.name, measured, wanted, "S3 silently does not replicate these objects", remedy)

    yield from each_pair(view, "selected", judge)


@check("no bucket copy allows public access where its source does not")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite(
    "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED",
    "s3_bucket_level_public_access_block",
    "REL13-BP04",
    "NIST CP-6",
    "SOC2 A1.2",
)
def public_access(view: View) -> Iterator[Finding]:
    """Every public access block of the original is on in the copy; more is fine. Source: S3 GetPublicAccessBlock."""

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        missing = sorted(set(original.public_blocks) - set(copy.public_blocks))
        wanted = ", ".join(original.public_blocks) or "no blocks, as the source"
        if not missing:
            yield view.ok(copy.name, wanted, wanted, "the copy blocks at least as much public access as the source")
        else:
            reason = "tenants' objects could be read by anyone"
            remedy = Remedy(
                f"aws_s3_bucket_public_access_block of {copy.name}: all four settings true.",
                (view.command("s3", "PutPublicAccessBlock", Bucket=copy.name, PublicAccessBlockConfiguration=_CLOSED),),
            )
            yield view.gap(copy.name, f"without {', '.join(missing)}", wanted, reason, remedy)

    yield from each_pair(view, "closed", judge)
