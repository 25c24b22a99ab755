"""Checks of what an auditor believes a run by: the key that signs its evidence, and the anchors of its journal."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.key_users import usable_again
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyRequest, admitted_names
from dr_estate.model import states
from dr_estate.model.stream_records import VIEW
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import evidence_stores

_RULES = ("NIST AU-9", "NIST AU-11", "SOC2 CC7.3")
# The one mode of Object Lock in which nobody at all deletes a version before its time (S3 User Guide).
_KEPT = "COMPLIANCE"
# An annual audit looks back so far.
_LEAST_DAYS = 365


@check("the key that signs evidence works in the DR region")
@weigh(Severity.NORMAL, Area.PREREQUISITES)
@cite(*_RULES)
def signed(view: View) -> Iterator[Finding]:
    """names.evidence_key leads to an enabled key that signs: a pack is signed in the incident or not at all.

    It signs by the curve that packs are signed by, and its policy lets somebody sign: who that is IAM decides, where
    the policy names the account. Sources: KMS DescribeKey, GetKeyPolicy; KMS Developer Guide, "Key policies".
    """
    key = view.get(evidence_stores.signing_key)
    wanted, reason = "an enabled key that signs", "evidence of a run could not be signed, and nobody would believe it"
    absent = f"Create aws_kms_key and aws_kms_alias '{key.alias}' in {view.region} (deploy/)."
    state = states.KEY[key.state]
    # Usage is fixed at creation: an encryption key of the right alias can never sign (API_CreateKey, KeyUsage).
    if state.gone or key.usage != "SIGN_VERIFY":
        measured = "absent" if state.gone else f"a key for {key.usage or 'nothing'}"
        yield view.gap(key.alias, measured, wanted, reason, absent)
    elif key.algorithms is not None and evidence_stores.ALGORITHM not in key.algorithms:
        signs = f"a key that signs by {', '.join(key.algorithms)}"
        yield view.gap(key.alias, signs, f"{wanted} by {evidence_stores.ALGORITHM}", reason, absent)
    elif not state.known:
        yield view.undocumented(key.alias, wanted, key.state)
    elif not state.serves:
        yield view.gap(key.alias, key.state, wanted, reason, usable_again(view.region, key.arn, key.state))
    elif isinstance(key.policy, Unavailable):
        yield view.unknown(key.alias, wanted, key.policy)
    elif key.policy and not admitted_names(key.policy, _signing(view, key.arn)):
        remedy = f"aws_kms_key {key.arn} in {view.region}: a policy that lets approvers, or the account, kms:Sign."
        yield view.gap(key.alias, "its policy lets nobody sign", wanted, reason, remedy)
    else:
        yield view.ok(key.alias, key.state, wanted, "an approver can sign what a run leaves")


def _signing(view: View, arn: str) -> PolicyRequest:
    account = view.env.account
    known = (
        ("aws:RequestedRegion", view.region),
        ("aws:PrincipalAccount", account),
        ("kms:CallerAccount", account),
        ("aws:SecureTransport", "true"),
        *moment_keys(view.now),
    )
    return PolicyRequest((), "kms:Sign", arn, known)


@check("the anchors of journals stay in the DR region as long as an audit looks back")
@weigh(Severity.NORMAL, Area.PREREQUISITES)
@cite(*_RULES)
def anchored(view: View) -> Iterator[Finding]:
    """names.anchor_log is there and lets no event expire within a year: without an anchor a forged journal looks true.

    Where names.stream_bucket is set, AWS writes anchors itself: the table's stream, its mapping to the function and the
    bucket's Object Lock are on. Source: CloudWatch Logs DescribeLogGroups; DynamoDB DescribeTable; Lambda
    ListEventSourceMappings; S3 GetObjectLockConfiguration.
    """
    log = view.get(evidence_stores.anchors)
    wanted, days = f"there, {_LEAST_DAYS} days or for ever", log.retention_days
    if not log.exists:
        create = view.command("logs", "CreateLogGroup", logGroupName=log.name)
        remedy = Remedy("Create the log group (deploy/): anchors of earlier runs are lost.", (create,))
        yield view.gap(log.name, "absent", wanted, "the head of no journal can be anchored", remedy)
    elif days is not None and days < _LEAST_DAYS:
        endless = view.command("logs", "DeleteRetentionPolicy", logGroupName=log.name)
        remedy = Remedy("Let events stay (aws_cloudwatch_log_group.retention_in_days = 0).", (endless,))
        reason = "what an incident's journal is compared with is deleted before an auditor asks"
        yield view.gap(log.name, f"{days} days", wanted, reason, remedy)
    else:
        yield view.ok(log.name, f"{days} days" if days else "for ever", wanted, "a journal can be compared with them")
    if view.env.names.stream_bucket and (witness := view.get(evidence_stores.witness)):
        yield from _witness_findings(view, witness)


def _witness_findings(view: View, found: evidence_stores.TableWitness) -> Iterator[Finding]:
    reason = "AWS anchors no change of the control table: what is rewritten since looks true"
    if found.stream:
        yield view.ok(found.table, "its stream is on", "a stream", "AWS sees each change")
        yield _mapping_gap(view, found, reason)
    else:
        setting = {"StreamEnabled": True, "StreamViewType": VIEW}
        # A stream that is switched on again is a new stream with another ARN: the old mapping reads nothing of it.
        turn_on = view.command("dynamodb", "UpdateTable", TableName=found.table, StreamSpecification=setting)
        sentence = f"aws_dynamodb_table '{found.table}': stream_enabled = true; then deploy the stack of anchors again:"
        remedy = Remedy(f"{sentence} it reads the new stream.", (turn_on,))
        yield view.gap(found.table, "its stream is off", "a stream", reason, remedy)
    wanted = f"Object Lock, {_KEPT}"
    if found.lock == _KEPT:
        yield view.ok(found.bucket, found.lock, wanted, "nobody takes an anchor away, the administrator neither")
    else:
        weak = "an anchor can be deleted or hidden, and what it witnessed is then anybody's word"
        retention = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": _KEPT, "Years": 1}}}
        lock = view.command("s3", "PutObjectLockConfiguration", Bucket=found.bucket, ObjectLockConfiguration=retention)
        remedy = Remedy("Lock what is written from now on (deploy/).", (lock,))
        yield view.gap(found.bucket, found.lock or "no lock", wanted, weak, remedy)


def _mapping_gap(view: View, found: evidence_stores.TableWitness, reason: str) -> Finding:
    state, wanted = states.MAPPING[found.mapping], "its mapping Enabled"
    if not state.known:
        return view.undocumented(found.function, wanted, found.mapping)
    if state.serves:
        return view.ok(found.function, found.mapping, wanted, "each change becomes an anchor")
    if state.gone:
        remedy = Remedy("Deploy the stack of anchors again (deploy/, stream-anchors.json).")
        return view.gap(found.function, f"its mapping is {found.mapping}", wanted, reason, remedy)
    # DynamoDB Streams keep records for 24 hours: what is older when the mapping comes back is lost to it.
    whole = {"UUID": found.mapping_id, "Enabled": True, "FilterCriteria": dict[str, str]()}
    enable = view.command("lambda", "UpdateEventSourceMapping", **whole)
    remedy = Remedy("Turn the mapping on, without a filter: what is older than a day is lost to it.", (enable,))
    return view.gap(found.function, f"its mapping is {found.mapping}", wanted, reason, remedy)
