#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::cell::Cell;
use std::path::{Path, PathBuf};

use ports::{Clock, HttpRequest, HttpResponse, OutboundError, contract, ready};
use rusqlite::types::Value as SqlValue;

use super::*;
use crate::world::Rows;

/// A file, a clock that stands, variables, and randomness that counts.
struct Bench {
    file: PathBuf,
    variables: Vec<(&'static str, String)>,
    drawn: Cell<u8>,
    /// Happens while randomness is drawn for the first time.
    meanwhile: Cell<Option<Box<dyn FnOnce()>>>,
}

struct Database(rusqlite::Connection);

impl Bench {
    fn new(folder: &Path, variables: &[(&'static str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let (variables, file) = (variables.collect(), folder.join("edge.db"));
        Self { file, variables, drawn: Cell::new(0), meanwhile: Cell::new(None) }
    }

    fn vault(&self) -> Vault {
        Vault::open(self, &Store::open(self).unwrap()).unwrap()
    }
}

impl World for Bench {
    type Connection = Database;

    fn connect(&self) -> Result<Database, StoreError> {
        rusqlite::Connection::open(&self.file).map(Database).map_err(failed)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(NOW * 1_000)
    }

    fn random(&self, bytes: &mut [u8]) {
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile();
        }
        self.drawn.set(self.drawn.get() + 1);
        bytes.fill(self.drawn.get());
    }

    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        let set = self.variables.iter().find(|(set, _)| *set == name);
        Ok(set.map(|(_, value)| value.clone()))
    }

    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        panic!("a vault sends nothing")
    }
}

impl Connection for Database {
    fn execute(&self, sql: &str, parameters: &[Value]) -> Result<Rows, StoreError> {
        let parameters = parameters.iter().map(|value| match value {
            Value::Blob(bytes) => SqlValue::Blob(bytes.clone()),
            Value::Integer(integer) => SqlValue::Integer(*integer),
            other => panic!("a vault stores bytes, not {other:?}"),
        });
        let mut statement = self.0.prepare(sql).map_err(failed)?;
        let columns = statement.column_count();
        let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| {
            (0..columns).map(|at| row.get(at).map(value)).collect::<Result<Vec<_>, _>>()
        });
        let rows = rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
        Ok(Rows { columns: Vec::new(), rows })
    }

    fn changes(&self) -> u64 {
        self.0.changes()
    }
}

fn value(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(integer) => Value::Integer(integer),
        SqlValue::Real(real) => Value::Real(real),
        SqlValue::Text(text) => Value::Text(text),
        SqlValue::Blob(bytes) => Value::Blob(bytes),
    }
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError(error.to_string())
}

/// A vault and what it is asked with, as the port.
struct Asked {
    bench: Bench,
    vault: Vault,
}

impl ports::Vault for Asked {
    async fn sign_access_token(&self, claims: &Claims) -> Result<String, String> {
        self.vault.sign("identity", true, claims)
    }

    async fn verify_access_token(&self, token: &str) -> Option<Claims> {
        self.vault.verify(token, self.bench.now())
    }

    async fn public_keys(&self) -> String {
        self.vault.public_keys()
    }

    async fn hash_password(&self, password: &str) -> Result<String, PasswordError> {
        Vault::hash_password(&self.bench, password)
    }

    async fn verify_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        Vault::verify_password(password, stored)
    }

    async fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.vault.mac("identity", purpose, message).unwrap()
    }

    async fn sign_proof(&self, at: Timestamp, message: &[u8]) -> Result<ProofSignature, String> {
        self.vault.sign_proof("auctions", true, at, message)
    }

    async fn proof_keys(&self) -> String {
        self.vault.proof_keys(self.bench.now())
    }
}

impl Clock for Asked {
    fn now(&self) -> Timestamp {
        self.bench.now()
    }
}

const NOW: i64 = 1_795_694_400;
const ONE: &str = "the first secret has enough characters";
const OTHER: &str = "another secret that nobody can guess at";

fn with_secret(list: &str) -> Vault {
    let folder = tempfile::tempdir().unwrap();
    Bench::new(folder.path(), &[("platform_secret", list)]).vault()
}

fn ana() -> Claims {
    let (subject, name) = ("usr_ana".to_owned(), "ana".to_owned());
    Claims { subject, name, roles: vec!["user".to_owned()], expires_at: NOW + 600 }
}

fn token(vault: &Vault) -> String {
    vault.sign("identity", true, &ana()).unwrap()
}

fn verified(vault: &Vault, token: &str) -> Option<Claims> {
    vault.verify(token, Timestamp::from_ms(NOW * 1_000))
}

/// What is published, by `kid`.
fn published(vault: &Vault) -> Vec<String> {
    let set: serde_json::Value = serde_json::from_str(&vault.public_keys()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_vault_keeps_the_contract() {
    for variable in [("platform_secret", ONE), ("development", "true")] {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::new(folder.path(), &[variable]);
        let vault = bench.vault();
        let asked = Asked { bench, vault };
        ready(contract::vault(&asked));
        ready(contract::proofs(&asked));
    }
}

#[test]
fn a_token_is_good_until_it_expires() {
    let vault = with_secret(ONE);
    let token = token(&vault);
    for _ in 0..2 {
        assert_eq!(verified(&vault, &token), Some(ana()));
    }
    let late = Timestamp::from_ms((NOW + 600) * 1_000);
    assert_eq!(vault.verify(&token, late), None, "what is remembered expires too");
    assert_eq!(with_secret(ONE).verify(&token, late), None);
}

#[test]
fn instances_with_the_same_secret_know_each_others_tokens() {
    let (one, same) = (with_secret(ONE), with_secret(&format!(" {ONE} ")));
    assert_eq!(verified(&same, &token(&one)), Some(ana()));
    assert_eq!(one.public_keys(), same.public_keys());
    assert_eq!(one.mac("c", "p", b"m"), same.mac("c", "p", b"m"));
    assert_eq!(one.tick_token(), same.tick_token());
}

#[test]
fn tokens_of_another_secret_are_refused() {
    assert_eq!(verified(&with_secret(OTHER), &token(&with_secret(ONE))), None);
}

#[test]
fn a_secret_that_is_listed_later_verifies_and_the_first_one_signs() {
    let (before, after) = (with_secret(ONE), with_secret(&format!("{OTHER},{ONE}")));
    assert_eq!(verified(&after, &token(&before)), Some(ana()));
    assert_eq!(published(&after), [published(&with_secret(OTHER)), published(&before)].concat());
    assert_eq!(token(&after), token(&with_secret(OTHER)));
    assert_eq!(verified(&before, &token(&after)), None);
    let mac = |vault: &Vault| vault.mac("c", "p", b"m").unwrap();
    assert_eq!(mac(&after), mac(&before), "the last one makes macs, and it is still the same");
}

#[test]
fn only_who_is_granted_it_signs_access_tokens() {
    let refused = with_secret(ONE).sign("auctions", false, &ana());
    let sentence = "the manifest does not let auctions sign access tokens";
    assert_eq!(refused, Err(sentence.to_owned()));
}

#[test]
fn a_mac_depends_on_component_purpose_message_and_secret() {
    let (vault, other) = (with_secret(ONE), with_secret(OTHER));
    let mac = vault.mac("c", "p", b"m").unwrap();
    for different in [
        vault.mac("c2", "p", b"m"),
        vault.mac("c", "p2", b"m"),
        vault.mac("c", "p", b"m2"),
        other.mac("c", "p", b"m"),
    ] {
        assert_ne!(different.unwrap(), mac);
    }
}

#[test]
fn what_follows_from_a_secret_does_not_change() {
    let vault = with_secret(ONE);
    let mac = Digest::from_bytes(vault.mac("identity", "code", b"m").unwrap()).to_hex();
    assert_eq!(published(&vault), ["ec48182010f0e290"]);
    assert_eq!(mac, "ddd948db412905f45423342f0cea69d3b9ea65f0652d49f9611ee332a664557c");
    assert_eq!(
        vault.tick_token(),
        Ok("e5f3c84a990197d1ece9ec270e86d3fbb126b433a05e702487c2b81fb1c05cc9")
    );
}

#[test]
fn a_development_key_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path(), &[("development", "true"), ("platform_secret", "")]);
    let first = bench.vault().public_keys();
    assert_eq!((bench.vault().public_keys(), bench.drawn.get()), (first, 1));
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Bench::new(elsewhere.path(), &[("development", "true")]);
    other.drawn.set(7);
    assert_ne!(other.vault().public_keys(), bench.vault().public_keys());
}

#[test]
fn instances_that_start_at_once_agree_on_the_development_key() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Bench::new(folder.path(), &[("development", "true")]);
    let quick = Bench::new(folder.path(), &[("development", "true")]);
    quick.drawn.set(7);
    let (told, hears) = std::sync::mpsc::channel();
    // It has looked and found nothing: now another one looks, makes a key and stores it.
    let meanwhile = move || told.send(quick.vault().public_keys()).unwrap();
    slow.meanwhile.set(Some(Box::new(meanwhile)));
    let keys = slow.vault().public_keys();
    assert_eq!(hears.recv(), Ok(keys));
}

#[test]
fn a_secret_comes_before_the_development_key() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("development", "true"), ("platform_secret", ONE)];
    let vault = Bench::new(folder.path(), &variables).vault();
    assert_eq!(vault.public_keys(), with_secret(ONE).public_keys());
}

#[test]
fn without_a_secret_nothing_is_done_that_needs_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let token = token(&with_secret(ONE));
    for development in ["", "false", "yes"] {
        let bench = Bench::new(folder.path(), &[("development", development)]);
        let vault = bench.vault();
        let problem = vault.problem().unwrap().to_owned();
        assert!(problem.starts_with("the variable platform_secret is not set"), "{problem}");
        assert_eq!(vault.sign("identity", true, &ana()), Err(problem.clone()));
        assert_eq!(vault.mac("c", "p", b"m"), Err(problem.clone()));
        assert_eq!(vault.tick_token(), Err(problem));
        assert_eq!(verified(&vault, &token), None);
        assert_eq!(vault.public_keys(), r#"{"keys":[]}"#);
        let hash = Vault::hash_password(&bench, "correct horse").unwrap();
        let compared = Vault::verify_password("correct horse", Some(&hash));
        assert_eq!(compared, Ok(Comparison { matches: true, outdated: false }));
    }
}

#[test]
fn a_short_secret_is_told_and_not_shown() {
    let short = "x".repeat(31);
    let lists =
        [short.clone(), format!("{ONE},{short}"), format!("{ONE},"), format!("{short},{ONE}")];
    for (list, nth) in lists.iter().zip([1, 2, 2, 1]) {
        let vault = with_secret(list);
        let problem = vault.problem().unwrap();
        let begin = format!("secret {nth} in the variable platform_secret is too short");
        assert!(problem.starts_with(&begin), "{problem}");
        assert!(problem.contains("openssl rand -base64 48"), "{problem}");
        assert!(!problem.contains("xxx") && !problem.contains(ONE), "{problem}");
        assert_eq!(vault.public_keys(), r#"{"keys":[]}"#, "no secret of the list is used");
    }
    assert_eq!(with_secret(&"x".repeat(32)).problem(), None);
    assert_eq!(with_secret(&"ä".repeat(32)).problem(), None);
}

const DEPLOYERS: &str = "a tick token that the deployer chose";

#[test]
fn a_short_tick_token_is_told_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("platform_secret", ONE), ("tick_token", "short")];
    let vault = Bench::new(folder.path(), &variables).vault();
    assert!(vault.problem().unwrap().starts_with("tick_token has fewer than 32 characters"));
    assert!(!vault.is_tick_token("short"));
}

#[test]
fn who_shows_a_tick_token_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let list = format!("{ONE},{OTHER}");
    let variables = [("platform_secret", list.as_str()), ("tick_token", DEPLOYERS)];
    let vault = Bench::new(folder.path(), &variables).vault();
    let (own, old) = (with_secret(ONE), with_secret(OTHER));
    assert_eq!(vault.tick_token(), own.tick_token());
    for known in [own.tick_token().unwrap(), old.tick_token().unwrap(), DEPLOYERS] {
        assert!(vault.is_tick_token(known), "{known}");
    }
    assert!(!own.is_tick_token(old.tick_token().unwrap()));
    let (longer, shorter) = (format!("{DEPLOYERS} "), &DEPLOYERS[1..]);
    for stranger in ["", &longer, shorter, ONE, &published(&vault)[0]] {
        assert!(!vault.is_tick_token(stranger), "{stranger}");
    }
}

#[test]
fn a_tick_token_that_is_empty_is_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Bench::new(folder.path(), &[("tick_token", "")]).vault();
    assert!(!vault.is_tick_token(""));
}

#[test]
fn passwords_are_salted() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path(), &[]);
    let hash = || Vault::hash_password(&bench, "correct horse").unwrap();
    let first = hash();
    assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "the host's: {first}");
    assert_ne!(first, hash());
    let nobody = Vault::verify_password("correct horse", None);
    assert_eq!(nobody, Ok(Comparison { matches: false, outdated: false }));
}

/// What is published of proofs, by `kid`.
fn proof_kids(vault: &Vault, at_ms: i64) -> Vec<String> {
    let set: serde_json::Value =
        serde_json::from_str(&vault.proof_keys(Timestamp::from_ms(at_ms))).unwrap();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_proof_is_signed_by_the_key_of_its_time_and_that_key_stays_published() {
    let vault = with_secret(ONE);
    let sign = |at_ms| vault.sign_proof("auctions", true, Timestamp::from_ms(at_ms), b"m");
    let now = NOW * 1_000;
    let signed = sign(now).unwrap();
    let later = now + 3 * vault::PROOF_PERIOD_MS;
    assert_ne!(sign(later).unwrap().key_id, signed.key_id, "keys grow old");
    assert_eq!(sign(now).unwrap(), signed, "a reply is rendered again, with the key of then");
    let kids = proof_kids(&vault, later);
    assert!(kids.contains(&signed.key_id) && kids.contains(&sign(later).unwrap().key_id));
    let next = sign(later + vault::PROOF_PERIOD_MS).unwrap();
    assert!(kids.contains(&next.key_id), "public before it signs");
    let tokens = published(&vault);
    assert!(kids.iter().all(|kid| !tokens.contains(kid)), "apart from the keys of tokens");
}

#[test]
fn a_new_secret_in_front_changes_no_proof_and_who_may_not_prove_gets_none() {
    let (old, new) = (with_secret(ONE), with_secret(&format!("{OTHER},{ONE}")));
    let at = Timestamp::from_ms(NOW * 1_000);
    let signed = old.sign_proof("auctions", true, at, b"m").unwrap();
    assert_eq!(new.sign_proof("auctions", true, at, b"m").unwrap(), signed);
    assert!(proof_kids(&new, NOW * 1_000).contains(&signed.key_id));
    let refused = old.sign_proof("identity", false, at, b"m").unwrap_err();
    assert_eq!(refused, "the manifest does not let identity sign proofs");
    assert!(Vault::of(None, None).sign_proof("auctions", true, at, b"m").is_err(), "no key");
}
