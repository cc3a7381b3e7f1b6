locals {
  here    = "http.host eq \"${var.hostname}\""
  methods = "\"GET\" \"HEAD\" \"POST\" \"PUT\" \"PATCH\" \"DELETE\" \"OPTIONS\""
  hashing = "\"/v1/accounts\" \"/v1/sessions\" \"/v1/passwords/reset\" \"/v1/me/password\""

  operators = join(" ", var.operator_addresses)
  strangers = local.operators == "" ? [] : ["not ip.src in {${local.operators}}"]
}

# The host name. Its DNS record and its certificate come with it.
resource "cloudflare_workers_custom_domain" "platform" {
  account_id = var.account_id
  zone_id    = var.zone_id
  hostname   = var.hostname
  service    = var.worker
}

# What never reaches the Worker. Nobody is challenged: programs cannot solve that.
resource "cloudflare_ruleset" "firewall" {
  zone_id = var.zone_id
  name    = "EcomAuction firewall"
  kind    = "zone"
  phase   = "http_request_firewall_custom"

  rules = [
    {
      ref         = "operators"
      description = "Queues and ticks are for operators"
      expression = join(" and ", concat(
        [local.here, "starts_with(http.request.uri.path, \"/_edge/\")"],
        local.strangers,
      ))
      action = "block"
    },
    {
      ref         = "development"
      description = "What exists for trying things out, should it ever be switched on"
      expression  = "${local.here} and starts_with(http.request.uri.path, \"/_dev/\")"
      action      = "block"
    },
    {
      ref         = "methods"
      description = "Methods that nothing serves"
      expression  = "${local.here} and not http.request.method in {${local.methods}}"
      action      = "block"
    },
  ]
}

# A password costs a tenth of a second of CPU. The platform counts too, but only what has reached
# it. The free plan knows one such rule: the path alone, no host and no method, for ten seconds.
resource "cloudflare_ruleset" "rates" {
  zone_id = var.zone_id
  name    = "EcomAuction rates"
  kind    = "zone"
  phase   = "http_ratelimit"

  rules = [{
    ref         = "passwords"
    description = "Passwords, by address"
    expression  = "http.request.uri.path in {${local.hashing}}"
    action      = "block"
    ratelimit = {
      characteristics     = ["cf.colo.id", "ip.src"]
      requests_per_period = var.passwords_per_10_seconds
      period              = 10
      mitigation_timeout  = 10
    }
  }]
}

# The check of browsers refuses what does not look like one. An API's clients do not.
resource "cloudflare_ruleset" "settings" {
  zone_id = var.zone_id
  name    = "EcomAuction settings"
  kind    = "zone"
  phase   = "http_config_settings"

  rules = [{
    ref               = "programs"
    description       = "Programs are welcome"
    expression        = local.here
    action            = "set_config"
    action_parameters = { bic = false }
  }]
}

# These three hold for the whole zone.
resource "cloudflare_zone_setting" "https" {
  for_each = { always_use_https = "on", min_tls_version = "1.2" }

  zone_id    = var.zone_id
  setting_id = each.key
  value      = each.value
}

resource "cloudflare_zone_setting" "hsts" {
  zone_id    = var.zone_id
  setting_id = "security_header"
  value = {
    strict_transport_security = {
      enabled            = var.hsts_max_age_seconds > 0
      max_age            = var.hsts_max_age_seconds
      include_subdomains = false
      preload            = false
      nosniff            = true
    }
  }
}

# The platform writes nothing there. It is a place for archives; none is ever deleted.
resource "cloudflare_r2_bucket" "archive" {
  count      = var.archive_bucket == "" ? 0 : 1
  account_id = var.account_id
  name       = var.archive_bucket
}

resource "cloudflare_r2_bucket_lifecycle" "archive" {
  count       = var.archive_bucket == "" ? 0 : 1
  account_id  = var.account_id
  bucket_name = cloudflare_r2_bucket.archive[0].name

  rules = [{
    id         = "seldom-read"
    enabled    = true
    conditions = { prefix = "" }
    storage_class_transitions = [{
      condition     = { type = "Age", max_age = 30 * 24 * 60 * 60 }
      storage_class = "InfrequentAccess"
    }]
  }]
}
