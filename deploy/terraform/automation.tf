# What lets AWS start the runs of an environment of two people (automation.enabled), and hold full drills: a document that asks an approver,
# the task that it starts then, and their roles. Who may start the document may not approve it, and nobody has the
# recovery's rights for good. The image is made from the Dockerfile and kept in the DR region, named by its digest.
variable "automation" {
  description = "Names of the document, the task and the roles, and their policies in ../policies; null where AWS starts nothing."
  type = object({
    enabled         = bool
    drills          = bool
    document        = string
    family          = string
    container       = string
    cpu             = number
    memory          = number
    stop_s          = number
    writable        = map(string)
    break_glass_tag = string
    roles           = map(string)
    policies        = map(list(string))
    dry_start       = map(string)
  })
  default = null
}

variable "recovery_image" {
  description = "The tool's image in the DR region, by its digest: needed where automation is enabled, or AWS is to hold full drills."
  type        = string
  default     = ""
}

locals {
  # Full drills are AWS's to hold as soon as there is an image for it; recoveries once the environment file says so.
  by_aws              = try(var.automation.enabled, false) || (try(var.automation.drills, false) && var.recovery_image != "")
  automated           = local.by_aws ? { it = var.automation } : {}
  automation_policies = toset(flatten(values(try(var.automation.policies, {}))))
  automation_attached = merge([
    for stack in local.automated : merge([
      for role in keys(stack.roles) : {
        for policy in stack.policies[role] : "${role}/${policy}" => { role = role, policy = policy }
        if var.attach_home || stack.drills || !startswith(policy, "${var.environment}-dr-operator-home")
      }
    ]...)
  ]...)
}

data "aws_iam_policy_document" "automation_trust" {
  for_each = length(local.automated) == 0 ? {} : {
    recovery   = { service = "ecs-tasks.amazonaws.com", source = "ecs:${var.dr_region}:${var.account}:*" }
    automation = { service = "ssm.amazonaws.com", source = "ssm:${var.dr_region}:${var.account}:automation-execution/*" }
  }

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.value.service]
    }

    # For this account's own work alone (cross-service confused deputy prevention).
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:${each.value.source}"]
    }
  }
}

# An operator, with MFA and under the own name, while an approver's tag on the role names them; never an approver.
data "aws_iam_policy_document" "break_glass_trust" {
  for_each = local.automated

  dynamic "statement" {
    for_each = length(lookup(var.people, "operator", [])) > 0 ? [1] : []
    content {
      sid     = "UsersUnderTheirOwnName"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = var.people["operator"]
      }

      condition {
        test     = "Bool"
        variable = "aws:MultiFactorAuthPresent"
        values   = ["true"]
      }

      condition {
        test     = "StringEquals"
        variable = "sts:RoleSessionName"
        values   = ["$${aws:username}"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:ResourceTag/${each.value.break_glass_tag}"
        values   = ["$${aws:username}"]
      }
    }
  }

  # A principal has no wildcards, and a user of Identity Center no aws:username: aws:userid ends in the user's name there.
  dynamic "statement" {
    for_each = length(local.sets_arns["operator"]) > 0 ? [1] : []
    content {
      sid     = "SsoUsersUnderTheirOwnName"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = ["arn:aws:iam::${var.account}:root"]
      }

      condition {
        test     = "ArnLike"
        variable = "aws:PrincipalArn"
        values   = local.sets_arns["operator"]
      }

      condition {
        test     = "StringLike"
        variable = "aws:userid"
        values   = ["*:$${sts:RoleSessionName}"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:ResourceTag/${each.value.break_glass_tag}"
        values   = ["$${sts:RoleSessionName}"]
      }
    }
  }

  statement {
    sid     = "NotTheOtherRole"
    effect  = "Deny"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:PrincipalArn"
      values   = local.approvers
    }
  }
}

resource "aws_iam_role" "automation" {
  for_each             = length(local.automated) > 0 ? var.automation.roles : {}
  name                 = each.value
  max_session_duration = 3600
  assume_role_policy = (
    each.key == "break-glass"
    ? data.aws_iam_policy_document.break_glass_trust["it"].json
    : data.aws_iam_policy_document.automation_trust[each.key].json
  )

  # An approver opens it by a tag, which is not Terraform's to take away.
  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_iam_role_policy_attachment" "automation" {
  for_each   = local.automation_attached
  role       = aws_iam_role.automation[each.value.role].name
  policy_arn = aws_iam_policy.dr[each.value.policy].arn
}

resource "aws_iam_role" "recovery_execution" {
  for_each           = local.automated
  name               = "${each.value.roles["recovery"]}-execution"
  assume_role_policy = data.aws_iam_policy_document.automation_trust["recovery"].json
}

resource "aws_iam_role_policy_attachment" "recovery_execution" {
  for_each   = local.automated
  role       = aws_iam_role.recovery_execution[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_cloudwatch_log_group" "recovery" {
  for_each          = local.automated
  name              = "/ecs/${each.value.family}"
  retention_in_days = 365
}

resource "aws_ecs_task_definition" "recovery" {
  for_each                 = local.automated
  family                   = each.value.family
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  task_role_arn            = aws_iam_role.automation["recovery"].arn
  execution_role_arn       = aws_iam_role.recovery_execution[each.key].arn
  container_definitions = jsonencode([{
    name      = each.value.container
    image     = var.recovery_image
    essential = true
    # It writes in its volumes alone. SIGTERM reaches the tool from its first instant on, and it ends the call under way.
    readonlyRootFilesystem = true
    mountPoints            = [for name, path in each.value.writable : { sourceVolume = name, containerPath = path }]
    linuxParameters        = { initProcessEnabled = true }
    stopTimeout            = each.value.stop_s
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.recovery[each.key].name
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
      condition     = can(regex("@sha256:[0-9a-f]{64}$", var.recovery_image))
      error_message = "Name the image by its digest (REPOSITORY@sha256:...): a tag can be moved onto another one."
    }
  }
}

resource "aws_ssm_document" "recovery" {
  for_each        = local.automated
  name            = each.value.document
  document_type   = "Automation"
  document_format = "JSON"
  content         = file("${path.module}/../automation/${var.environment}-document.json")
}
