terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

# The control stack lives in the DR region: it must be there when the primary region is not.
provider "aws" {
  region              = var.dr_region
  allowed_account_ids = [var.account]

  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias               = "primary"
  region              = var.primary_region
  allowed_account_ids = [var.account]

  default_tags {
    tags = local.tags
  }
}
