variable "environment" {
  description = "Name of the environment file."
  type        = string
}

variable "account" {
  description = "The environment's account: Terraform refuses credentials of any other."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "The account must be 12 digits, in quotes."
  }
}

variable "primary_region" {
  description = "The region that serves normally."
  type        = string
}

variable "dr_region" {
  description = "The region that takes over."
  type        = string
}

variable "evidence_key" {
  description = "Alias of the key that signs evidence packs"
  type        = string
}

variable "anchor_log" {
  description = "Name of the log group that holds the heads of the incident logs."
  type        = string
}

variable "control_table" {
  description = "Name of the table of locks, approvals and the incident log."
  type        = string
}

variable "topics" {
  description = "Names of the SNS topics, made in both regions."
  type        = list(string)
}

variable "roles" {
  description = "Names of the reader, operator, approver and drill roles, and of their policies in ../policies."
  type = map(object({
    name     = string
    policies = list(string)
  }))
}

variable "attach_home" {
  description = "Whether a failback may run now, and write in the primary region: of the operator, or where AWS starts runs of the recovery and break-glass roles."
  type        = bool
  default     = false
}

variable "required_people" {
  description = "How many people a plan needs. No environment file lets fewer run one."
  type        = number
}

variable "people" {
  description = "ARNs of the IAM users who may take a role: the keys are reader, operator, approver and drill."
  type        = map(list(string))
  default     = {}
}

variable "permission_sets" {
  description = "Names of the IAM Identity Center permission sets whose users may take a role."
  type        = map(list(string))
  default     = {}
}

variable "session_hours" {
  description = "How long a session of the operator or approver may last: a recovery's hours, and no more."
  type        = number
  default     = 4

  validation {
    condition     = var.session_hours >= 1 && var.session_hours <= 12
    error_message = "IAM allows sessions of 1 to 12 hours."
  }
}

variable "drills" {
  description = "Whether a full drill is allowed here (approvals.full_drill): then CI has a role for it."
  type        = bool
}

variable "github_repository" {
  description = "OWNER/NAME of the repository whose workflows run the scheduled tests; empty for none."
  type        = string
  default     = ""
}

variable "fleet_role" {
  description = "ARN of the role by which a fleet's state machine looks (look_role of deploy/fleet); empty for none."
  type        = string
  default     = ""
}

variable "evidence_bucket" {
  description = "Name of the locked bucket of cloudformation/evidence-bucket.yaml; empty for none."
  type        = string
  default     = ""
}
