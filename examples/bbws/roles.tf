# IAM is global: the tasks of both regions have these roles.

data "aws_caller_identity" "this" {}

locals {
  services = { task = "ecs-tasks", start = "ecs-tasks", copies = "s3", backup = "backup" }
  account  = data.aws_caller_identity.this.account_id
  assets   = [aws_s3_bucket.assets.arn, aws_s3_bucket.assets_copy.arn]
}

resource "aws_iam_role" "this" {
  for_each = local.services

  name = "${local.name}-${each.key}-role"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "${each.value}.amazonaws.com" }
    }]
  })
}

data "aws_iam_policy_document" "task" {
  statement {
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = ["arn:aws:elasticfilesystem:*:${local.account}:file-system/*"]
  }

  statement {
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"]
    resources = ["arn:aws:dynamodb:*:${local.account}:table/${local.name}-*"]
  }

  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = [for arn in local.assets : "${arn}/*"]
  }
}

data "aws_iam_policy_document" "start" {
  statement {
    actions   = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = ["*"]
  }

  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["arn:aws:secretsmanager:*:${local.account}:secret:${local.name}-*"]
  }

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:aws:logs:*:${local.account}:log-group:/ecs/${local.name}-*"]
  }
}

data "aws_iam_policy_document" "copies" {
  statement {
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [aws_s3_bucket.assets.arn]
  }

  statement {
    actions   = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    resources = ["${aws_s3_bucket.assets.arn}/*"]
  }

  statement {
    actions   = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
    resources = ["${aws_s3_bucket.assets_copy.arn}/*"]
  }
}

data "aws_iam_policy_document" "backup" {
  statement {
    actions = [
      "backup:*",
      "elasticfilesystem:Backup",
      "elasticfilesystem:CreateFileSystem",
      "elasticfilesystem:Restore",
      "kms:CreateGrant",
      "kms:DescribeKey",
      "rds:*Snapshot*",
      "tag:*",
    ]

    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = {
    task   = data.aws_iam_policy_document.task.json
    start  = data.aws_iam_policy_document.start.json
    copies = data.aws_iam_policy_document.copies.json
    backup = data.aws_iam_policy_document.backup.json
  }

  role   = aws_iam_role.this[each.key].id
  policy = each.value
}
