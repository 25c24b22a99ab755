# Settings that came after provider 3.39, as commands: `terraform output -raw settings | sh -e`. With a provider that has
# them they are attributes: client_keep_alive, enable_accelerated_recovery, deletion_protection_enabled,
# replica.point_in_time_recovery; replication_time, metrics and delete_marker_replication of the replication rule.

locals {
  balancers = { af-south-1 = module.primary.balancer.arn, eu-west-1 = module.dr.balancer.arn }
  tables    = [aws_dynamodb_table.orders.name, aws_dynamodb_table.baskets.name]

  replication = {
    Role = aws_iam_role.copies.arn
    Rules = [{
      ID                      = "all"
      Priority                = 1
      Status                  = "Enabled"
      Filter                  = { Prefix = "" }
      DeleteMarkerReplication = { Status = "Enabled" }
      Destination = {
        Bucket          = aws_s3_bucket.media_copy.arn
        ReplicationTime = { Status = "Enabled", Time = { Minutes = 15 } }
        Metrics         = { Status = "Enabled", EventThreshold = { Minutes = 15 } }
      }
    }]
  }
}

output "settings" {
  value = join("\n", concat(
    ["aws route53 update-hosted-zone-features --region us-east-1 --hosted-zone-id ${aws_route53_zone.this.zone_id} --enable-accelerated-recovery"],
    [for region, arn in local.balancers :
      "aws elbv2 modify-load-balancer-attributes --region ${region} --load-balancer-arn ${arn} --attributes Key=client_keep_alive.seconds,Value=60"
    ],
    [for pair in setproduct(keys(local.balancers), local.tables) :
      "aws dynamodb update-table --region ${pair[0]} --table-name ${pair[1]} --deletion-protection-enabled"
    ],
    [for table in local.tables :
      "aws dynamodb update-continuous-backups --region eu-west-1 --table-name ${table} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    ],
    ["aws s3api put-bucket-replication --region af-south-1 --bucket ${aws_s3_bucket.media.id} --replication-configuration '${jsonencode(local.replication)}'"],
  ))
}
