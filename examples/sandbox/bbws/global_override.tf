# The certificate of the distribution: a provider that this example alone has.

provider "aws" {
  alias               = "global"
  s3_force_path_style = true

  endpoints {
    acm            = var.sandbox
    backup         = var.sandbox
    cloudfront     = var.sandbox
    dynamodb       = var.sandbox
    ec2            = var.sandbox
    ecr            = var.sandbox
    ecs            = var.sandbox
    efs            = var.sandbox
    elb            = var.sandbox
    iam            = var.sandbox
    kms            = var.sandbox
    cloudwatchlogs = var.sandbox
    rds            = var.sandbox
    route53        = var.sandbox
    s3             = var.sandbox
    secretsmanager = var.sandbox
    sns            = var.sandbox
    sts            = var.sandbox
  }
}
