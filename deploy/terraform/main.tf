locals {
  tags = {
    Environment = var.environment
    Project     = "disaster-recovery"
    ManagedBy   = "terraform"
    DR          = "enabled"
  }
}

# Locks, approvals and the incident log. Its keys and index are what dr_actions/control.py reads and writes.
resource "aws_dynamodb_table" "control" {
  name                        = var.control_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = true
  # What AWS anchors of it (anchors.tf) comes from its stream.
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  global_secondary_index {
    name            = "by-sk"
    hash_key        = "sk"
    range_key       = "pk"
    projection_type = "ALL"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  # The tool lets no fewer people run a plan than this says, whatever an environment file says.
  tags = { "dr:people" = var.required_people }

  lifecycle {
    prevent_destroy = true
  }
}

# Signs evidence packs. Approvers alone may use it (policies/ENV-dr-approver-own.json).
resource "aws_kms_key" "evidence" {
  description              = "Signs evidence of disaster recovery"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
  deletion_window_in_days  = 30

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "evidence" {
  name          = var.evidence_key
  target_key_id = aws_kms_key.evidence.key_id
}

# The heads of the journals, put there as a run goes on: no role of this stack may delete a stream, or let events expire.
resource "aws_cloudwatch_log_group" "anchors" {
  name = var.anchor_log

  lifecycle {
    prevent_destroy = true
  }
}

# Not encrypted with the AWS managed key: CloudWatch alarms cannot publish to a topic that is.
resource "aws_sns_topic" "dr" {
  for_each = toset(var.topics)
  name     = each.value
}

resource "aws_sns_topic" "primary" {
  provider = aws.primary
  for_each = toset(var.topics)
  name     = each.value
}
