locals {
  # Nobody runs recoveries or drills and approves them: a trust policy denies whom the other one names.
  approvers = concat(lookup(var.people, "approver", []), local.sets_arns["approver"])
  others = {
    reader   = []
    operator = local.approvers
    drill    = local.approvers
    approver = concat(
      lookup(var.people, "operator", []), local.sets_arns["operator"],
      lookup(var.people, "drill", []), local.sets_arns["drill"]
    )
  }
  sets_arns = {
    for role in keys(var.roles) : role => [
      for name in lookup(var.permission_sets, role, []) :
      "arn:aws:iam::${var.account}:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_${name}_*"
    ]
  }
  policies = setunion(toset(flatten([for role in var.roles : role.policies])), local.automation_policies)
  attached = merge([
    for role, held in var.roles : {
      for policy in held.policies : "${role}/${policy}" => { role = role, policy = policy }
      if var.attach_home || (var.drills && role == "drill") || !startswith(policy, "${var.environment}-dr-operator-home")
    }
  ]...)
}

data "aws_iam_policy_document" "trust" {
  for_each = var.roles

  # IAM users: with MFA, and under their own name, so that the record tells who did what.
  dynamic "statement" {
    for_each = length(lookup(var.people, each.key, [])) > 0 ? [1] : []
    content {
      sid     = "UsersUnderTheirOwnName"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = lookup(var.people, each.key, [])
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
    }
  }

  # Users of IAM Identity Center, which asks for MFA itself; aws:userid ends in the user's name there.
  dynamic "statement" {
    for_each = length(local.sets_arns[each.key]) > 0 ? [1] : []
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
        values   = local.sets_arns[each.key]
      }

      condition {
        test     = "StringLike"
        variable = "aws:userid"
        values   = ["*:$${sts:RoleSessionName}"]
      }
    }
  }

  # The fleet's look (deploy/fleet), in whichever account it runs: it reads, and nothing else.
  dynamic "statement" {
    for_each = each.key == "reader" && var.fleet_role != "" ? [1] : []
    content {
      sid     = "FleetLooks"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = [var.fleet_role]
      }

      condition {
        test     = "StringEquals"
        variable = "sts:RoleSessionName"
        values   = ["dr-fleet"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(local.others[each.key]) > 0 ? [1] : []
    content {
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
        values   = local.others[each.key]
      }
    }
  }
}

resource "aws_iam_role" "dr" {
  for_each             = var.roles
  name                 = each.value.name
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = var.session_hours * 3600

  lifecycle {
    precondition {
      condition     = length(lookup(var.people, each.key, [])) + length(local.sets_arns[each.key]) > 0
      error_message = "Name in people or permission_sets who may be ${each.key}."
    }

    precondition {
      condition = length(setintersection(
        concat(lookup(var.people, "operator", []), lookup(var.people, "drill", [])), lookup(var.people, "approver", [])
      )) == 0
      error_message = "A person approves and runs recoveries or drills: two people must agree, so name each as one of them."
    }
  }
}

# IAM counts a policy's characters without white space.
resource "aws_iam_policy" "dr" {
  for_each = local.policies
  name     = each.value
  policy   = jsonencode(jsondecode(file("${path.module}/../policies/${each.value}.json")))
}

resource "aws_iam_role_policy_attachment" "dr" {
  for_each   = local.attached
  role       = aws_iam_role.dr[each.value.role].name
  policy_arn = aws_iam_policy.dr[each.value.policy].arn
}
