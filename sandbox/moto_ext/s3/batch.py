"""S3 Batch Replication: jobs that replicate what a bucket's rules take and was not replicated (S3 API, CreateJob).

Other operations, and manifests that are given, are refused as not implemented. A job passes through its states by the
pace of the world; while it is Active its objects are replicated one after another. One that finds no object fails, as
one does whose role may not be taken, or may not initiate replication (S3 User Guide, "Configuring an IAM role for S3
Batch Replication"). An object fails whose rules' role may not replicate it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.iam.policy_validation import BaseIAMPolicyValidator
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response
from moto.s3control import urls
from moto.s3control.models import S3ControlBackend, s3control_backends
from moto.s3control.responses import S3ControlResponse

from sandbox.core.patching import catch_all, operation, page, refused, state, wrap
from sandbox.core.state import now
from sandbox.core.timing import begin, is_stopped, moving
from sandbox.moto_ext.iam.policies import AccessRequest
from sandbox.moto_ext.iam.role_access import may, role_of, trusts
from sandbox.moto_ext.s3.s3 import STATUS, replicate, takes

# A job fails where more than half of its tasks fail, after at least a thousand (S3 guide, failure rate).
_SERVICE, _TRIED, _MOST_FAILED = "batchoperations.s3.amazonaws.com", 1000, 0.5
_ENDS, _NOT_BEGUN = ("Complete", "Failed", "Cancelled"), ("New", "Preparing", "Ready")
_NOTHING = ("ManifestFilterEmpty", "Manifest generation found no keys matching the filter criteria.")
Version = FakeKey | FakeDeleteMarker


@dataclass
class BatchJob:
    """A job. ``end`` is the state in which it settled, "" until then; ``reasons`` are why it failed."""

    id: str
    account: str
    region: str
    bucket: str
    request: dict[str, Any]
    created: datetime
    versions: list[Version] = field(default_factory=list)
    active: tuple[datetime, datetime] | None = None
    succeeded: int = 0
    failed: int = 0
    end: str = ""
    ended: datetime | None = None
    reasons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The state at this moment, in AWS's word."""
        return self.end or moving(self) or "Active"

    def settle(self, end: str, *reasons: tuple[str, str]) -> None:
        """End in a state."""
        self.end, self.ended, self.reasons = end, now(), list(reasons)


def advance(account: str) -> None:
    """Let the jobs of the account do what they would have done by now."""
    for job in _jobs(s3control_backends[account]["aws"]).values():
        # A job that prepares its manifest replicates nothing yet.
        if not job.end and moving(job) not in _NOT_BEGUN:
            _work(job, s3_backends[account]["aws"])


def _jobs(backend: S3ControlBackend) -> dict[str, BatchJob]:
    return state(backend, "batch_jobs")


def _work(job: BatchJob, backend: S3Backend) -> None:
    """Try the objects whose turn has come, and settle after the last."""
    # Looked at each time: a role that loses its rights stops the job.
    if trouble := _trouble(job):
        job.settle("Failed", trouble)
        return
    # A generated manifest without any object fails the job; it is no success of nothing.
    if not job.versions:
        job.settle("Failed", _NOTHING)
        return
    bucket, config = backend.buckets[job.bucket], backend.get_bucket_replication(job.bucket)
    targets = _targets(backend, config)
    # Neither done nor failed: the job goes on when both regions answer.
    if is_stopped(bucket.region_name, *(target.region_name for target, _ in targets if target is not None)):
        return
    due, done = _due(job), job.succeeded + job.failed
    # In order, by the share of the time that has passed.
    for version in job.versions[done:due]:
        arrived = bool(targets) and all(_replicate(job, backend, version, rule) for _, rule in targets)
        version.__dict__[STATUS] = "COMPLETED" if arrived else "FAILED"
        job.succeeded, job.failed = job.succeeded + arrived, job.failed + (not arrived)
    if job.failed > _MOST_FAILED * len(job.versions) and job.failed >= _TRIED:
        job.settle("Failed", ("FailureRateExceeded", "Too many tasks have failed."))
    elif due == len(job.versions) and not moving(job):
        job.settle("Complete")


def _due(job: BatchJob) -> int:
    """How many objects have had their turn."""
    if job.active is None or not moving(job):
        # The last ones at the end: a share is rounded.
        return len(job.versions)
    start, end = job.active
    share = (now() - start) / (end - start) if end > start else 1.0
    return round(len(job.versions) * min(max(share, 0.0), 1.0))


def _targets(backend: S3Backend, config: dict[str, Any] | None) -> list[tuple[FakeBucket | None, dict[str, Any]]]:
    rules = (config or {}).get("Rule", ())
    return [(backend.buckets.get(rule["Destination"]["Bucket"].split(":")[-1]), rule) for rule in rules]


def _trouble(job: BatchJob) -> tuple[str, str] | None:
    """Why the job cannot do anything at all."""
    role = role_of(job.account, job.request["RoleArn"])
    if role is None or not trusts(role, _SERVICE, job.account, f"arn:aws:s3:{job.region}:{job.account}:job/{job.id}"):
        return "AccessDenied", f"S3 Batch Operations may not take the role {job.request['RoleArn']}."
    source = f"arn:aws:s3:::{job.bucket}"
    needed = (
        ("s3:GetReplicationConfiguration", source),
        # What generates the manifest asks for it (S3 guide, IAM role for S3 Batch Replication).
        ("s3:PutInventoryConfiguration", source),
        ("s3:InitiateReplication", f"{source}/any"),
    )
    for action, resource in needed:
        if not may(job.account, role.arn, AccessRequest(action, resource, {})):
            return "AccessDenied", f"{role.arn} is not authorized to perform: {action} on {resource}"
    return None


def _replicate(job: BatchJob, backend: S3Backend, version: Version, rule: dict[str, Any]) -> bool:
    """Whether the rule does not take the object, or its role could replicate it."""
    if not _is_taken(backend, version, rule):
        return True
    name = rule["Destination"]["Bucket"].split(":")[-1]
    config = backend.get_bucket_replication(job.bucket) or {}
    request = AccessRequest("s3:ReplicateObject", f"arn:aws:s3:::{name}/{version.name}", {})
    # The rule's own role writes the copy; the job's role only starts it.
    if not may(job.account, str(config.get("Role", "")), request):
        return False
    return replicate(backend, version, backend.buckets.get(name), rule["Destination"])


def _is_taken(backend: S3Backend, version: Version, rule: dict[str, Any]) -> bool:
    if isinstance(version, FakeDeleteMarker):
        return takes(rule, version.name, {}, delete_marker=True)
    tags = backend.tagger.get_tag_dict_for_resource(version.arn)
    return takes(rule, version.name, tags, delete_marker=False)


def _chosen_versions(backend: S3Backend, name: str, wanted: dict[str, Any]) -> Iterator[Version]:
    """The versions of the bucket that its rules take, in a status that is asked for, the oldest of a key first."""
    rules = (backend.get_bucket_replication(name) or {}).get("Rule", ())
    statuses, after = wanted.get("ObjectReplicationStatuses"), wanted.get("CreatedAfter")
    since = _moment(after) if after else None
    keys = backend.buckets[name].keys
    for key in sorted(keys):
        for version in keys.getlist(key, []):
            # NONE: written before the rule, and so never replicated by it (T30).
            status = version.__dict__.get(STATUS) or "NONE"
            is_late = since is None or _moment(version.last_modified) > since
            is_asked = is_late and (not statuses or status in statuses)
            if is_asked and any(_is_taken(backend, version, rule) for rule in rules):
                yield version


def _moment(given: datetime | str) -> datetime:
    """The moment in UTC, which those of the emulator's objects are without saying so."""
    moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@operation(S3ControlResponse, "create_job")
def _create(response: S3ControlResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend, token = response.backend, params["ClientRequestToken"]
    tokens = state(backend, "batch_tokens")
    request = {name: value for name, value in params.items() if name != "ClientRequestToken"}
    if token in tokens:
        # A repeated request gives the same job (API_CreateJob, ClientRequestToken).
        if _jobs(backend)[tokens[token]].request != request:
            raise refused("IdempotencyException", "The token was used with other parameters.")
        return {"JobId": tokens[token]}
    generator = (params.get("ManifestGenerator") or {}).get("S3JobManifestGenerator")
    if "S3ReplicateObject" not in params["Operation"] or generator is None or params.get("ConfirmationRequired"):
        raise NotImplementedError("S3 Batch Operations other than replication by a generated manifest")
    name = generator["SourceBucket"].split(":")[-1]
    s3: S3Backend = s3_backends[response.current_account]["aws"]
    bucket = s3.buckets.get(name)
    if bucket is None or bucket.region_name != response.region or not s3.get_bucket_replication(name):
        raise refused("InvalidRequest", f"{name} is no bucket of {response.region} with a replication configuration.")
    job = BatchJob(str(uuid.uuid4()), response.current_account, response.region, name, request, now())
    # The manifest is made once: what is written afterwards is not in it.
    job.versions = list(_chosen_versions(s3, name, generator.get("Filter") or {}))
    _begin(job)
    _jobs(backend)[job.id], tokens[token] = job, job.id
    return {"JobId": job.id}


def _begin(job: BatchJob) -> None:
    """Set out on the states of a job: at the real pace those of the table, else it is active for a moment."""
    thousands = len(job.versions) / 1000
    begin(job, "Active", "s3.batch-replicate", job.bucket, kobjects=thousands)
    moment = job.created
    for word, until in job.__dict__["_phases"]:
        if word == "Active":
            job.active = (moment, until)
        moment = until


def _job(response: S3ControlResponse, params: dict[str, Any]) -> BatchJob:
    advance(response.current_account)
    found = _jobs(response.backend).get(params["JobId"])
    if found is None or found.region != response.region:
        raise refused("NotFoundException", f"There is no job {params['JobId']}.")
    return found


def _row(job: BatchJob) -> dict[str, Any]:
    counts = {"NumberOfTasksSucceeded": job.succeeded, "NumberOfTasksFailed": job.failed}
    # Unknown until the manifest is there.
    total = 0 if job.status in ("New", "Preparing") else len(job.versions)
    row = {"JobId": job.id, "Description": job.request.get("Description"), "Priority": job.request["Priority"]}
    row |= {"Status": job.status, "CreationTime": job.created, "TerminationDate": job.ended}
    return {**row, "ProgressSummary": {"TotalNumberOfTasks": total, **counts}}


@operation(S3ControlResponse, "describe_job")
def _describe(response: S3ControlResponse, params: dict[str, Any]) -> dict[str, Any]:
    job = _job(response, params)
    given = {name: job.request[name] for name in ("ManifestGenerator", "Operation", "Report", "RoleArn")}
    reasons = [{"FailureCode": code, "FailureReason": reason} for code, reason in job.reasons]
    arn = f"arn:aws:s3:{job.region}:{job.account}:job/{job.id}"
    return {"Job": {**_row(job), **given, "JobArn": arn, "ConfirmationRequired": False, "FailureReasons": reasons}}


@operation(S3ControlResponse, "list_jobs")
def _list(response: S3ControlResponse, params: dict[str, Any]) -> dict[str, Any]:
    advance(response.current_account)
    wanted = params.get("JobStatuses")
    jobs = [job for job in _jobs(response.backend).values() if job.region == response.region]
    rows = [{**_row(job), "Operation": "S3ReplicateObject"} for job in sorted(jobs, key=lambda job: job.created)]
    shown, token = page([row for row in rows if not wanted or row["Status"] in wanted], params)
    return {"Jobs": shown, "NextToken": token}


@operation(S3ControlResponse, "update_job_status")
def _update(response: S3ControlResponse, params: dict[str, Any]) -> dict[str, Any]:
    job, wanted = _job(response, params), params["RequestedJobStatus"]
    if wanted != "Cancelled":
        raise NotImplementedError("a job that waits for confirmation")
    # These states go on to their end (S3 guide, job statuses).
    if job.end or job.status in ("Completing", "Cancelling", "Failing"):
        raise refused("JobStatusException", f"A job that is {job.status} cannot be cancelled.")
    job.settle("Cancelled")
    return {"JobId": job.id, "Status": "Cancelling", "StatusUpdateReason": params.get("StatusUpdateReason")}


@wrap(S3Response, "key_response", "bucket_response")
def _around_request(original: Any, self: S3Response, *args: Any, **kwargs: Any) -> Any:
    """Advance the jobs before a request to S3, so that it sees what they have done by now."""
    # Nothing but requests moves the world: each of S3's moves its jobs.
    for account in list(s3control_backends):
        advance(account)
    return original(self, *args, **kwargs)


@wrap(BaseIAMPolicyValidator, "_validate_resource_format")
def _resource_format(original: Any, self: BaseIAMPolicyValidator, resource: str) -> None:
    """Let a policy name jobs by their region, which of S3's resources they alone have."""
    if not resource.startswith("arn:aws:s3:") or not resource.split(":", 5)[-1].startswith("job/"):
        original(self, resource)


catch_all(urls.url_paths, S3ControlResponse.dispatch)
