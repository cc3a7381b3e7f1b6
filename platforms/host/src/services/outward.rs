//! The ports that lead out of the platform: keys, letters, rates, other servers.

use ports::{Claims, Comparison, PasswordError, ProofSignature};

use super::bindings::imports::ecomauction::edge::{limits, mail, outbound, vault};
use super::guest::{Guest, Platform};
use super::neighbours::Asking;
use crate::clock::now_ms;
use crate::mail::{Letter, MailError};
use crate::outbound::{Answer, OutboundError, admit};

impl Platform {
    /// An access token with these claims, for a component that the manifest lets sign.
    fn sign(&self, claims: &Claims) -> Result<String, String> {
        let component = &self.component;
        if !self.signs_tokens {
            tracing::error!(component, "an access token was refused");
            return Err(format!("the manifest does not let {component} sign access tokens"));
        }
        self.shared.vault.sign(claims)
    }

    /// A signature under what stood in a log, for a component that the manifest lets prove.
    fn sign_proof(&self, at_ms: i64, message: &[u8]) -> Result<ProofSignature, String> {
        let component = &self.component;
        if !self.signs_proofs {
            tracing::error!(component, "a proof was refused");
            return Err(format!("the manifest does not let {component} sign proofs"));
        }
        self.shared.vault.sign_proof(at_ms, message)
    }

    /// Components cannot compute each other's macs.
    fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.shared.vault.mac(&format!("{}/{purpose}", self.component), message)
    }

    /// The answer of another server, or of another component.
    async fn ask(
        &self,
        is_asked: bool,
        request: outbound::Request,
    ) -> Result<Answer, OutboundError> {
        let outbound::Request { method, url, headers, body } = request;
        let request = admit(&self.allowed, &method, &url, headers, body)?;
        let host = request.uri().host().unwrap_or_default().to_lowercase();
        match ports::neighbour(&host) {
            Some(id) => {
                let asking = Asking { component: &self.component, is_asked };
                self.shared.neighbours.ask(asking, id, request).await
            }
            None => self.shared.outbound.send(request).await,
        }
    }
}

impl vault::Host for Guest {
    async fn sign_access_token(&mut self, claims: vault::Claims) -> Result<String, String> {
        let vault::Claims { subject, name, roles, expires_at } = claims;
        self.platform.sign(&Claims { subject, name, roles, expires_at })
    }

    async fn verify_access_token(&mut self, token: String) -> Option<vault::Claims> {
        let claims = self.platform.shared.vault.verify(&token)?;
        let Claims { subject, name, roles, expires_at } = claims;
        Some(vault::Claims { subject, name, roles, expires_at })
    }

    async fn public_keys(&mut self) -> String {
        self.platform.shared.vault.public_keys()
    }

    async fn hash_password(&mut self, password: String) -> Result<String, vault::PasswordError> {
        self.platform.shared.vault.passwords().hash(password).await.map_err(password_error)
    }

    async fn verify_password(
        &mut self,
        password: String,
        stored: Option<String>,
    ) -> Result<vault::Comparison, vault::PasswordError> {
        let compared = self.platform.shared.vault.passwords().compare(password, stored).await;
        let Comparison { matches, outdated } = compared.map_err(password_error)?;
        Ok(vault::Comparison { matches, outdated })
    }

    async fn mac(&mut self, purpose: String, message: Vec<u8>) -> Vec<u8> {
        self.platform.mac(&purpose, &message).to_vec()
    }

    async fn sign_proof(
        &mut self,
        at: i64,
        message: Vec<u8>,
    ) -> Result<vault::ProofSignature, String> {
        let ProofSignature { key_id, signature } = self.platform.sign_proof(at, &message)?;
        Ok(vault::ProofSignature { key_id, signature })
    }

    async fn proof_keys(&mut self) -> String {
        self.platform.shared.vault.proof_keys()
    }
}

impl mail::Host for Guest {
    async fn send(&mut self, key: String, letter: mail::Letter) -> Result<(), mail::Error> {
        self.settle().await.map_err(mail::Error::Unavailable)?;
        let mail::Letter { to, subject, text, html, headers } = letter;
        let letter = Letter { to, subject, text, html, headers };
        // Components do not know of each other's keys.
        let key = format!("{}/{key}", self.platform.component);
        self.platform.shared.mail.send(key, letter).await.map_err(|error| match error {
            MailError::Rejected(why) => mail::Error::Rejected(why),
            MailError::Unavailable(why) => mail::Error::Unavailable(why),
        })
    }

    async fn captured(&mut self, to: Option<String>, limit: u32) -> Vec<mail::CapturedLetter> {
        let kept = self.platform.shared.mail.kept(to, limit).await.into_iter();
        let outward = |kept: crate::mail::Kept| {
            let Letter { to, subject, text, html, headers } = kept.letter;
            let letter = mail::Letter { to, subject, text, html, headers };
            mail::CapturedLetter { id: kept.id, letter, sent_at: kept.sent_at }
        };
        kept.map(outward).collect()
    }
}

impl limits::Host for Guest {
    async fn take(&mut self, bucket: String, policy: limits::Policy) -> Result<(), u64> {
        let limits::Policy { capacity, refill_ms } = policy;
        let (rates, component) = (&self.platform.shared.rates, &self.platform.component);
        rates.take(component, &bucket, (capacity, refill_ms), now_ms())
    }
}

impl outbound::Host for Guest {
    async fn send(
        &mut self,
        request: outbound::Request,
    ) -> Result<outbound::Response, outbound::Error> {
        self.settle().await.map_err(outbound::Error::Unavailable)?;
        let answered = self.platform.ask(self.is_asked, request).await;
        let answer = answered.map_err(|error| match error {
            OutboundError::Forbidden(why) => outbound::Error::Forbidden(why),
            OutboundError::Unavailable(why) => outbound::Error::Unavailable(why),
        })?;
        let Answer { status, headers, body } = answer;
        Ok(outbound::Response { status, headers, body })
    }
}

fn password_error(error: PasswordError) -> vault::PasswordError {
    match error {
        PasswordError::Busy => vault::PasswordError::Busy,
        PasswordError::Failed(why) => vault::PasswordError::Failed(why),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::gate::tests::platform;
    use super::Claims;

    #[tokio::test]
    async fn only_who_is_granted_it_signs_access_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let mut platform = platform(folder.path());
        let (subject, name, roles) = ("usr_ana".to_owned(), "ana".to_owned(), Vec::new());
        let claims = Claims { subject, name, roles, expires_at: i64::MAX };
        let refused = platform.sign(&claims).unwrap_err();
        assert_eq!(refused, "the manifest does not let things sign access tokens");
        platform.signs_tokens = true;
        let token = platform.sign(&claims).unwrap();
        assert_eq!(platform.shared.vault.verify(&token), Some(claims));
    }

    #[tokio::test]
    async fn only_who_is_granted_it_signs_proofs() {
        let folder = tempfile::tempdir().unwrap();
        let mut platform = platform(folder.path());
        platform.signs_tokens = true;
        let refused = platform.sign_proof(0, b"m").unwrap_err();
        assert_eq!(refused, "the manifest does not let things sign proofs");
        platform.signs_proofs = true;
        assert_eq!(platform.sign_proof(0, b"m"), platform.shared.vault.sign_proof(0, b"m"));
    }

    #[tokio::test]
    async fn components_cannot_compute_the_macs_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut platform = platform(folder.path());
        let mac = platform.mac("p", b"m");
        assert_eq!(mac, platform.mac("p", b"m"));
        platform.component = "others".to_owned();
        assert_ne!(mac, platform.mac("p", b"m"));
    }
}
