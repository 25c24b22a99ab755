# Settings that came after provider 3.39, as commands: `terraform output -raw settings | sh -e`. With a provider that has
# them they are attributes and resources: client_keep_alive, enable_accelerated_recovery, deletion_protection_enabled,
# replica of a secret, aws_efs_replication_configuration, aws_db_instance_automated_backups_replication,
# aws_backup_vault_lock_configuration.

locals {
  regions = { af-south-1 = module.primary.balancer.arn, eu-west-1 = module.dr.balancer.arn }
  tables  = [for table in aws_dynamodb_table.this : table.name]

  replication = {
    Role = aws_iam_role.this["copies"].arn
    Rules = [{
      ID                      = "all"
      Priority                = 1
      Status                  = "Enabled"
      Filter                  = { Prefix = "" }
      DeleteMarkerReplication = { Status = "Enabled" }
      Destination = {
        Bucket          = aws_s3_bucket.assets_copy.arn
        ReplicationTime = { Status = "Enabled", Time = { Minutes = 15 } }
        Metrics         = { Status = "Enabled", EventThreshold = { Minutes = 15 } }
      }
    }]
  }
}

output "settings" {
  value = join("\n", concat(
    ["aws route53 update-hosted-zone-features --region us-east-1 --hosted-zone-id ${aws_route53_zone.this.zone_id} --enable-accelerated-recovery"],
    [for region, arn in local.regions :
      "aws elbv2 modify-load-balancer-attributes --region ${region} --load-balancer-arn ${arn} --attributes Key=client_keep_alive.seconds,Value=60"
    ],
    ["aws rds start-db-instance-automated-backups-replication --region eu-west-1 --source-region af-south-1 --source-db-instance-arn ${aws_db_instance.this.arn} --kms-key-id ${module.dr.database.key} --backup-retention-period 7"],
    [for secret in aws_secretsmanager_secret.tenant :
      "aws secretsmanager replicate-secret-to-regions --region af-south-1 --secret-id ${secret.name} --add-replica-regions Region=eu-west-1"
    ],
    ["aws efs update-file-system-protection --region eu-west-1 --file-system-id ${module.dr.files} --replication-overwrite-protection DISABLED"],
    ["aws efs create-replication-configuration --region af-south-1 --source-file-system-id ${module.primary.files} --destinations Region=eu-west-1,FileSystemId=${module.dr.files}"],
    [for pair in setproduct(keys(local.regions), local.tables) :
      "aws dynamodb update-table --region ${pair[0]} --table-name ${pair[1]} --deletion-protection-enabled"
    ],
    [for table in local.tables :
      "aws dynamodb update-continuous-backups --region eu-west-1 --table-name ${table} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    ],
    ["aws backup put-backup-vault-lock-configuration --region eu-west-1 --backup-vault-name ${local.name}-backup-vault --min-retention-days 7"],
    ["aws s3api put-bucket-replication --region af-south-1 --bucket ${aws_s3_bucket.assets.id} --replication-configuration '${jsonencode(local.replication)}'"],
  ))
}
