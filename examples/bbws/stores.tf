# What holds the tenants' data, and copies it into the other region.

resource "aws_db_instance" "this" {
  identifier     = "${local.name}-mysql"
  engine         = "mysql"
  engine_version = "8.0.40"
  instance_class = "db.r6g.large"

  allocated_storage = 200
  storage_type      = "gp2"
  storage_encrypted = true
  kms_key_id        = module.primary.database.key

  username = "admin"
  password = var.password

  multi_az               = true
  db_subnet_group_name   = module.primary.database.subnet_group
  parameter_group_name   = module.primary.database.parameter_group
  vpc_security_group_ids = [module.primary.database.access]

  backup_retention_period    = 7
  backup_window              = "01:00-01:30"
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = false
  deletion_protection        = true
  skip_final_snapshot        = true
  tags                       = { Backup = "Required" }
}

resource "aws_secretsmanager_secret" "tenant" {
  for_each = local.hosts

  name = "${local.name}-${each.key}-db-credentials"
}

resource "aws_secretsmanager_secret_version" "tenant" {
  for_each = aws_secretsmanager_secret.tenant

  secret_id     = each.value.id
  secret_string = jsonencode({ username = "wp_${each.key}", password = "${each.key}-${var.password}" })
}

variable "password" {
  type      = string
  sensitive = true
  default   = "not-a-real-one"
}

resource "aws_dynamodb_table" "this" {
  for_each = toset(["tenant-state", "transaction-log"])

  name             = "${local.name}-${each.key}"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "tenant_id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "tenant_id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  replica {
    region_name = "eu-west-1"
  }
}

resource "aws_s3_bucket" "assets_copy" {
  provider = aws.dr
  bucket   = "${local.name}-tenant-assets-dr"

  versioning {
    enabled = true
  }
}

resource "aws_s3_bucket" "assets" {
  bucket = "${local.name}-tenant-assets"

  versioning {
    enabled = true
  }

  replication_configuration {
    role = aws_iam_role.this["copies"].arn

    rules {
      id       = "all"
      priority = 1
      status   = "Enabled"

      filter {}

      destination {
        bucket = aws_s3_bucket.assets_copy.arn
      }
    }
  }
}

resource "aws_s3_bucket_public_access_block" "assets" {
  bucket                  = aws_s3_bucket.assets.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_public_access_block" "assets_copy" {
  provider                = aws.dr
  bucket                  = aws_s3_bucket.assets_copy.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Images that were pushed before it are not copied.
resource "aws_ecr_replication_configuration" "this" {
  replication_configuration {
    rule {
      destination {
        region      = "eu-west-1"
        registry_id = data.aws_caller_identity.this.account_id
      }
    }
  }

  depends_on = [module.primary.repository, module.dr.repository]
}

resource "aws_backup_plan" "this" {
  name = "${local.name}-backup-plan"

  rule {
    rule_name         = "hourly"
    target_vault_name = "${local.name}-backup-vault"
    schedule          = "cron(0 * * * ? *)"
    start_window      = 60
    completion_window = 120

    lifecycle {
      delete_after = 14
    }

    copy_action {
      destination_vault_arn = module.dr.vault

      lifecycle {
        delete_after = 14
      }
    }
  }

  depends_on = [module.primary.vault]
}

resource "aws_backup_selection" "this" {
  name         = "backup-required"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.this["backup"].arn

  selection_tag {
    type  = "STRINGEQUALS"
    key   = "Backup"
    value = "Required"
  }

  # The first run copies what is there by then, and fails where its role has no rights yet.
  depends_on = [aws_db_instance.this, aws_iam_role_policy.this, module.primary]
}
