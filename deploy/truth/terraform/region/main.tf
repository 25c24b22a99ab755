# One region: a network without a way out, a key, a vault.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "name" {
  type = string
}

data "aws_availability_zones" "these" {
  state = "available"
}

resource "aws_vpc" "this" {
  cidr_block = "10.77.0.0/24"
}

resource "aws_subnet" "this" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 2, count.index)
  availability_zone = data.aws_availability_zones.these.names[count.index]
}

resource "aws_db_subnet_group" "this" {
  name       = "${var.name}-subnets"
  subnet_ids = aws_subnet.this[*].id
}

resource "aws_kms_key" "this" {
  description             = var.name
  deletion_window_in_days = 7
}

resource "aws_backup_vault" "this" {
  name        = "${var.name}-vault"
  kms_key_arn = aws_kms_key.this.arn
}

output "key" {
  value = aws_kms_key.this.arn
}

output "vault" {
  value = aws_backup_vault.this.name
}

output "subnet_group" {
  value = aws_db_subnet_group.this.name
}
