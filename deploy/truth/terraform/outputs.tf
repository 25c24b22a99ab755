output "backup_role" {
  value = aws_iam_role.backup.arn
}

output "primary_key" {
  value = module.primary.key
}

output "dr_key" {
  value = module.dr.key
}

output "primary_vault" {
  value = module.primary.vault
}

output "dr_vault" {
  value = module.dr.vault
}

output "primary_subnet_group" {
  value = module.primary.subnet_group
}

output "dr_subnet_group" {
  value = module.dr.subnet_group
}
