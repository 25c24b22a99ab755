# A multi-tenant WordPress platform in two regions: one service a tenant upon a shared MySQL database and file system, all
# behind one distribution. The second region runs no task and has no database until a recovery.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39, < 5.0"
    }
  }
}

provider "aws" {
  region = "af-south-1"

  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "dr"
  region = "eu-west-1"

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes certificates from this region alone.
provider "aws" {
  alias  = "global"
  region = "us-east-1"

  default_tags {
    tags = local.tags
  }
}

locals {
  name    = "bbws"
  domain  = "wp.${local.name}.example"
  tenants = ["acacia", "baobab", "cedar"]
  hosts   = { for tenant in local.tenants : tenant => "${tenant}.${local.domain}" }
  tags    = { Environment = local.name, Project = "wordpress-platform", ManagedBy = "terraform" }

  variables = {
    STATE_TABLE = aws_dynamodb_table.this["tenant-state"].name
    LOG_TABLE   = aws_dynamodb_table.this["transaction-log"].name
  }
}

module "primary" {
  source = "./region"

  name       = local.name
  cidr       = "10.60.0.0/16"
  domain     = local.domain
  hosts      = local.hosts
  tasks      = 2
  task_role  = aws_iam_role.this["task"].arn
  start_role = aws_iam_role.this["start"].arn
  database   = aws_db_instance.this.address
  secrets    = { for tenant, secret in aws_secretsmanager_secret.tenant : tenant => secret.arn }
  variables  = merge(local.variables, { ASSETS_BUCKET = aws_s3_bucket.assets.id })
}

module "dr" {
  source = "./region"

  name       = local.name
  cidr       = "10.61.0.0/16"
  domain     = local.domain
  hosts      = local.hosts
  tasks      = 0
  task_role  = aws_iam_role.this["task"].arn
  start_role = aws_iam_role.this["start"].arn

  # The database that a recovery restores has the name of the first one; a replica of a secret has its name and suffix.
  database  = replace(aws_db_instance.this.address, "af-south-1", "eu-west-1")
  secrets   = { for tenant, secret in aws_secretsmanager_secret.tenant : tenant => replace(secret.arn, "af-south-1", "eu-west-1") }
  variables = merge(local.variables, { ASSETS_BUCKET = aws_s3_bucket.assets_copy.id })

  providers = {
    aws = aws.dr
  }
}

output "url" {
  value = [for host in values(local.hosts) : "https://${host}"]
}
