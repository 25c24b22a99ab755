# The weekly start test: EventBridge Scheduler runs the tool in the DR region with the policies of the drill role. It
# starts a task of each tenant there, and leaves its record in the control table. Made where start_test_image is given.
variable "start_test" {
  description = "Names, command and policies of the start test's task; null where nothing is replicated."
  type = object({
    name      = string
    cluster   = string
    command   = list(string)
    container = string
    cpu       = number
    memory    = number
    stop_s    = number
    writable  = map(string)
    policies  = list(string)
    cron      = string
    timezone  = string
  })
  default = null
}

variable "start_test_image" {
  description = "The tool's image in the DR region, by its digest; empty for no start test by AWS."
  type        = string
  default     = ""
}

variable "start_test_network" {
  description = "Subnets and security groups of the platform's services in the DR region: what a tenant's task has."
  type = object({
    subnets         = list(string)
    security_groups = list(string)
  })
  default = { subnets = [], security_groups = [] }
}

locals {
  start_tests = var.start_test_image != "" && var.start_test != null ? { it = var.start_test } : {}
  start_test_held = merge([
    for test in local.start_tests : {
      for policy in test.policies : policy => policy
      if var.drills || !startswith(policy, "${var.environment}-dr-operator-home")
    }
  ]...)
}

data "aws_iam_policy_document" "start_test_trust" {
  for_each = length(local.start_tests) > 0 ? {
    test     = { service = "ecs-tasks.amazonaws.com", source = "ecs:${var.dr_region}:${var.account}:*" }
    schedule = { service = "scheduler.amazonaws.com", source = "scheduler:${var.dr_region}:${var.account}:schedule-group/default" }
  } : {}

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.value.service]
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
      values   = ["arn:aws:${each.value.source}"]
    }
  }
}

resource "aws_iam_role" "start_test" {
  for_each             = local.start_tests
  name                 = each.value.name
  max_session_duration = 3600
  assume_role_policy   = data.aws_iam_policy_document.start_test_trust["test"].json
}

resource "aws_iam_role_policy_attachment" "start_test" {
  for_each   = local.start_test_held
  role       = aws_iam_role.start_test["it"].name
  policy_arn = aws_iam_policy.dr[each.value].arn
}

resource "aws_iam_role" "start_test_execution" {
  for_each           = local.start_tests
  name               = "${each.value.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.start_test_trust["test"].json
}

resource "aws_iam_role_policy_attachment" "start_test_execution" {
  for_each   = local.start_tests
  role       = aws_iam_role.start_test_execution[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

# It runs that one task in that one cluster, and hands over its two roles.
data "aws_iam_policy_document" "start_test_schedule" {
  for_each = local.start_tests

  statement {
    actions   = ["ecs:RunTask"]
    resources = [aws_ecs_task_definition.start_test[each.key].arn_without_revision, "${aws_ecs_task_definition.start_test[each.key].arn_without_revision}:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [each.value.cluster]
    }
  }

  statement {
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.start_test[each.key].arn, aws_iam_role.start_test_execution[each.key].arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "start_test_schedule" {
  for_each           = local.start_tests
  name               = "${each.value.name}-schedule"
  assume_role_policy = data.aws_iam_policy_document.start_test_trust["schedule"].json
}

resource "aws_iam_role_policy" "start_test_schedule" {
  for_each = local.start_tests
  name     = "run"
  role     = aws_iam_role.start_test_schedule[each.key].name
  policy   = data.aws_iam_policy_document.start_test_schedule[each.key].json
}

resource "aws_cloudwatch_log_group" "start_test" {
  for_each          = local.start_tests
  name              = "/ecs/${each.value.name}"
  retention_in_days = 365
}

resource "aws_ecs_task_definition" "start_test" {
  for_each                 = local.start_tests
  family                   = each.value.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  task_role_arn            = aws_iam_role.start_test[each.key].arn
  execution_role_arn       = aws_iam_role.start_test_execution[each.key].arn
  container_definitions = jsonencode([{
    name                   = each.value.container
    image                  = var.start_test_image
    command                = each.value.command
    essential              = true
    readonlyRootFilesystem = true
    mountPoints            = [for name, path in each.value.writable : { sourceVolume = name, containerPath = path }]
    linuxParameters        = { initProcessEnabled = true }
    stopTimeout            = each.value.stop_s
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.start_test[each.key].name
        awslogs-region        = var.dr_region
        awslogs-stream-prefix = each.value.container
      }
    }
  }])

  dynamic "volume" {
    for_each = each.value.writable
    content {
      name = volume.key
    }
  }

  lifecycle {
    precondition {
      condition     = can(regex("@sha256:[0-9a-f]{64}$", var.start_test_image))
      error_message = "Name the image by its digest (REPOSITORY@sha256:...): a tag can be moved onto another one."
    }
  }
}

resource "aws_scheduler_schedule" "start_test" {
  for_each                     = local.start_tests
  name                         = each.value.name
  schedule_expression          = each.value.cron
  schedule_expression_timezone = each.value.timezone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = each.value.cluster
    role_arn = aws_iam_role.start_test_schedule[each.key].arn

    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.start_test[each.key].arn
      launch_type         = "FARGATE"
      task_count          = 1

      network_configuration {
        subnets         = var.start_test_network.subnets
        security_groups = var.start_test_network.security_groups
      }
    }

    retry_policy {
      maximum_retry_attempts       = 2
      maximum_event_age_in_seconds = 3600
    }
  }

  lifecycle {
    precondition {
      condition     = length(var.start_test_network.subnets) > 0 && length(var.start_test_network.security_groups) > 0
      error_message = "Give start_test_network: the subnets and security groups of the platform's services there."
    }
  }
}
