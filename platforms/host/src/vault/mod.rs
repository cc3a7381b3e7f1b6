//! Keys of the platform: where they are kept, which of them signs now, who waits for a password.
//! What is done with them is every platform's (`crates/vault`).

mod keys;
mod passwords;

use std::path::Path;

use parking_lot::Mutex;
use ports::{Claims, ProofSignature};
use vault::Verified;

use crate::clock::now_ms;
use keys::KeyRing;
use passwords::Passwords;

/// Everything that needs a key.
pub(crate) struct Vault {
    tokens: KeyRing,
    proofs: KeyRing,
    mac: [u8; 32],
    passwords: Passwords,
    verified: Mutex<Verified>,
}

impl Vault {
    /// Opens the key files, or makes them at the first start.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        crate::data::remove_begun(directory)?;
        let tokens = KeyRing::open(directory, keys::TOKENS)?;
        tokens.rotate(now_ms())?;
        let proofs = KeyRing::open(directory, keys::PROOFS)?;
        proofs.rotate(now_ms())?;
        let mac = keys::read_or_make(&directory.join("mac.key"))?;
        let passwords = Passwords::start()?;
        let verified = Mutex::new(Verified::new(VERIFIED_MAX));
        Ok(Self { tokens, proofs, mac, passwords, verified })
    }

    /// Makes the next keys when it is time, and forgets those that nothing needs any more.
    pub(crate) fn rotate(&self) -> anyhow::Result<()> {
        self.tokens.rotate(now_ms())?;
        self.proofs.rotate(now_ms())
    }

    /// Passwords, hashed and compared.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// HMAC-SHA-256 under the key of this data directory; purposes do not hold NUL.
    pub(crate) fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        vault::mac(&self.mac, purpose, message)
    }

    /// The public token keys as a JWK set: the one that signs, the next one, and for a day the one
    /// before.
    pub(crate) fn public_keys(&self) -> String {
        vault::jwk_set(self.tokens.live().iter().map(|key| &key.signing))
    }

    /// Signs what stood in a log at an instant, with the key of that time.
    pub(crate) fn sign_proof(&self, at_ms: i64, message: &[u8]) -> Result<ProofSignature, String> {
        let key = self.proofs.signing(at_ms).ok_or("no key")?;
        Ok(vault::sign_proof(&key.signing, message))
    }

    /// The public proof keys as a JWK set: all that ever signed, and the next one.
    pub(crate) fn proof_keys(&self) -> String {
        vault::jwk_set(self.proofs.live().iter().map(|key| &key.signing))
    }

    /// Signs an access token.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, String> {
        let key = self.tokens.signing(now_ms()).ok_or("no key")?;
        vault::sign(claims, &key.signing)
    }

    /// The claims of a token that is valid now.
    pub(crate) fn verify(&self, token: &str) -> Option<Claims> {
        let now = now_ms() / 1_000;
        let name = Verified::name(token)?;
        if let Some(claims) = self.verified.lock().get(&name) {
            return (claims.expires_at > now).then(|| claims.clone());
        }
        let live = self.tokens.live();
        let claims = vault::check(token, live.iter().map(|key| &key.signing), now)?;
        self.verified.lock().put(name, claims.clone());
        Some(claims)
    }
}

/// Verified tokens remembered until they expire.
const VERIFIED_MAX: usize = 65_536;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn vault(name: &str) -> Vault {
        let directory = std::env::temp_dir().join(format!("vault-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        Vault::open(&directory).unwrap()
    }

    fn ana(expires_at: i64) -> Claims {
        let (subject, name) = ("usr_ana".to_owned(), "ana".to_owned());
        Claims { subject, name, roles: vec!["user".to_owned()], expires_at }
    }

    #[test]
    fn a_token_says_who_bears_it_until_it_expires() {
        let vault = vault("says");
        let now = now_ms() / 1_000;
        let token = vault.sign(&ana(now + 600)).unwrap();
        assert_eq!(vault.verify(&token), Some(ana(now + 600)));
        assert_eq!(vault.verify(&token), Some(ana(now + 600)), "from the cache");
        assert_eq!(vault.verify(&vault.sign(&ana(now - 1)).unwrap()), None);
    }

    #[test]
    fn foreign_and_tampered_tokens_are_refused() {
        let vault = vault("refuses");
        let token = vault.sign(&ana(now_ms() / 1_000 + 600)).unwrap();
        let foreign = self::vault("foreign").sign(&ana(now_ms() / 1_000 + 600)).unwrap();
        for bad in [foreign, token.replacen('e', "f", 3), String::new()] {
            assert_eq!(vault.verify(&bad), None, "{bad}");
        }
    }

    /// What is published, by `kid`.
    fn published(vault: &Vault) -> Vec<String> {
        let set: serde_json::Value = serde_json::from_str(&vault.public_keys()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_key_that_was_replaced_verifies_for_a_day() {
        let vault = vault("rotates");
        let token = vault.sign(&ana(now_ms() / 1_000 + 600)).unwrap();
        let first = published(&vault);
        assert_eq!(first.len(), 2, "the one that signs and the next one");
        let signing = |at| vault.tokens.signing(at).unwrap().signing.id().to_owned();
        vault.tokens.rotate(now_ms() + keys::TOKENS.age_max_ms - 60_000).unwrap();
        assert_eq!(signing(now_ms() + keys::TOKENS.age_max_ms - 60_000), first[0], "not yet");
        assert_eq!(published(&vault), first);
        let replaced = now_ms() + keys::TOKENS.age_max_ms + 60_000;
        assert_eq!(signing(replaced), first[1], "at its time, whenever somebody looks");
        vault.tokens.rotate(replaced).unwrap();
        assert_eq!((published(&vault).len(), &published(&vault)[..2]), (3, &first[..]));
        *vault.verified.lock() = Verified::new(VERIFIED_MAX);
        assert!(vault.verify(&token).is_some());
        vault.tokens.rotate(replaced + keys::OVERLAP_MS + 1).unwrap();
        assert_eq!((published(&vault).len(), &published(&vault)[0]), (2, &first[1]));
        *vault.verified.lock() = Verified::new(VERIFIED_MAX);
        assert_eq!(vault.verify(&token), None);
    }

    #[test]
    fn a_key_is_public_for_a_day_before_it_signs() {
        let vault = vault("publishes");
        // The platform was down for two months: the key that was next signs, another one is next.
        let later = now_ms() + 2 * keys::TOKENS.age_max_ms;
        let first = published(&vault);
        vault.tokens.rotate(later).unwrap();
        let then = published(&vault);
        assert_eq!((then.len(), &then[0]), (2, &first[1]));
        let signing = |at| vault.tokens.signing(at).unwrap().signing.id().to_owned();
        assert_eq!(signing(later), then[0]);
        assert_eq!(signing(later + keys::OVERLAP_MS - 1), then[0]);
        assert_eq!(signing(later + keys::OVERLAP_MS), then[1]);
        assert_eq!(signing(0), then[0], "the clock was turned back");
    }

    #[test]
    fn a_kill_while_a_key_was_written_stops_no_start() {
        let folder = tempfile::tempdir().unwrap();
        let (token, mac) = ("access-token.7.ed25519.new", "mac.key.new");
        for left in [token, mac] {
            std::fs::write(folder.path().join(left), [0; 5]).unwrap();
        }
        let keys = published(&Vault::open(folder.path()).unwrap());
        let files = std::fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert!(names.into_iter().all(|name| !name.ends_with(".new")));
        assert_eq!(published(&Vault::open(folder.path()).unwrap()), keys);
    }

    fn published_proofs(vault: &Vault) -> Vec<String> {
        let set: serde_json::Value = serde_json::from_str(&vault.proof_keys()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_proof_has_the_signature_of_its_time_whatever_key_signs_now() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let now = now_ms();
        let signed = vault.sign_proof(now, b"auc_1:7:00").unwrap();
        let first = published_proofs(&vault);
        assert_eq!((first.len(), &first[0]), (2, &signed.key_id), "it signs, the next waits");
        assert!(published(&vault).iter().all(|kid| !first.contains(kid)), "apart from tokens");
        let mut later = now;
        for _ in 0..3 {
            later += keys::PROOFS.age_max_ms + 60_000;
            vault.proofs.rotate(later).unwrap();
        }
        let reopened = Vault::open(folder.path()).unwrap();
        let kids = published_proofs(&reopened);
        assert_eq!((kids.len(), &kids[..2]), (5, &first[..]), "no key is ever forgotten");
        assert_ne!(reopened.sign_proof(later, b"auc_1:7:00").unwrap().key_id, signed.key_id);
        assert_eq!(reopened.sign_proof(now, b"auc_1:7:00").unwrap(), signed);
    }

    #[test]
    fn a_mac_depends_on_the_key() {
        let (one, other) = (vault("mac"), vault("other-mac"));
        let mac = one.mac("p", b"m");
        assert_eq!(mac, one.mac("p", b"m"));
        assert_ne!(mac, other.mac("p", b"m"));
    }
}
