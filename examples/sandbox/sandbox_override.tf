# Copied into the folder of an example beside sandbox.tf, it sends Terraform to the sandbox.
# It is for provider 3 and 4: from 5 on s3_force_path_style is s3_use_path_style.

provider "aws" {
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

provider "aws" {
  alias               = "dr"
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
