# Where the runs and the pages lie: private, encrypted, every version for a while.
variable "days" {
  description = "How long runs and pages stay."
  type        = number
  default     = 400
}

resource "aws_s3_bucket" "fleet" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "fleet" {
  bucket                  = aws_s3_bucket.fleet.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "fleet" {
  bucket = aws_s3_bucket.fleet.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
  }
}

resource "aws_s3_bucket_versioning" "fleet" {
  bucket = aws_s3_bucket.fleet.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "fleet" {
  bucket = aws_s3_bucket.fleet.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.days
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    # Parts of an upload that broke off are billed, and no listing of objects shows them.
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}
