# Starts the state machine.
variable "schedule" {
  description = "When the fleet is looked at (EventBridge Scheduler, UTC)."
  type        = string
  default     = "cron(11 5 * * ? *)"
}

data "aws_iam_policy_document" "schedule" {
  statement {
    actions   = ["states:StartExecution"]
    resources = [aws_sfn_state_machine.fleet.arn]
  }
}

resource "aws_iam_role" "schedule" {
  name               = "${local.name}-schedule"
  assume_role_policy = data.aws_iam_policy_document.trust["scheduler"].json
}

resource "aws_iam_role_policy" "schedule" {
  name   = "fleet"
  role   = aws_iam_role.schedule.name
  policy = data.aws_iam_policy_document.schedule.json
}

resource "aws_scheduler_schedule" "fleet" {
  name                = local.name
  schedule_expression = var.schedule

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.fleet.arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode(jsondecode(file("${path.module}/input.json"))) # without blanks: it may be 256 KiB
  }
}
