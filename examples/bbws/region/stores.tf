# The region's file system with a folder for each tenant, and what a database of the region stands on.

resource "aws_kms_key" "database" {
  description         = "${var.name} database"
  enable_key_rotation = true
}

resource "aws_db_subnet_group" "this" {
  name       = "${var.name}-db-subnet-group"
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-mysql-params"
  family = "mysql8.0"
}

resource "aws_efs_file_system" "this" {
  encrypted = true
  tags      = { Name = "${var.name}-efs", Backup = "Required" }
}

resource "aws_efs_mount_target" "this" {
  count = 2

  file_system_id  = aws_efs_file_system.this.id
  subnet_id       = aws_subnet.private[count.index].id
  security_groups = [aws_security_group.store["files"].id]
}

resource "aws_efs_access_point" "this" {
  for_each = var.hosts

  file_system_id = aws_efs_file_system.this.id
  tags           = { Name = "${var.name}-${each.key}-ap" }

  posix_user {
    uid = 33
    gid = 33
  }

  root_directory {
    path = "/${each.key}"

    creation_info {
      owner_uid   = 33
      owner_gid   = 33
      permissions = "0755"
    }
  }
}

resource "aws_security_group" "store" {
  for_each = { database = 3306, files = 2049 }

  name_prefix = "${var.name}-${each.key}-"
  vpc_id      = aws_vpc.this.id

  ingress {
    from_port       = each.value
    to_port         = each.value
    protocol        = "tcp"
    security_groups = [aws_security_group.tasks.id]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_backup_vault" "this" {
  name = "${var.name}-backup-vault"
}

output "database" {
  value = {
    key             = aws_kms_key.database.arn
    subnet_group    = aws_db_subnet_group.this.name
    parameter_group = aws_db_parameter_group.this.name
    access          = aws_security_group.store["database"].id
  }
}

output "files" {
  value = aws_efs_file_system.this.id
}

output "repository" {
  value = aws_ecr_repository.this.name
}

output "vault" {
  value = aws_backup_vault.this.arn
}
