"""Examples of the checks of buckets and of the rules that replicate them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.config.map_names import COPY_BY_MAP
from dr_estate.readers import s3
from dr_estate.readers.s3 import Bucket, BucketReplicationRule
from tests.dr_checks.worlds import DENIED, SIT, Example, Values, world

HOME, AWAY = SIT.regions.primary, SIT.regions.dr
PAIRS = s3.pairs(SIT)
FIRST, COPY = PAIRS[0]
BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def _original(name: str, copy: str) -> Bucket:
    rule = BucketReplicationRule("to-dr", True, copy, True, True, True, True, False, "")
    return Bucket(name, HOME, "Enabled", "AES256", "", BLOCKS, (rule,))


HERE = tuple(_original(name, copy) for name, copy in PAIRS)
THERE = tuple(Bucket(copy, AWAY, "Enabled", "AES256", "", BLOCKS, ()) for _, copy in PAIRS)
GONE = Bucket("", "", "", "", "", (), ())
UNPAIRED = SIT.model_copy(update={"names": SIT.names.model_copy(update={"bucket_copy": COPY_BY_MAP})})
UNPAIRED._copies = dict(PAIRS[1:])


def buckets(original: Any = None, copy: Any = None, here: Any = None, there: Any = None) -> Values:
    """Healthy buckets, but for the first pair's ``original`` or ``copy``, or a whole side."""
    return {
        (s3.buckets, Side.PRIMARY): here if here is not None else (original or HERE[0], *HERE[1:]),
        (s3.buckets, Side.DR): there if there is not None else (copy or THERE[0], *THERE[1:]),
    }


def ruled(**changed: Any) -> Bucket:
    """The first original with a changed rule."""
    return replace(HERE[0], rules=(replace(HERE[0].rules[0], **changed),))


KMS = replace(HERE[0], encryption="aws:kms", key=f"arn:aws:kms:{HOME}:1:key/a")
SELECTED = replace(
    KMS, rules=(replace(KMS.rules[0], encrypted_objects=True, replica_key=f"arn:aws:kms:{AWAY}:1:key/b"),)
)


def above(**changed: Any) -> Bucket:
    """The first original with a second rule of a higher priority, for a part of the objects."""
    second = replace(HERE[0].rules[0], id="second", priority=9, whole=False, **changed)
    return replace(HERE[0], rules=(second, *HERE[0].rules))


def _case(check: str, expected: Status, subject: str = FIRST, module: str = "s3", **changed: Any) -> Example:
    return Example(f"{module}.{check}", expected, world(buckets(**changed)), frozenset({subject} if subject else ()))


def _safe(check: str, expected: Status, subject: str = FIRST, **changed: Any) -> Example:
    return _case(check, expected, subject, "s3-protection", **changed)


EXAMPLES = [
    _case("rule-precedence", Status.PASS),
    _case("rule-precedence", Status.PASS, original=above()),
    _case("rule-precedence", Status.PASS, original=above(destination="elsewhere", delete_markers=False)),
    _case("rule-precedence", Status.PASS, original=above(enabled=False, delete_markers=False)),
    _case("rule-precedence", Status.FAIL, original=above(delete_markers=False)),
    _case("rule-precedence", Status.FAIL, original=above(replica_key="arn:other")),
    _case("rule-precedence", Status.NOT_APPLICABLE, "", here=tuple(replace(row, rules=()) for row in HERE)),
    _case("rule-precedence", Status.UNKNOWN, copy=DENIED),
    _case("replication-rule", Status.FAIL, original=ruled(destination=f"{COPY} of 111122223333")),
    _case("copy-exists", Status.PASS),
    _case("copy-exists", Status.FAIL, COPY, copy=GONE),
    Example("s3.copy-exists", Status.FAIL, world(buckets(copy=GONE)), frozenset({FIRST}), UNPAIRED),
    _case("copy-exists", Status.FAIL, COPY, copy=replace(THERE[0], region=HOME)),
    _case("copy-exists", Status.FAIL, original=GONE),
    _case("copy-exists", Status.UNKNOWN, COPY, copy=DENIED),
    _case("copy-exists", Status.UNKNOWN, "", there=DENIED),
    _case("versioning", Status.PASS),
    _case("versioning", Status.FAIL, COPY, copy=replace(THERE[0], versioning="Suspended")),
    _case("versioning", Status.FAIL, original=replace(HERE[0], versioning="never enabled")),
    _case("versioning", Status.PASS, PAIRS[0][0], there=(GONE,) * len(PAIRS)),
    _case("versioning", Status.UNKNOWN, COPY, copy=DENIED),
    _case("replication-rule", Status.PASS),
    _case("replication-rule", Status.FAIL, original=replace(HERE[0], rules=())),
    _case("replication-rule", Status.FAIL, original=ruled(enabled=False)),
    _case("replication-rule", Status.FAIL, original=ruled(whole=False)),
    _case("replication-rule", Status.FAIL, original=ruled(destination="elsewhere")),
    _case("replication-rule", Status.NOT_APPLICABLE, "all buckets", there=(GONE,) * len(PAIRS)),
    _case("replication-rule", Status.UNKNOWN, original=DENIED),
    _case("replication-rule", Status.UNKNOWN, copy=DENIED),
    _case("delete-markers", Status.PASS),
    _case("delete-markers", Status.FAIL, original=ruled(delete_markers=False)),
    _case("delete-markers", Status.PASS, "", original=ruled(enabled=False)),
    _case("delete-markers", Status.UNKNOWN, "", here=DENIED),
    _case("measured-rules", Status.PASS),
    _case("measured-rules", Status.WARN, original=ruled(time_control=False)),
    _case("measured-rules", Status.FAIL, original=ruled(time_control=False, metrics=False)),
    _case("measured-rules", Status.PASS, "", original=ruled(enabled=False)),
    _case("measured-rules", Status.UNKNOWN, original=DENIED),
    _safe("encryption", Status.PASS, COPY),
    _safe("encryption", Status.PASS, COPY, copy=replace(THERE[0], encryption="aws:kms", key="alias/sit")),
    _safe("encryption", Status.FAIL, COPY, copy=replace(THERE[0], encryption="")),
    _safe("encryption", Status.FAIL, COPY, original=SELECTED),
    _safe("encryption", Status.FAIL, COPY, copy=replace(THERE[0], encryption="aws:kms", key=KMS.key)),
    _safe("encryption", Status.UNKNOWN, copy=DENIED),
    _safe("encrypted-objects", Status.NOT_APPLICABLE),
    _safe("encrypted-objects", Status.PASS, original=SELECTED),
    _safe("encrypted-objects", Status.FAIL, original=KMS),
    _safe(
        "encrypted-objects",
        Status.FAIL,
        original=replace(SELECTED, rules=(replace(SELECTED.rules[0], replica_key=KMS.key),)),
    ),
    _safe("encrypted-objects", Status.UNKNOWN, original=DENIED),
    _safe("public-access", Status.PASS, COPY),
    _safe("public-access", Status.PASS, COPY, original=replace(HERE[0], public_blocks=())),
    _safe("public-access", Status.FAIL, COPY, copy=replace(THERE[0], public_blocks=BLOCKS[:3])),
    _safe("public-access", Status.UNKNOWN, copy=DENIED),
]
