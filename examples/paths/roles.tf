# IAM is global: the tasks of both regions have these roles.

data "aws_caller_identity" "this" {}

data "aws_iam_policy_document" "trust" {
  for_each = toset(["ecs-tasks", "s3"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "task" {
  name_prefix        = "${local.name}-task-"
  assume_role_policy = data.aws_iam_policy_document.trust["ecs-tasks"].json
}

data "aws_iam_policy_document" "task" {
  statement {
    actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"]

    resources = [
      for pair in setproduct(["af-south-1", "eu-west-1"], [aws_dynamodb_table.orders.name, aws_dynamodb_table.baskets.name]) :
      "arn:aws:dynamodb:${pair[0]}:${data.aws_caller_identity.this.account_id}:table/${pair[1]}"
    ]
  }

  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.media.arn}/*", "${aws_s3_bucket.media_copy.arn}/*"]
  }

  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.media.arn, aws_s3_bucket.media_copy.arn]
  }
}

resource "aws_iam_role_policy" "task" {
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

resource "aws_iam_role" "start" {
  name_prefix        = "${local.name}-start-"
  assume_role_policy = data.aws_iam_policy_document.trust["ecs-tasks"].json
}

data "aws_iam_policy_document" "start" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:aws:logs:*:${data.aws_caller_identity.this.account_id}:log-group:/${local.name}/*"]
  }
}

resource "aws_iam_role_policy" "start" {
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start.json
}

resource "aws_iam_role" "copies" {
  name_prefix        = "${local.name}-copies-"
  assume_role_policy = data.aws_iam_policy_document.trust["s3"].json
}

data "aws_iam_policy_document" "copies" {
  statement {
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [aws_s3_bucket.media.arn]
  }

  statement {
    actions   = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    resources = ["${aws_s3_bucket.media.arn}/*"]
  }

  statement {
    actions   = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
    resources = ["${aws_s3_bucket.media_copy.arn}/*"]
  }
}

resource "aws_iam_role_policy" "copies" {
  role   = aws_iam_role.copies.id
  policy = data.aws_iam_policy_document.copies.json
}
