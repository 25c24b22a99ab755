# The readiness of all environments from one account: a state machine that runs the tool's image for each environment
# (Distributed Map), and merges the runs. Nothing here writes into an estate: a look takes the reader's role.
# The JSON files and aws-profiles.ini are generated; docs/scale.md says when this is the way.
terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "account" {
  description = "The account that looks: Terraform refuses credentials of any other."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "The account must be 12 digits, in quotes."
  }
}

variable "region" {
  description = "Where the tasks run: a region that no environment has as its primary one."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket of runs and pages."
  type        = string
}

variable "image" {
  description = "The tool's image (deploy/Dockerfile), by its digest. It holds the environment files and aws-profiles.ini."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest (REPOSITORY@sha256:...): a tag can be moved onto another one."
  }
}

variable "cli_image" {
  description = "The AWS CLI's image (public.ecr.aws/aws-cli/aws-cli), by its digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.cli_image))
    error_message = "Name the image by its digest (REPOSITORY@sha256:...): a tag can be moved onto another one."
  }
}

variable "subnets" {
  description = "Private subnets with a way to AWS's APIs and to the tenants' sites."
  type        = list(string)
}

variable "security_groups" {
  description = "Groups of the tasks: no way in, HTTPS and DNS out."
  type        = list(string)
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = { Project = "disaster-recovery", ManagedBy = "terraform" }
  }
}

locals {
  name    = "dr-fleet"
  machine = "arn:aws:states:${var.region}:${var.account}:stateMachine:${local.name}"
  values = {
    account         = var.account
    bucket          = var.bucket
    cluster         = aws_ecs_cluster.fleet.arn
    execution_role  = aws_iam_role.task["execution"].arn
    executions      = "arn:aws:states:${var.region}:${var.account}:execution:${local.name}"
    look_role       = aws_iam_role.task["look"].arn
    look_task       = aws_ecs_task_definition.fleet["look"].arn
    machine         = local.machine
    merge_role      = aws_iam_role.task["merge"].arn
    merge_task      = aws_ecs_task_definition.fleet["merge"].arn
    region          = var.region
    security_groups = join(",", var.security_groups)
    subnets         = join(",", var.subnets)
  }
  writable = { state = "/var/lib/dr", tmp = "/tmp" } # where the image writes, beside what it shares
  containers = {
    look = [
      { name = "look", tool = true, after = null, mounts = merge(local.writable, { out = "/out" }) },
      { name = "keep", tool = false, after = "look", mounts = { out = "/out" } },
    ]
    merge = [
      { name = "fetch", tool = false, after = null, mounts = { runs = "/runs" } },
      { name = "merge", tool = true, after = "fetch", mounts = merge(local.writable, { runs = "/runs", out = "/out" }) },
      { name = "keep", tool = false, after = "merge", mounts = { out = "/out" } },
    ]
  }
}

resource "aws_ecs_cluster" "fleet" {
  name = local.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "fleet" {
  name              = "/ecs/${local.name}"
  retention_in_days = 365
}

data "aws_iam_policy_document" "trust" {
  # What each sends as aws:SourceArn. Scheduler sends the group, never the schedule: a condition on the schedule keeps it
  # from starting (EventBridge Scheduler User Guide, "Confused deputy prevention").
  for_each = {
    ecs-tasks = ["arn:aws:ecs:${var.region}:${var.account}:*"]
    states    = [local.machine, "${local.machine}/*"] # its map's children run as MACHINE/LABEL
    scheduler = ["arn:aws:scheduler:${var.region}:${var.account}:schedule-group/default"]
  }

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }

    # No service may take the role for another account (IAM guide, the confused deputy problem).
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = each.value
    }
  }
}

resource "aws_iam_role" "task" {
  for_each           = toset(["look", "merge", "execution"])
  name               = "${local.name}-${each.value}"
  assume_role_policy = data.aws_iam_policy_document.trust["ecs-tasks"].json
}

resource "aws_iam_role_policy" "task" {
  for_each = toset(["look", "merge"])
  name     = "fleet"
  role     = aws_iam_role.task[each.value].name
  policy   = templatefile("${path.module}/policy-${each.value}.json", { bucket = var.bucket })
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.task["execution"].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

# The tool first, then what copies its files into the bucket: the essential container is the last one.
# COMPLETE, not SUCCESS: what the tool found is kept where its exit code is not 0 (API_ContainerDependency).
resource "aws_ecs_task_definition" "fleet" {
  for_each                 = local.containers
  family                   = "${local.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024
  memory                   = 2048
  task_role_arn            = aws_iam_role.task[each.key].arn
  execution_role_arn       = aws_iam_role.task["execution"].arn
  container_definitions = jsonencode([
    for container in each.value : {
      name                   = container.name
      image                  = container.tool ? var.image : var.cli_image
      essential              = container.name == "keep"
      dependsOn              = container.after == null ? [] : [{ containerName = container.after, condition = "COMPLETE" }]
      environment            = container.tool ? [{ name = "AWS_CONFIG_FILE", value = "/etc/dr/aws-profiles.ini" }] : []
      mountPoints            = [for volume, path in container.mounts : { sourceVolume = volume, containerPath = path }]
      linuxParameters        = { initProcessEnabled = true }
      readonlyRootFilesystem = container.tool
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.fleet.name
          awslogs-region        = var.region
          awslogs-stream-prefix = each.key
        }
      }
    }
  ])

  dynamic "volume" {
    for_each = toset(flatten([for container in each.value : keys(container.mounts)]))
    content {
      name = volume.value
    }
  }
}

resource "aws_iam_role" "machine" {
  name               = "${local.name}-machine"
  assume_role_policy = data.aws_iam_policy_document.trust["states"].json
}

resource "aws_iam_role_policy" "machine" {
  name   = "fleet"
  role   = aws_iam_role.machine.name
  policy = templatefile("${path.module}/policy-machine.json", local.values)
}

resource "aws_sfn_state_machine" "fleet" {
  name       = local.name
  role_arn   = aws_iam_role.machine.arn
  definition = templatefile("${path.module}/states.json", local.values)
  depends_on = [aws_iam_role_policy.machine]
}

output "look_role" {
  description = "ARN of the role that each account's reader must trust (fleet_role of deploy/terraform)."
  value       = aws_iam_role.task["look"].arn
}
