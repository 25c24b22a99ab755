# Two global tables, and a bucket that is replicated: what a failover needs, and nothing else holds data.

resource "aws_dynamodb_table" "orders" {
  name             = "${local.name}-orders"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  replica {
    region_name = "eu-west-1"
  }
}

resource "aws_dynamodb_table" "baskets" {
  name             = "${local.name}-baskets"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  replica {
    region_name = "eu-west-1"
  }
}

resource "aws_s3_bucket" "media_copy" {
  provider      = aws.dr
  bucket_prefix = "${local.name}-media-"

  versioning {
    enabled = true
  }
}

resource "aws_s3_bucket" "media" {
  bucket_prefix = "${local.name}-media-"

  versioning {
    enabled = true
  }

  replication_configuration {
    role = aws_iam_role.copies.arn

    rules {
      id       = "all"
      priority = 1
      status   = "Enabled"

      filter {}

      destination {
        bucket = aws_s3_bucket.media_copy.arn
      }
    }
  }
}

resource "aws_s3_bucket_public_access_block" "media" {
  bucket                  = aws_s3_bucket.media.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_public_access_block" "media_copy" {
  provider                = aws.dr
  bucket                  = aws_s3_bucket.media_copy.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
