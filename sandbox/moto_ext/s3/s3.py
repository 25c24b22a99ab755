"""S3 replication (AWS: replication.html, replication-status.html; T30): later puts and, by rule, delete markers.

The emulator stores the configuration, returns it wrong, and copies nothing. Objects that wait for a dark region
are kept in ``backend.__dict__["unreplicated"]``: (bucket, key, version) -> since when; see :func:`backlog`.
It also passes over the conditions of bucket policies, so that a statement with one would speak to everybody: such a
statement is judged where IAM is enforced (sandbox/moto_ext/iam/enforcement.py), and nowhere else.
"""

from __future__ import annotations

import copy
import json
import threading
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.exceptions import ReplicationConfigurationNotFoundError, S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response

from sandbox.core.patching import attach, state, wrap, wrap_property
from sandbox.core.state import now
from sandbox.core.timing import duration_s, is_real, is_stopped
from sandbox.moto_ext.iam.policies import statements

# Where a version keeps how far its replication is.
STATUS = "_replication_status"
Waiting = tuple[str, str, str]
# Each request's own notes: requests of several threads wait for the world in turn.
_request = threading.local()
NUMBERS = ("Priority", "Minutes")


class InvalidRequest(S3ClientError):
    """S3 refuses a configuration."""

    code = "InvalidRequest"


def backlog(account: str, bucket: str) -> tuple[int, int, datetime | None]:
    """Operations and bytes of a source bucket that wait to be replicated, and since when the oldest waits."""
    backend = s3_backends[account]["aws"]
    waiting = {key: since for key, since in state(backend, "unreplicated").items() if key[0] == bucket}
    found = [_find(backend, key) for key in waiting]
    size = sum(version.size for version in found if isinstance(version, FakeKey))
    return len(waiting), size, min(waiting.values(), default=None)


def _find(backend: S3Backend, waiting: Waiting) -> FakeKey | FakeDeleteMarker | None:
    bucket, name, version = waiting
    s3_bucket = backend.buckets.get(bucket)
    versions = s3_bucket.keys.getlist(name, []) if s3_bucket is not None else []
    return next((candidate for candidate in versions if candidate.version_id == version), None)


def _note(backend: S3Backend, bucket_name: str, version: FakeKey | FakeDeleteMarker) -> None:
    if not backend.get_bucket_replication(bucket_name):
        return
    version.__dict__[STATUS] = "PENDING"
    waiting = (bucket_name, version.name, version.version_id)
    mine: list[tuple[S3Backend, Waiting]] | None = getattr(_request, "notes", None)
    # Outside of a request, as seeding and disasters write: noted at once.
    if mine is None:
        state(backend, "unreplicated")[waiting] = now()
    else:
        mine.append((backend, waiting))


def deliver(account: str) -> None:
    """Copy what waits to where the rules say, except from or to a region that is dark."""
    for backend in list(s3_backends[account].values()):
        for waiting, since in list(state(backend, "unreplicated").items()):
            if not _is_due(waiting, since):
                continue
            if _deliver_one(backend, waiting):
                state(backend, "unreplicated").pop(waiting, None)


def _is_due(waiting: Waiting, since: datetime) -> bool:
    """Whether S3 has had the time that it takes for one object."""
    return not is_real() or now() >= since + timedelta(seconds=duration_s("s3.replicate", waiting[1]))


def _deliver_one(backend: S3Backend, waiting: Waiting) -> bool:
    """Whether nothing remains to be done for this object."""
    version, bucket = _find(backend, waiting), backend.buckets.get(waiting[0])
    config = backend.get_bucket_replication(waiting[0]) if bucket is not None else None
    # Deleted meanwhile, or the rule is gone: nothing waits any more.
    if version is None or bucket is None or not config:
        return True
    tags = {} if isinstance(version, FakeDeleteMarker) else backend.tagger.get_tag_dict_for_resource(version.arn)
    marker = isinstance(version, FakeDeleteMarker)
    rules = [rule for rule in config["Rule"] if takes(rule, version.name, tags, marker)]
    # One copy for each destination, whatever number of rules leads there.
    targets = {rule["Destination"]["Bucket"].split(":")[-1]: rule["Destination"] for rule in rules}
    buckets = {name: backend.buckets.get(name) for name in targets}
    if is_stopped(
        bucket.region_name, *(s3_bucket.region_name for s3_bucket in buckets.values() if s3_bucket is not None)
    ):
        return False
    arrived = [replicate(backend, version, buckets[name], targets[name]) for name in targets]
    # FAILED stays FAILED: S3 tries a failed object no more (T30).
    version.__dict__[STATUS] = None if not rules else ("COMPLETED" if all(arrived) else "FAILED")
    return True


def replicate(
    backend: S3Backend, version: FakeKey | FakeDeleteMarker, target: FakeBucket | None, how: dict[str, Any]
) -> bool:
    """Whether ``target`` could take the version, as the rule's destination ``how`` says."""
    # A destination that is gone, or whose versioning was suspended.
    if target is None or not target.is_versioned:
        return False
    # The same version id, date and etag: that is how copies are compared.
    twin = copy.copy(version)
    # A replica is not replicated again (S3 guide, what is replicated).
    twin.__dict__[STATUS] = "REPLICA"
    if isinstance(twin, FakeKey) and isinstance(version, FakeKey):
        twin._metadata = copy.deepcopy(version._metadata)
        twin.bucket_name = target.name
        twin.set_storage_class(how.get("StorageClass") or version.storage_class)
        key_id = (how.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
        twin.kms_key_id = key_id or (None if version.encryption != "aws:kms" else version.kms_key_id)
        backend.tagger.copy_tags(version.arn, twin.arn)
    # Past put_object: the write of a replica must start no replication back.
    target.keys.setlist(version.name, [*target.keys.getlist(version.name, []), twin])
    return True


@wrap(S3Backend, "put_object")
def _put_object(original: Any, self: S3Backend, bucket_name: str, *args: Any, **kwargs: Any) -> FakeKey:
    key: FakeKey = original(self, bucket_name, *args, **kwargs)
    _note(self, bucket_name, key)
    return key


@wrap(S3Backend, "_set_delete_marker")
def _delete_marker(original: Any, self: S3Backend, bucket_name: str, key_name: str) -> FakeDeleteMarker:
    delete_marker: FakeDeleteMarker = original(self, bucket_name, key_name)
    _note(self, bucket_name, delete_marker)
    return delete_marker


@wrap_property(FakeKey, "response_dict")
def _headers(original: Any, self: FakeKey) -> dict[str, Any]:
    headers: dict[str, Any] = original(self)
    # HEAD and GET show it (API_HeadObject, x-amz-replication-status).
    status = self.__dict__.get(STATUS)
    return {**headers, "x-amz-replication-status": status} if status else headers


@wrap(S3Response, "key_response", "bucket_response")
def _around_request(original: Any, self: S3Response, *args: Any, **kwargs: Any) -> Any:
    """Deliver what waits; this request's own objects only when it has set all of their metadata."""
    _request.notes = []
    try:
        for account in list(s3_backends):
            deliver(account)
        answer = original(self, *args, **kwargs)
    finally:
        # Also after a failure: the next request of the thread starts with none.
        notes, _request.notes = _request.notes, None
    for backend, waiting in notes:
        state(backend, "unreplicated")[waiting] = now()
    if notes:
        deliver(self.current_account)
    return answer


@wrap(S3Backend, "put_bucket_replication")
def _put_replication(original: Any, self: S3Backend, bucket_name: str, replication: dict[str, Any]) -> None:
    rules = replication["Rule"] if isinstance(replication["Rule"], list) else [replication["Rule"]]
    for rule in rules:
        target = self.buckets.get(rule["Destination"]["Bucket"].split(":")[-1])
        if target is None:
            raise InvalidRequest("Destination bucket must exist.")
        # Both buckets need versioning (S3 guide, requirements for replication).
        if not target.is_versioned:
            raise InvalidRequest("Destination bucket must have versioning enabled.")
    original(self, bucket_name, replication)


@attach(S3Response)
def get_bucket_replication(self: S3Response) -> Any:
    """The configuration as it was put: filters, delete markers, metrics and replication time included."""
    self.data["Action"] = "GetBucketReplication"
    config = self.backend.get_bucket_replication(self.bucket_name)
    if not config:
        raise ReplicationConfigurationNotFoundError(bucket_name=self.bucket_name)
    rules = [rule_answer(rule) for rule in config["Rule"]]
    return self.serialized(ActionResult({"ReplicationConfiguration": {"Role": config["Role"], "Rules": rules}}))


@attach(S3Response)
def get_bucket_request_payment(self: S3Response) -> Any:
    """The owner pays, as S3 has it unless PutBucketRequestPayment said otherwise: Terraform asks it of each bucket."""
    self.data["Action"] = "GetBucketRequestPayment"
    self.backend.head_bucket(self.bucket_name)
    return self.serialized(ActionResult({"Payer": "BucketOwner"}))


@wrap(S3Response, "list_objects")
def _list_objects(original: Any, self: S3Response) -> Any:
    # The emulator lists the objects where a subresource is asked for that it does not know.
    return get_bucket_request_payment(self) if "requestPayment" in self.querystring else original(self)


@wrap(S3Response, "head_bucket")
def _head_bucket(original: Any, self: S3Response) -> Any:
    """Name the bucket's ARN, and that no access point was asked for (API_HeadBucket)."""
    status, headers, body = original(self)
    if status == HTTPStatus.OK:
        headers |= {"x-amz-bucket-arn": f"arn:{self.partition}:s3:::{self.bucket_name}"}
        headers |= {"x-amz-access-point-alias": "false"}
    return status, headers, body


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _filter(rule: dict[str, Any]) -> tuple[str, dict[str, str]]:
    rule_filter = rule.get("Filter") or {}
    # Prefix and tags together stand in And (API_ReplicationRuleFilter).
    both = rule_filter.get("And") or rule_filter
    prefix = both.get("Prefix") or rule.get("Prefix") or ""
    tags = [tag for tag in _as_list(both.get("Tag")) if tag]
    return prefix, {tag["Key"]: tag.get("Value") or "" for tag in tags}


def takes(rule: dict[str, Any], key: str, tags: dict[str, str], delete_marker: bool) -> bool:
    """Return whether an enabled rule replicates this object, or this delete marker.

    Delete markers are replicated only where the rule enables it, or where it is of the old kind without Filter (T30).
    """
    prefix, wanted = _filter(rule)
    if rule["Status"] != "Enabled" or not key.startswith(prefix):
        return False
    if delete_marker:
        status = (rule.get("DeleteMarkerReplication") or {}).get("Status")
        # A rule of the first version, without Filter, replicates delete markers unless it says no.
        return status == "Enabled" if "Filter" in rule else status != "Disabled"
    return all(tags.get(name) == value for name, value in wanted.items())


def rule_answer(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule as GetBucketReplication answers it."""
    answer: dict[str, Any] = _typed_value({key: value for key, value in rule.items() if key != "Filter"})
    if "Filter" in rule:
        prefix, tags = _filter(rule)
        pairs = [{"Key": name, "Value": value} for name, value in tags.items()]
        if pairs and ("And" in (rule["Filter"] or {})):
            answer["Filter"] = {"And": {"Prefix": prefix, "Tags": pairs}}
        else:
            answer["Filter"] = {"Tag": pairs[0]} if pairs else {"Prefix": prefix}
    return answer


def _typed_value(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        # Names with @ are attributes of the XML, not members of the API.
        return {key: _typed_value(inner, key) for key, inner in value.items() if not key.startswith("@")}
    return int(value) if name in NUMBERS else value


@wrap(FakeBucket, "get_permission")
def _get_permission(original: Any, self: FakeBucket, action: str, resource: str) -> PermissionResult:
    rows = statements(self.policy.decode()) if self.policy else []
    # moto's IAMPolicy reads no conditions: a statement limited to one role would admit or deny everybody.
    if any("Condition" in row for row in rows):
        document = {"Version": "2012-10-17", "Statement": [row for row in rows if "Condition" not in row]}
        return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)
    found: PermissionResult = original(self, action, resource)
    return found
