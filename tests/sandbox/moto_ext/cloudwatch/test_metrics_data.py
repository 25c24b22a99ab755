"""Metrics of databases, files, buckets and tables: broken replication says nothing (T23)."""

from __future__ import annotations

from sandbox.core.state import STATE
from tests.sandbox.moto_ext.cloudwatch.test_cloudwatch import database, metric, read
from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients, go_dark


def test_replica_lag_disappears_when_the_source_goes_dark(aws: Clients) -> None:
    arn = database(aws, PRIMARY, "db")
    aws("rds", DR).create_db_instance_read_replica(
        DBInstanceIdentifier="copy", SourceDBInstanceIdentifier=arn, SourceRegion=PRIMARY
    )
    lag = metric("AWS/RDS", "ReplicaLag", DBInstanceIdentifier="copy")
    assert set(read(aws, DR, lag)[0]) == {2.0}
    assert read(aws, PRIMARY, metric("AWS/RDS", "ReplicaLag", DBInstanceIdentifier="db")) == [[]]
    go_dark(PRIMARY, minutes_ago=30)
    assert read(aws, DR, lag) == [[]]
    assert read(aws, DR, metric("AWS/RDS", "CPUUtilization", DBInstanceIdentifier="copy"))[0]


def test_a_databases_free_storage_is_part_of_what_it_has(aws: Clients) -> None:
    database(aws, PRIMARY, "db")
    free = read(aws, PRIMARY, metric("AWS/RDS", "FreeStorageSpace", DBInstanceIdentifier="db"))[0]
    assert 0 < free[0] < 50 * 1024**3
    assert read(aws, PRIMARY, metric("AWS/RDS", "FreeStorageSpace", DBInstanceIdentifier="other")) == [[]]


def test_time_since_last_sync_grows_once_nothing_arrives(aws: Clients) -> None:
    efs = aws("efs", PRIMARY)
    source = efs.create_file_system(CreationToken="files", Encrypted=True)["FileSystemId"]
    response = efs.create_replication_configuration(SourceFileSystemId=source, Destinations=[{"Region": DR}])
    copy = response["Destinations"][0]["FileSystemId"]
    since = metric("AWS/EFS", "TimeSinceLastSync", FileSystemId=source, DestinationFileSystemId=copy)
    assert set(read(aws, PRIMARY, since)[0]) == {600.0}
    assert read(aws, DR, since) == [[]]
    go_dark(PRIMARY, minutes_ago=60)
    newest, *_, oldest = read(aws, PRIMARY, since)[0]
    assert newest > oldest > 3500
    STATE.stopped.clear()
    efs.delete_replication_configuration(SourceFileSystemId=source)
    assert read(aws, PRIMARY, since) == [[]]


def test_bucket_replication_is_measured_where_it_arrives(aws: Clients) -> None:
    for bucket, region in (("files", PRIMARY), ("files-copy", DR)):
        s3 = aws("s3", region)
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "all",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {
            "Bucket": "arn:aws:s3:::files-copy",
            "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
        },
    }
    configuration = {"Role": "arn:aws:iam::123456789012:role/r", "Rules": [rule]}
    aws("s3", PRIMARY).put_bucket_replication(Bucket="files", ReplicationConfiguration=configuration)
    named = {"SourceBucket": "files", "DestinationBucket": "files-copy", "RuleId": "all"}
    wanted = [metric("AWS/S3", name, **named) for name in ("ReplicationLatency", "BytesPendingReplication")]
    latency, pending = read(aws, DR, *wanted)
    assert latency[0] > 0
    assert set(pending) == {0.0}
    assert read(aws, PRIMARY, *wanted) == [[], []]
    go_dark(PRIMARY, minutes_ago=30)
    assert read(aws, DR, *wanted) == [[], []]


def test_table_latency_is_measured_where_the_write_was_made(aws: Clients) -> None:
    dynamodb = aws("dynamodb", PRIMARY)
    dynamodb.create_table(
        TableName="state",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    latency = metric("AWS/DynamoDB", "ReplicationLatency", TableName="state", ReceivingRegion=DR)
    assert read(aws, PRIMARY, latency) == [[]]
    dynamodb.update_table(TableName="state", ReplicaUpdates=[{"Create": {"RegionName": DR}}])
    assert read(aws, PRIMARY, latency)[0]
    go_dark(DR, minutes_ago=30)
    assert read(aws, PRIMARY, latency) == [[]]
