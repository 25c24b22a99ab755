variable "sandbox" {
  description = "The URL that `sandbox show` prints."
  type        = string
}
