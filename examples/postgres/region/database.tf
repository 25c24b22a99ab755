# What a database of this region stands on.

resource "aws_kms_key" "this" {
  description         = "${var.name} database"
  enable_key_rotation = true
}

resource "aws_db_subnet_group" "this" {
  name_prefix = "${var.name}-"
  subnet_ids  = aws_subnet.private[*].id
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = "postgres16"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "database" {
  name_prefix = "${var.name}-database-"
  vpc_id      = aws_vpc.this.id

  ingress {
    from_port       = 5432
    to_port         = 5432
    protocol        = "tcp"
    security_groups = [aws_security_group.tasks.id]
  }

  lifecycle {
    create_before_destroy = true
  }
}

output "key" {
  value = aws_kms_key.this.arn
}

output "subnet_group" {
  value = aws_db_subnet_group.this.name
}

output "parameter_group" {
  value = aws_db_parameter_group.this.name
}

output "database_access" {
  value = aws_security_group.database.id
}
