"""Questions about secrets, objects and DNS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from truth_kit.account import Account, is_refused
from truth_kit.callers import DENIED, GLOBAL, allow, caller
from truth_kit.scene import Answer

READ_ONLY = ("InvalidParameterException", "InvalidRequestException")
DRAWS = 40  # by chance alone the same of two records: once in 5e11 runs
PIN_POLL_S = 0.5
# Addresses for documentation (RFC 5737): nobody is at them.
ADDRESSES = {"first": "192.0.2.1", "second": "192.0.2.2", "PRIMARY": "192.0.2.10", "SECONDARY": "192.0.2.20"}


def ask_of_secrets(account: Account) -> Iterator[Answer]:
    """Replicate a secret, try to move a stage of the replica, promote it."""
    name = account.prefix + "secret"
    primary, dr = (account.client("secretsmanager", region) for region in (account.primary, account.dr))
    former = primary.create_secret(
        Name=name, SecretString="former", AddReplicaRegions=[{"Region": account.dr}], Tags=account.tags
    )["VersionId"]
    current = primary.put_secret_value(SecretId=name, SecretString="current")["VersionId"]

    def in_sync() -> bool:
        statuses = primary.describe_secret(SecretId=name).get("ReplicationStatus") or [{}]
        return bool(statuses[0].get("Status") == "InSync")

    account.until("the secret is replicated", in_sync)
    account.until(
        "the replica has both versions",
        lambda: {former, current} <= set(dr.describe_secret(SecretId=name)["VersionIdsToStages"]),
    )
    replica = dr.describe_secret(SecretId=name)["ARN"]
    yield (
        "secretsmanager.replica-refuses-stage-move",
        is_refused(
            lambda: dr.update_secret_version_stage(
                SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=former, RemoveFromVersionId=current
            ),
            *READ_ONLY,
        ),
    )
    yield (
        "secretsmanager.replica-tells-its-policy",
        not is_refused(lambda: dr.get_resource_policy(SecretId=replica), *READ_ONLY),
    )
    dr.stop_replication_to_replica(SecretId=replica)
    yield "secretsmanager.stop-replication-keeps-arn", dr.describe_secret(SecretId=name)["ARN"] == replica


def _copier(account: Account, bucket: str) -> Any:
    """Return an S3 client that may read one object and write another, and read nothing else."""
    reads = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectAnnotation"]
    writes = ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAnnotation"]
    rights = [allow(actions, f"arn:aws:s3:::{bucket}/{key}") for actions, key in ((reads, "from"), (writes, "onto"))]
    return account.client("s3", account.primary, **caller(account, "copier", rights))


def ask_of_objects(account: Account) -> Iterator[Answer]:
    """Copy onto an object with and without If-Match, as a role that may not read it."""
    bucket, s3 = account.prefix + account.number, account.client("s3", account.primary)
    where = {} if account.primary == GLOBAL else {"CreateBucketConfiguration": {"LocationConstraint": account.primary}}
    s3.create_bucket(Bucket=bucket, **where)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": account.tags})
    s3.put_object(Bucket=bucket, Key="from", Body=b"new")
    s3.put_object(Bucket=bucket, Key="onto", Body=b"old")
    copier, source = _copier(account, bucket), {"Bucket": bucket, "Key": "from"}

    def copy(**condition: str) -> Any:
        return copier.copy_object(Bucket=bucket, Key="onto", CopySource=source, **condition)

    # IAM takes its time; and where the plain copy is allowed, a denial of the other is If-Match's alone
    account.until("the role may copy", lambda: not is_refused(copy, *DENIED, "InvalidAccessKeyId"))
    tag = s3.head_object(Bucket=bucket, Key="onto")["ETag"]
    yield "s3.if-match-needs-get-object", is_refused(lambda: copy(IfMatch=tag), *DENIED)


def _record(account: Account, name: str, who: str, **routing: Any) -> dict[str, Any]:
    record = {
        "Name": f"{name}.{account.prefix.rstrip('-')}.test",
        "Type": "A",
        "TTL": 1,
        "SetIdentifier": who,
        "ResourceRecords": [{"Value": ADDRESSES[who]}],
        **routing,
    }
    return {"Action": "UPSERT", "ResourceRecordSet": record}


def ask_of_dns(account: Account) -> Iterator[Answer]:
    """Ask a name whose records all weigh 0; invert a failover record's health check and ask its name."""
    dns, zone_name = account.client("route53", GLOBAL), f"{account.prefix.rstrip('-')}.test"
    zone = dns.create_hosted_zone(Name=zone_name, CallerReference=account.prefix + "zone")["HostedZone"]["Id"]
    dns.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone.rpartition("/")[2], AddTags=account.tags)
    # a threshold of 0 is always healthy, until it is inverted: nothing is probed
    always = {"Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": [], "Inverted": False}
    check = dns.create_health_check(CallerReference=account.prefix + "check", HealthCheckConfig=always)
    check_id = check["HealthCheck"]["Id"]
    dns.change_tags_for_resource(ResourceType="healthcheck", ResourceId=check_id, AddTags=account.tags)
    changes = [_record(account, "weighted", who, Weight=0) for who in ("first", "second")]
    changes += [
        _record(account, "pinned", "PRIMARY", Failover="PRIMARY", HealthCheckId=check_id),
        _record(account, "pinned", "SECONDARY", Failover="SECONDARY"),
    ]
    change = dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})["ChangeInfo"]["Id"]
    account.until("Route 53 is in sync", lambda: dns.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC")

    def addresses(name: str) -> frozenset[str]:
        answered = dns.test_dns_answer(HostedZoneId=zone, RecordName=f"{name}.{zone_name}", RecordType="A")
        return frozenset(answered["RecordData"])

    drawn = frozenset[str]().union(*(addresses("weighted") for _ in range(DRAWS)))
    yield "route53.all-weights-zero-answers-all", {ADDRESSES["first"], ADDRESSES["second"]} <= drawn
    account.until("the primary is answered", lambda: addresses("pinned") == {ADDRESSES["PRIMARY"]})
    dns.update_health_check(HealthCheckId=check_id, Inverted=True)
    began, still = account.clock(), 0.0

    def is_moved() -> bool:
        nonlocal still
        moment = account.clock() - began
        if addresses("pinned") == {ADDRESSES["SECONDARY"]}:
            return True
        still = moment
        account.wait(PIN_POLL_S)
        return False

    account.until("the secondary is answered", is_moved)
    yield "route53.pin-to-answer-s", int(still)
