//! Keys: all of them follow from a secret of the deployer's, none is kept.
//!
//! `platform_secret` lists one secret or more, with commas between them. The first signs tokens,
//! tokens of all are verified, and the last one makes macs: codes in letters, second factors and
//! links follow from it (docs/adr/0027). So a new secret is put in front; the one behind it can go
//! when its last token has expired, but the last one of all stays as long as second factors should.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use kernel::{Digest, Timestamp};
use ports::{Claims, Comparison, PasswordError, ProofSignature, Value};
use subtle::{Choice, ConstantTimeEq as _};
use vault::{SALT_BYTES, SigningKey, Verified};

use crate::store::Store;
use crate::world::{Connection, StoreError, World};

/// Everything that needs a key, and passwords, which need none.
pub struct Vault {
    /// By secret, in their order. None when there is a problem.
    keys: Vec<Keys>,
    problem: Option<String>,
    /// The deployer's own.
    tick_token: Option<String>,
    verified: RefCell<Verified>,
    /// Keys of proofs by secret and period, as far as they were needed.
    proofs: RefCell<BTreeMap<(usize, u32), Rc<SigningKey>>>,
}

/// What follows from one secret.
struct Keys {
    /// Whence the keys of proofs follow, one for each period.
    proof: [u8; 32],
    signing: SigningKey,
    mac: [u8; 32],
    tick_token: String,
}

impl Keys {
    fn of(secret: &[u8]) -> Self {
        Self {
            proof: vault::derive(secret, "proof"),
            signing: SigningKey::of(&vault::derive(secret, "token")),
            mac: vault::derive(secret, "mac"),
            tick_token: Digest::from_bytes(vault::derive(secret, "tick")).to_hex(),
        }
    }
}

impl Vault {
    /// Reads the secrets, or in development the one that was made here. Without any the vault opens
    /// all the same: what is public can be read without a key.
    pub(crate) fn open<W: World>(
        world: &W,
        store: &Store<W::Connection>,
    ) -> Result<Self, StoreError> {
        let variable = |name| world.setting(name).map_err(StoreError);
        let tick_token = variable("tick_token")?;
        match variable("platform_secret")? {
            None if variable("development")?.as_deref() == Some("true") => {
                let own = Keys::of(&development_secret(world, store)?);
                Ok(Self::with(Ok(vec![own]), tick_token))
            }
            list => Ok(Self::of(list.as_deref(), tick_token)),
        }
    }

    /// With the secrets of the variable `platform_secret`, and the deployer's own token.
    pub fn of(secrets: Option<&str>, tick_token: Option<String>) -> Self {
        let unset = || Err(format!("the variable platform_secret is not set: {ADVICE}"));
        Self::with(secrets.map_or_else(unset, listed), tick_token)
    }

    fn with(found: Result<Vec<Keys>, String>, tick_token: Option<String>) -> Self {
        let is_short = tick_token.as_ref().is_some_and(|token| token.len() < SECRET_MIN_CHARS);
        let short = format!("tick_token has fewer than {SECRET_MIN_CHARS} characters: {ADVICE}");
        let found = if is_short { Err(short) } else { found };
        let (keys, problem, tick_token) = match found {
            Ok(keys) => (keys, None, tick_token),
            Err(problem) => (Vec::new(), Some(problem), None),
        };
        let verified = RefCell::new(Verified::new(VERIFIED_MAX));
        Self { keys, problem, tick_token, verified, proofs: RefCell::default() }
    }

    /// Why nothing that needs a key is done: a sentence for the deployer, without any secret.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// An access token with these claims, for a component that the manifest lets sign.
    pub fn sign(
        &self,
        component: &str,
        signs_tokens: bool,
        claims: &Claims,
    ) -> Result<String, String> {
        if !signs_tokens {
            return Err(format!("the manifest does not let {component} sign access tokens"));
        }
        vault::sign(claims, &self.first()?.signing)
    }

    /// The claims of a token that is valid now.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let now = now.as_ms().div_euclid(1_000);
        let name = Verified::name(token)?;
        if let Some(claims) = self.verified.borrow().get(&name) {
            return (claims.expires_at > now).then(|| claims.clone());
        }
        let claims = vault::check(token, self.keys.iter().map(|keys| &keys.signing), now)?;
        self.verified.borrow_mut().put(name, claims.clone());
        Some(claims)
    }

    /// The keys that verify, as a JWK set.
    pub fn public_keys(&self) -> String {
        vault::jwk_set(self.keys.iter().map(|keys| &keys.signing))
    }

    /// The hash of a password. Nobody is ever told that too many are hashed: an instance does one
    /// thing at a time, and does not see how many others there are. Spin bounds their number, and
    /// the memory of a hash is an instance's until it ends.
    pub(crate) fn hash_password(
        world: &impl World,
        password: &str,
    ) -> Result<String, PasswordError> {
        let mut salt = [0; SALT_BYTES];
        world.random(&mut salt);
        vault::hash_password(password, &salt)
    }

    /// Compares a password with a stored hash; without one the same work is done.
    pub(crate) fn verify_password(
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        vault::verify_password(password, stored)
    }

    /// Components cannot compute each other's macs. Without a key there is none: bytes that anybody
    /// can guess would be worse.
    pub fn mac(&self, component: &str, purpose: &str, message: &[u8]) -> Result<[u8; 32], String> {
        let keys = self.keys.last().ok_or_else(|| self.why_not())?;
        Ok(vault::mac(&keys.mac, &format!("{component}/{purpose}"), message))
    }

    /// Signs what stood in a log at an instant, for a component that the manifest lets prove. As
    /// macs are, it is made under the last secret: a new one goes in front and changes no proof.
    pub fn sign_proof(
        &self,
        component: &str,
        signs_proofs: bool,
        at: Timestamp,
        message: &[u8],
    ) -> Result<ProofSignature, String> {
        if !signs_proofs {
            return Err(format!("the manifest does not let {component} sign proofs"));
        }
        let last = self.keys.len().checked_sub(1).ok_or_else(|| self.why_not())?;
        let key = self.proof_key(last, vault::proof_period(at.as_ms()));
        Ok(vault::sign_proof(&*key.ok_or_else(|| self.why_not())?, message))
    }

    /// The public keys of proofs of every listed secret: of all periods, and of the next one.
    pub fn proof_keys(&self, now: Timestamp) -> String {
        let next = vault::proof_period(now.as_ms()).saturating_add(1).min(PROOF_PERIODS_MAX);
        let all = (0..self.keys.len()).rev().flat_map(|at| (0..=next).map(move |nth| (at, nth)));
        let keys: Vec<_> = all.filter_map(|(at, nth)| self.proof_key(at, nth)).collect();
        vault::jwk_set(keys.iter().map(Rc::as_ref))
    }

    fn proof_key(&self, secret: usize, period: u32) -> Option<Rc<SigningKey>> {
        let Keys { proof, .. } = self.keys.get(secret)?;
        let mut known = self.proofs.borrow_mut();
        let made = || Rc::new(SigningKey::of(&vault::proof_seed(proof, period)));
        Some(Rc::clone(known.entry((secret, period)).or_insert_with(made)))
    }

    /// What a component shows another one to make it do what is due.
    pub(crate) fn tick_token(&self) -> Result<&str, String> {
        Ok(&self.first()?.tick_token)
    }

    /// May who shows this make components do what is due? A component may, with a token of any
    /// secret that is listed, and the deployer with the variable `tick_token`.
    pub fn is_tick_token(&self, shown: &str) -> bool {
        let own = self.keys.iter().map(|keys| &keys.tick_token);
        let known = own.chain(&self.tick_token);
        known
            .fold(Choice::from(0), |any, token| any | token.as_bytes().ct_eq(shown.as_bytes()))
            .into()
    }

    fn first(&self) -> Result<&Keys, String> {
        self.keys.first().ok_or_else(|| self.why_not())
    }

    fn why_not(&self) -> String {
        self.problem.clone().unwrap_or_default()
    }
}

fn listed(list: &str) -> Result<Vec<Keys>, String> {
    let secrets = (1..).zip(list.split(',').map(str::trim));
    let keys = secrets.map(|(nth, secret)| {
        if secret.chars().count() < SECRET_MIN_CHARS {
            return Err(format!(
                "secret {nth} in the variable platform_secret is too short: {ADVICE}"
            ));
        }
        Ok(Keys::of(secret.as_bytes()))
    });
    keys.collect()
}

/// Made once. Instances that start at once agree on the one that was stored first.
fn development_secret<W: World>(
    world: &W,
    store: &Store<W::Connection>,
) -> Result<[u8; 32], StoreError> {
    if let Some(stored) = store.read(stored_secret)? {
        return Ok(stored);
    }
    let mut made = [0; 32];
    world.random(&mut made);
    store.write(|connection| {
        let insert = "insert or ignore into edge_keys (name, bytes) values ('development', ?1)";
        connection.execute(insert, &[Value::Blob(made.to_vec())])?;
        let missing = || StoreError("edge_keys does not keep the development key".to_owned());
        stored_secret(connection)?.ok_or_else(missing)
    })
}

fn stored_secret(connection: &impl Connection) -> Result<Option<[u8; 32]>, StoreError> {
    let found =
        connection.execute("select bytes from edge_keys where name = 'development'", &[])?;
    let Some(value) = found.rows.into_iter().flatten().next() else { return Ok(None) };
    let Value::Blob(bytes) = value else { return Err(broken()) };
    bytes.try_into().map(Some).map_err(|_| broken())
}

fn broken() -> StoreError {
    StoreError("the development key in edge_keys is not 32 bytes long: delete it".to_owned())
}

/// A clock that is wrong by centuries does not fill the memory.
const PROOF_PERIODS_MAX: u32 = 400;
const SECRET_MIN_CHARS: usize = 32;
const ADVICE: &str = "set it to 32 characters or more that nobody can guess, for example what \
                      `openssl rand -base64 48` prints, or set development to \"true\" where \
                      everything may be lost";
/// Verified tokens that an instance remembers: more than it serves requests.
const VERIFIED_MAX: usize = 1_024;

#[cfg(test)]
mod tests;
