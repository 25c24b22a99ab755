# The monthly dry start: EventBridge Scheduler starts the document of a recovery with Goal=look. Nobody is asked, and the
# task runs `status`: image, roles, network and log are proven. Its role may start that document and nothing else.
data "aws_iam_policy_document" "dry_start_trust" {
  for_each = local.automated

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account]
    }

    # The group, never the schedule: a condition on the schedule keeps it from starting (EventBridge Scheduler User
    # Guide, "Confused deputy prevention").
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:scheduler:${var.dr_region}:${var.account}:schedule-group/default"]
    }
  }
}

resource "aws_iam_role" "dry_start" {
  for_each             = local.automated
  name                 = each.value.dry_start.name
  max_session_duration = 3600
  assume_role_policy   = data.aws_iam_policy_document.dry_start_trust[each.key].json
}

resource "aws_iam_role_policy" "dry_start" {
  for_each = local.automated
  name     = "start"
  role     = aws_iam_role.dry_start[each.key].name
  policy   = each.value.dry_start.policy
}

resource "aws_scheduler_schedule" "dry_start" {
  for_each                     = local.automated
  name                         = each.value.dry_start.name
  schedule_expression          = each.value.dry_start.cron
  schedule_expression_timezone = each.value.dry_start.timezone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution"
    role_arn = aws_iam_role.dry_start[each.key].arn
    input    = each.value.dry_start.input

    retry_policy {
      maximum_retry_attempts       = 2
      maximum_event_age_in_seconds = 3600
    }
  }

  depends_on = [aws_ssm_document.recovery]
}
