# One PostgreSQL database for all services. Its replica in the other region has a name, a key and groups of its own.

resource "aws_db_instance" "this" {
  identifier     = local.name
  engine         = "postgres"
  engine_version = "16.4"
  instance_class = "db.r6g.large"

  allocated_storage = 100
  storage_type      = "gp2"
  storage_encrypted = true
  kms_key_id        = module.primary.key

  name                                = local.name # from provider 5 on: db_name
  username                            = local.name
  password                            = var.password
  iam_database_authentication_enabled = true

  multi_az               = true
  db_subnet_group_name   = module.primary.subnet_group
  parameter_group_name   = module.primary.parameter_group
  vpc_security_group_ids = [module.primary.database_access]

  backup_retention_period    = 7
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = false
  deletion_protection        = true
  skip_final_snapshot        = true
}

resource "aws_db_instance" "replica" {
  provider = aws.dr

  identifier          = "${local.name}-standby"
  replicate_source_db = aws_db_instance.this.arn
  instance_class      = "db.r6g.large"

  storage_type      = "gp2"
  storage_encrypted = true
  kms_key_id        = module.dr.key

  iam_database_authentication_enabled = true

  multi_az               = true
  db_subnet_group_name   = module.dr.subnet_group
  parameter_group_name   = module.dr.parameter_group
  vpc_security_group_ids = [module.dr.database_access]

  backup_retention_period    = 7
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = false
  deletion_protection        = true
  skip_final_snapshot        = true
}

# The services sign in by their role: this password is the owner's alone.
variable "password" {
  type      = string
  sensitive = true
  default   = "not-a-real-one"
}
