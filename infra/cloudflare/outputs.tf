output "public_base_url" {
  description = "For the Worker's variable of that name."
  value       = "https://${cloudflare_workers_custom_domain.platform.hostname}"
}
