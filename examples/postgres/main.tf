# A billing platform in two regions: four HTTP services on one PostgreSQL database, with a read replica in the second
# region, which runs no task.

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

locals {
  name = "harbor"
  host = "www.${local.name}.example"
  tags = { Application = local.name, Terraform = "true" }

  # The order is that of the listener's rules: what no other path takes is web's.
  services = ["billing", "customers", "reports", "web"]
  paths    = { for name in local.services : name => name == "web" ? "/*" : "/${name}*" }
}

module "primary" {
  source = "./region"

  name       = local.name
  host       = local.host
  cidr       = "10.50.0.0/16"
  services   = local.services
  paths      = local.paths
  tasks      = 2
  task_role  = aws_iam_role.task.arn
  start_role = aws_iam_role.start.arn
  database   = aws_db_instance.this.address
}

module "dr" {
  source = "./region"

  name       = local.name
  host       = local.host
  cidr       = "10.51.0.0/16"
  services   = local.services
  paths      = local.paths
  tasks      = 0
  task_role  = aws_iam_role.task.arn
  start_role = aws_iam_role.start.arn
  database   = aws_db_instance.replica.address

  providers = {
    aws = aws.dr
  }
}

resource "aws_route53_zone" "this" {
  name = "${local.name}.example"
}

resource "aws_route53_health_check" "this" {
  for_each = { primary = module.primary.balancer, dr = module.dr.balancer }

  type              = "HTTPS"
  fqdn              = each.value.dns_name
  port              = 443
  resource_path     = "/healthz"
  request_interval  = 10
  failure_threshold = 3
}

resource "aws_route53_record" "www" {
  for_each = { primary = module.primary.balancer, dr = module.dr.balancer }

  zone_id         = aws_route53_zone.this.zone_id
  name            = local.host
  type            = "A"
  set_identifier  = each.key
  health_check_id = aws_route53_health_check.this[each.key].id

  failover_routing_policy {
    type = each.key == "primary" ? "PRIMARY" : "SECONDARY"
  }

  alias {
    name                   = each.value.dns_name
    zone_id                = each.value.zone_id
    evaluate_target_health = false
  }
}

output "url" {
  value = "https://${local.host}"
}
