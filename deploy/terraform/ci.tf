# The roles of the scheduled tests (deploy/github): keys by OIDC, none stored. Made where github_repository is named.
locals {
  issuer = "token.actions.githubusercontent.com"
  ci_all = {
    ci       = { environment = var.environment, policies = var.roles["reader"].policies }
    ci-drill = { environment = "${var.environment}-drill", policies = var.roles["drill"].policies }
  }
  ci = {
    for role, held in local.ci_all : role => held
    if var.github_repository != "" && (role == "ci" || var.drills)
  }
  ci_attached = merge([
    for role, held in local.ci : { for policy in held.policies : "${role}/${policy}" => { role = role, policy = policy } }
  ]...)
}

# Only jobs of that GitHub environment of that repository: its protection rules say who reviews a drill.
data "aws_iam_policy_document" "ci_trust" {
  for_each = local.ci

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = ["arn:aws:iam::${var.account}:oidc-provider/${local.issuer}"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["repo:${var.github_repository}:environment:${each.value.environment}"]
    }
  }
}

resource "aws_iam_role" "ci" {
  for_each             = local.ci
  name                 = "${var.environment}-dr-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.ci_trust[each.key].json
  max_session_duration = var.session_hours * 3600
}

resource "aws_iam_role_policy_attachment" "ci" {
  for_each   = local.ci_attached
  role       = aws_iam_role.ci[each.value.role].name
  policy_arn = aws_iam_policy.dr[each.value.policy].arn
}

# A test that only looks leaves its record, of the kinds that CI runs, and writes nothing else into the control table.
data "aws_iam_policy_document" "history" {
  statement {
    actions   = ["dynamodb:PutItem"]
    resources = [aws_dynamodb_table.control.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["HISTORY#tabletop", "HISTORY#test-dns", "HISTORY#test-infra"]
    }

    condition {
      test     = "Null"
      variable = "dynamodb:LeadingKeys"
      values   = ["false"]
    }
  }
}

resource "aws_iam_role_policy" "history" {
  for_each = local.ci
  name     = "record-runs"
  role     = aws_iam_role.ci[each.key].name
  policy   = data.aws_iam_policy_document.history.json
}

# The daily readiness keeps what it saw where nobody, this role neither, can take it away for a year (Object Lock).
data "aws_iam_policy_document" "evidence" {
  count = var.evidence_bucket == "" ? 0 : 1

  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::${var.evidence_bucket}/${var.environment}/*"]
  }
}

resource "aws_iam_role_policy" "evidence" {
  count  = var.evidence_bucket == "" || var.github_repository == "" ? 0 : 1
  name   = "keep-evidence"
  role   = aws_iam_role.ci["ci"].name
  policy = data.aws_iam_policy_document.evidence[0].json
}
