terraform {
  required_version = ">= 1.5"

  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.22"
    }
  }
}

# The token comes by the environment: CLOUDFLARE_API_TOKEN.
provider "cloudflare" {}
