variable "account_id" {
  description = "The account that the Worker belongs to."
  type        = string
}

variable "zone_id" {
  description = "The zone of the host name, active on Cloudflare."
  type        = string
}

variable "hostname" {
  description = "Where people find the platform, for example auctions.example.com."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.hostname))
    error_message = "A host name alone, in lower case: no scheme, port or path."
  }
}

variable "worker" {
  description = "The name of the deployed Worker."
  type        = string
  default     = "ecomauction-production"
}

variable "operator_addresses" {
  description = "Addresses and networks that may call /_edge/. Without any nobody may."
  type        = list(string)
  default     = []
}

variable "passwords_per_10_seconds" {
  description = "Requests of one address to the paths that cost a password's hash."
  type        = number
  default     = 20
}

variable "hsts_max_age_seconds" {
  description = "How long browsers remember that the zone speaks TLS alone; 0 switches it off."
  type        = number
  default     = 86400
}

variable "archive_bucket" {
  description = "The name of a bucket for archives. Without a name there is none."
  type        = string
  default     = ""
}
