# Anchors of the control table that AWS writes (names.stream_bucket): the same stack as with CloudFormation, so that the
# function's source is packed by AWS, and is the one that the tests play.
variable "stream" {
  description = "Names of the bucket, the function and the folder of anchors that AWS writes; null for none."
  type = object({
    bucket   = string
    function = string
    folder   = string
  })
  default = null
}

variable "stream_retention_years" {
  description = "How long nobody deletes an anchor, root neither."
  type        = number
  default     = 1
}

resource "aws_cloudformation_stack" "stream_anchors" {
  for_each      = var.stream == null ? {} : { it = var.stream }
  name          = "${var.environment}-dr-stream-anchors"
  capabilities  = ["CAPABILITY_NAMED_IAM"]
  template_body = file("${path.module}/../cloudformation/stream-anchors.json")

  parameters = {
    StreamArn      = aws_dynamodb_table.control.stream_arn
    StreamBucket   = each.value.bucket
    StreamFunction = each.value.function
    StreamFolder   = each.value.folder
    RetentionYears = var.stream_retention_years
  }

  lifecycle {
    prevent_destroy = true
  }
}
