# What stands around the questions of ../ask.py, in both regions: it applies and destroys this, with a state of its own.

provider "aws" {
  region = var.primary

  default_tags {
    tags = local.tags
  }

  dynamic "endpoints" {
    for_each = local.endpoints
    content {
      backup = endpoints.value
      ec2    = endpoints.value
      iam    = endpoints.value
      kms    = endpoints.value
      rds    = endpoints.value
      sts    = endpoints.value
    }
  }
}

provider "aws" {
  alias  = "dr"
  region = var.dr

  default_tags {
    tags = local.tags
  }

  dynamic "endpoints" {
    for_each = local.endpoints
    content {
      backup = endpoints.value
      ec2    = endpoints.value
      iam    = endpoints.value
      kms    = endpoints.value
      rds    = endpoints.value
      sts    = endpoints.value
    }
  }
}

locals {
  name      = "dr-truth-${var.run}"
  tags      = { "dr-truth" = var.run }
  endpoints = var.endpoint_url == "" ? [] : [var.endpoint_url]
}

module "primary" {
  source = "./region"
  name   = local.name
}

module "dr" {
  source = "./region"
  name   = local.name

  providers = {
    aws = aws.dr
  }
}

resource "aws_iam_role" "backup" {
  name = "${local.name}-backup"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "backup" {
  for_each   = toset(["Backup", "Restores"])
  role       = aws_iam_role.backup.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor${each.key}"
}
