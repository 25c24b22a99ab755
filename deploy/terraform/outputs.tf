output "control_table" {
  description = "ARN of the control table."
  value       = aws_dynamodb_table.control.arn
}

output "roles" {
  description = "ARNs of the four roles: what operators, approvers and those who hold drills assume."
  value       = { for role, made in aws_iam_role.dr : role => made.arn }
}

output "topics" {
  description = "ARNs of the topics, the DR region's first."
  value       = concat([for topic in aws_sns_topic.dr : topic.arn], [for topic in aws_sns_topic.primary : topic.arn])
}
