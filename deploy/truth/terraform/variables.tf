variable "run" {
  description = "The run's id: in every name, and the value of the tag dr-truth."
  type        = string
}

variable "primary" {
  description = "The region that is lost."
  type        = string
}

variable "dr" {
  description = "The region that recovers."
  type        = string
}

variable "endpoint_url" {
  description = "A sandbox in the place of AWS."
  type        = string
  default     = ""
}
