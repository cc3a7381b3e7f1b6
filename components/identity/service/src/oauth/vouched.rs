//! What a provider says of who came back: the code is exchanged, the answer checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ports::{HttpRequest, HttpResponse, Outbound, Ports};
use serde::Deserialize;

use super::provider::{Kind, Provider};
use crate::{email, secrets, tokens, wishes};

/// Somebody, in the words of a provider.
pub(super) struct Vouched {
    /// Its id there.
    pub(super) subject: String,
    /// Normalised.
    pub(super) email: String,
    /// The provider made sure that the address is read by this person.
    pub(super) is_verified: bool,
    pub(super) display_name: String,
}

/// Why there is nobody; the words stand in `error=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The person, or the provider for it, said no.
    AccessDenied,
    /// The provider does not answer.
    ProviderUnavailable,
    /// The provider refused the code, or what it says does not hold.
    ProviderRefused,
    /// There is no address that the provider made sure of.
    MailNotVerified,
}

impl Refusal {
    /// The word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderRefused => "provider_refused",
            Self::MailNotVerified => "mail_not_verified",
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    id_token: Option<String>,
}

/// Claims of an ID token (OIDC Core §2).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: Yes,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Some providers write it as a text.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Yes {
    #[default]
    No,
    Flag(bool),
    Text(String),
}

#[derive(Deserialize)]
struct Profile {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

/// Exchanges the code of a way.
pub(super) async fn exchange<P: Ports>(
    ports: &P,
    provider: &Provider,
    base_url: &str,
    state: &str,
    code: &str,
) -> Result<Vouched, Refusal> {
    let verifier = super::verifier(ports, state).await;
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &provider.redirect_uri(base_url))
        .append_pair("client_id", &provider.client_id)
        .append_pair("client_secret", &provider.client_secret)
        .append_pair("code_verifier", &verifier);
    let request = HttpRequest {
        method: "POST".to_owned(),
        url: provider.token_url.clone(),
        headers: headers(&[("content-type", "application/x-www-form-urlencoded")]),
        body: form.finish().into_bytes(),
    };
    let tokens: Tokens = answered(ports, &request).await?;
    match &provider.kind {
        Kind::Oidc { issuer } => {
            let token = tokens.id_token.ok_or(Refusal::ProviderRefused)?;
            let nonce = super::nonce(ports, state).await;
            let now = tokens::seconds(ports.now());
            checked(&token, issuer, &provider.client_id, &nonce, now)
        }
        Kind::Profile { profile_url } => {
            let token = tokens.access_token.ok_or(Refusal::ProviderRefused)?;
            profile(ports, profile_url, &token).await
        }
    }
}

/// The ID token came straight from the provider: TLS stands for its signature (OIDC Core 3.1.3.7,
/// step 6). Everything else is checked.
fn checked(
    token: &str,
    issuer: &str,
    client_id: &str,
    nonce: &str,
    now: i64,
) -> Result<Vouched, Refusal> {
    let payload = token.split('.').nth(1).filter(|_| token.split('.').count() == 3);
    let payload = payload.and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice::<Claims>(&payload).ok());
    let claims = claims.ok_or(Refusal::ProviderRefused)?;
    let is_for_us = match &claims.aud {
        Audience::One(audience) => audience == client_id,
        Audience::Many(audiences) => {
            let names_us = audiences.iter().any(|audience| audience == client_id);
            names_us && (audiences.len() == 1 || claims.azp.is_some())
        }
    };
    let age = now.saturating_sub(claims.iat);
    let holds = claims.iss == issuer
        && is_for_us
        && claims.azp.is_none_or(|party| party == client_id)
        && claims.exp.saturating_add(CLOCK_SECONDS) > now
        && (-CLOCK_SECONDS..=AGE_MAX_SECONDS).contains(&age)
        && claims.nonce.is_some_and(|said| secrets::equal(said.as_bytes(), nonce.as_bytes()));
    if !holds {
        return Err(Refusal::ProviderRefused);
    }
    let is_verified = match claims.email_verified {
        Yes::No => false,
        Yes::Flag(flag) => flag,
        Yes::Text(text) => text == "true",
    };
    if !is_verified {
        return Err(Refusal::MailNotVerified);
    }
    vouched(claims.sub, claims.email, claims.name, true)
}

/// A profile does not say whether anybody made sure of the address: the person will have to.
async fn profile<P: Ports>(ports: &P, url: &str, token: &str) -> Result<Vouched, Refusal> {
    let request = HttpRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: headers(&[("authorization", &format!("Bearer {token}"))]),
        body: Vec::new(),
    };
    let Profile { id, name, email } = answered(ports, &request).await?;
    vouched(id, email, name, false)
}

fn vouched(
    subject: String,
    email: Option<String>,
    name: Option<String>,
    is_verified: bool,
) -> Result<Vouched, Refusal> {
    if !(1..=SUBJECT_MAX_BYTES).contains(&subject.len()) {
        return Err(Refusal::ProviderRefused);
    }
    let email = email.as_deref().and_then(email::normalised).ok_or(Refusal::MailNotVerified)?;
    let display_name = wishes::given_name(name.as_deref().unwrap_or_default(), &email);
    Ok(Vouched { subject, email, is_verified, display_name })
}

async fn answered<P: Ports, T: for<'de> Deserialize<'de>>(
    ports: &P,
    request: &HttpRequest,
) -> Result<T, Refusal> {
    let response = Outbound::send(ports, request).await;
    let HttpResponse { status, body, .. } = response.map_err(|_| Refusal::ProviderUnavailable)?;
    match status {
        200 => serde_json::from_slice(&body).map_err(|_| Refusal::ProviderRefused),
        429 | 500.. => Err(Refusal::ProviderUnavailable),
        _ => Err(Refusal::ProviderRefused),
    }
}

fn headers(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let fields = fields.iter().chain(&[("accept", "application/json")]);
    fields.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// By how much clocks may differ.
const CLOCK_SECONDS: i64 = 60;
/// An ID token was made for this exchange.
const AGE_MAX_SECONDS: i64 = 10 * 60;
/// OIDC Core §2: `sub` has at most 255 characters of ASCII.
const SUBJECT_MAX_BYTES: usize = 255;
