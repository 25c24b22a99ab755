# Settings that came after provider 3.39, as commands: `terraform output -raw settings | sh -e`. With a provider that has
# them they are attributes: client_keep_alive, enable_accelerated_recovery.

locals {
  balancers = { af-south-1 = module.primary.balancer.arn, eu-west-1 = module.dr.balancer.arn }
}

output "settings" {
  value = join("\n", concat(
    ["aws route53 update-hosted-zone-features --region us-east-1 --hosted-zone-id ${aws_route53_zone.this.zone_id} --enable-accelerated-recovery"],
    [for region, arn in local.balancers :
      "aws elbv2 modify-load-balancer-attributes --region ${region} --load-balancer-arn ${arn} --attributes Key=client_keep_alive.seconds,Value=60"
    ],
  ))
}
