"""Calls that people of an account attempt, by what they would do: service, operation, parameters."""

from __future__ import annotations

from typing import Any

from tests.sandbox.moto_ext.conftest import ACCOUNT, DR

Attempt = tuple[str, str, dict[str, Any]]

ASSETS = "bbws-tenant-assets-sit"
SOURCE = {"SourceDBInstanceIdentifier": f"arn:aws:rds:{DR}:{ACCOUNT}:db:sit-mysql"}
REPLICA = {"AddReplicaRegions": [{"Region": DR}]}
DELETING: list[Attempt] = [
    ("acm", "delete_certificate", {"CertificateArn": "arn:aws:acm:x:1:certificate/c"}),
    ("application-autoscaling", "deregister_scalable_target", {"ServiceNamespace": "ecs", "ResourceId": "service/a/b"}),
    ("backup", "delete_backup_vault", {"BackupVaultName": "bbws-backup-vault-sit"}),
    ("cloudwatch", "delete_alarms", {"AlarmNames": ["sit-alb-5xx"]}),
    ("dynamodb", "delete_table", {"TableName": "sit-tenant-state"}),
    ("dynamodb", "put_item", {"TableName": "sit-tenant-state", "Item": {"tenant_id": {"S": "t"}}}),
    ("ec2", "terminate_instances", {"InstanceIds": ["i-0"]}),
    ("ecr", "batch_delete_image", {"repositoryName": "sit-wordpress", "imageIds": []}),
    ("ecs", "delete_service", {"cluster": "sit-cluster", "service": "sit-tenant1-service"}),
    ("efs", "delete_file_system", {"FileSystemId": "fs-0"}),
    ("efs", "delete_replication_configuration", {"SourceFileSystemId": "fs-0"}),
    ("elbv2", "delete_load_balancer", {"LoadBalancerArn": "arn:aws:elasticloadbalancing:x:1:loadbalancer/app/a/b"}),
    ("kms", "schedule_key_deletion", {"KeyId": "k"}),
    ("logs", "delete_log_group", {"logGroupName": "/ecs/sit-tenant1"}),
    ("rds", "delete_db_instance", {"DBInstanceIdentifier": "sit-mysql"}),
    ("rds", "modify_db_instance", {"DBInstanceIdentifier": "sit-mysql", "BackupRetentionPeriod": 0}),
    ("s3", "delete_object", {"Bucket": "data", "Key": "a"}),
    ("s3", "delete_bucket", {"Bucket": "data"}),
    ("secretsmanager", "delete_secret", {"SecretId": "sit-rds-master-credentials"}),
    ("sns", "delete_topic", {"TopicArn": "arn:aws:sns:x:1:bbws-dr-events"}),
    ("ssm", "delete_parameter", {"Name": "/sit/a"}),
]
WORLD_WIDE: list[Attempt] = [
    ("route53", "delete_hosted_zone", {"Id": "Z1"}),
    ("route53", "delete_health_check", {"HealthCheckId": "h"}),
    ("cloudfront", "delete_distribution", {"Id": "E1"}),
    ("iam", "delete_role", {"RoleName": "sit-dr-operator"}),
    ("iam", "create_user", {"UserName": "eve"}),
]
RECOVERING: list[Attempt] = [
    ("application-autoscaling", "register_scalable_target", {"ServiceNamespace": "ecs", "ResourceId": "service/a/b"}),
    ("ecs", "update_service", {"cluster": "sit-cluster", "service": "sit-tenant1-service", "desiredCount": 2}),
    ("efs", "delete_replication_configuration", {"SourceFileSystemId": "fs-0"}),
    ("rds", "promote_read_replica", {"DBInstanceIdentifier": "sit-mysql-replica"}),
    ("secretsmanager", "stop_replication_to_replica", {"SecretId": "sit-tenant1-db-credentials"}),
    ("secretsmanager", "put_secret_value", {"SecretId": "sit-tenant1-db-credentials", "SecretString": "s"}),
]


HOMEWARD: list[Attempt] = [
    ("backup", "start_backup_job", {"BackupVaultName": "bbws-backup-vault-sit", "ResourceArn": "a", "IamRoleArn": "r"}),
    ("ecs", "register_task_definition", {"family": "sit-tenant1", "containerDefinitions": []}),
    ("efs", "create_replication_configuration", {"SourceFileSystemId": "fs-0", "Destinations": []}),
    ("efs", "delete_replication_configuration", {"SourceFileSystemId": "fs-0"}),
    ("rds", "create_db_instance_read_replica", {"DBInstanceIdentifier": "sit-mysql", **SOURCE}),
    ("rds", "modify_db_instance", {"DBInstanceIdentifier": "sit-mysql", "NewDBInstanceIdentifier": "sit-mysql-a"}),
    ("rds", "promote_read_replica", {"DBInstanceIdentifier": "sit-mysql"}),
    ("s3", "copy_object", {"Bucket": ASSETS, "Key": "a", "CopySource": {"Bucket": f"{ASSETS}-dr", "Key": "a"}}),
    ("secretsmanager", "put_secret_value", {"SecretId": "sit-rds-master-credentials", "SecretString": "s"}),
    ("secretsmanager", "replicate_secret_to_regions", {"SecretId": "sit-tenant1-db-credentials", **REPLICA}),
]
# By the names of their operations these are a failback's own, which the tool's guard judges by their parameters.
ALSO_HOMEWARD = {"efs:delete_replication_configuration", "rds:modify_db_instance"}
STRANGE: list[Attempt] = [
    ("backup", "start_backup_job", {"BackupVaultName": "prod-vault", "ResourceArn": "a", "IamRoleArn": "r"}),
    ("rds", "create_db_instance_read_replica", {"DBInstanceIdentifier": "prod-mysql", **SOURCE}),
    ("rds", "modify_db_instance", {"DBInstanceIdentifier": "sit-mysql", "NewDBInstanceIdentifier": "prod-mysql"}),
    ("rds", "modify_db_parameter_group", {"DBParameterGroupName": "sit-mysql8", "Parameters": []}),
    ("efs", "put_file_system_policy", {"FileSystemId": "fs-0", "Policy": "{}"}),
    ("s3", "put_object", {"Bucket": "data", "Key": "a"}),
    ("s3", "copy_object", {"Bucket": ASSETS, "Key": "a", "CopySource": {"Bucket": "data", "Key": "a"}}),
    ("s3", "get_object", {"Bucket": "data", "Key": "a"}),
    ("secretsmanager", "put_secret_value", {"SecretId": "prod-rds-master-credentials", "SecretString": "s"}),
]
