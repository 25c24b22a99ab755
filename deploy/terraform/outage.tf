# Notifies the critical topic every ten minutes that nobody can write, without any run: a rule starts a state machine that
# reads the open incident and the lock in the control table. An environment without a second region, or without a
# critical topic, has none.
locals {
  outage_file = "${path.module}/../outage/${var.environment}-machine.json"
  outage      = fileexists(local.outage_file) ? { it = "${var.environment}-dr-outage" } : {}
}

data "aws_iam_policy_document" "outage_trust" {
  for_each = length(local.outage) == 0 ? {} : { states = "stateMachine:${local.outage.it}", events = "rule/${local.outage.it}" }

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account]
    }

    # The guides of Step Functions and EventBridge, confused deputy: they send the ARN of the machine, and of the rule.
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:${each.key}:${var.dr_region}:${var.account}:${each.value}"]
    }
  }
}

resource "aws_iam_role" "outage_machine" {
  for_each           = local.outage
  name               = each.value
  assume_role_policy = data.aws_iam_policy_document.outage_trust["states"].json
}

resource "aws_iam_role_policy" "outage_machine" {
  for_each = local.outage
  name     = "outage"
  role     = aws_iam_role.outage_machine[each.key].name
  policy   = file("${path.module}/../outage/${var.environment}-policy.json")
}

resource "aws_sfn_state_machine" "outage" {
  for_each   = local.outage
  name       = each.value
  role_arn   = aws_iam_role.outage_machine[each.key].arn
  definition = file(local.outage_file)
}

data "aws_iam_policy_document" "outage_rule" {
  for_each = local.outage

  statement {
    actions   = ["states:StartExecution"]
    resources = [aws_sfn_state_machine.outage[each.key].arn]
  }
}

resource "aws_iam_role" "outage_rule" {
  for_each           = local.outage
  name               = "${each.value}-rule"
  assume_role_policy = data.aws_iam_policy_document.outage_trust["events"].json
}

resource "aws_iam_role_policy" "outage_rule" {
  for_each = local.outage
  name     = "outage"
  role     = aws_iam_role.outage_rule[each.key].name
  policy   = data.aws_iam_policy_document.outage_rule[each.key].json
}

resource "aws_cloudwatch_event_rule" "outage" {
  for_each            = local.outage
  name                = each.value
  description         = "Every ten minutes: is there an outage in which nobody can write?"
  schedule_expression = "rate(10 minutes)"
}

resource "aws_cloudwatch_event_target" "outage" {
  for_each = local.outage
  rule     = aws_cloudwatch_event_rule.outage[each.key].name
  arn      = aws_sfn_state_machine.outage[each.key].arn
  role_arn = aws_iam_role.outage_rule[each.key].arn
}
