//! Providers, as the deployer set them up.

use ports::Ports;
use web::{Exchange, Problem};

/// A provider that is set up.
pub(super) struct Provider {
    /// The name in paths and variables.
    pub(super) name: &'static str,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) authorization_url: String,
    pub(super) token_url: String,
    pub(super) kind: Kind,
}

/// How it says who somebody is.
pub(super) enum Kind {
    /// In an ID token (OIDC) of that issuer.
    Oidc {
        /// `iss` of its tokens.
        issuer: String,
    },
    /// Under an address that the access token opens.
    Profile {
        /// That address.
        profile_url: String,
    },
}

impl Provider {
    /// The provider that the path names; 404 for one that is not known or not set up.
    pub(super) fn named<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Self, Problem> {
        let name = match exchange.parameter("provider") {
            "google" => "google",
            "facebook" => "facebook",
            _ => return Err(Problem::not_found()),
        };
        Self::read(ports, name).ok_or_else(Problem::not_found)
    }

    fn read<P: Ports>(ports: &P, name: &'static str) -> Option<Self> {
        let variable = |what: &str| {
            ports.variable(&format!("{name}_{what}")).filter(|value| !value.is_empty())
        };
        let kind = if name == "google" {
            Kind::Oidc { issuer: variable("issuer")? }
        } else {
            Kind::Profile { profile_url: variable("profile_url")? }
        };
        Some(Self {
            name,
            client_id: variable("client_id")?,
            client_secret: variable("client_secret")?,
            authorization_url: variable("authorization_url")?,
            token_url: variable("token_url")?,
            kind,
        })
    }

    /// What we ask to know.
    pub(super) const fn scope(&self) -> &'static str {
        match self.kind {
            Kind::Oidc { .. } => "openid email profile",
            Kind::Profile { .. } => "email public_profile",
        }
    }

    /// Where the provider sends browsers back to: exactly what is registered there.
    pub(super) fn redirect_uri(&self, base_url: &str) -> String {
        format!("{base_url}/v1/oauth/{}/callback", self.name)
    }
}
