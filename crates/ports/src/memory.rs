//! A platform in memory, for tests: real machines, real SQL, a clock that only tests move.
//!
//! It keeps the contracts (the suite in [`crate::contract`] runs over it too) and can break on
//! purpose, once and at a chosen point, as a crash would.

mod entities;
mod limits;
mod mail;
mod objects;
mod outbound;
mod sql;
mod vault;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use kernel::{Machine, Timestamp};

use crate::{
    Captured, Claims, Clock, Comparison, Engine, Entities, EntityError, HttpRequest, HttpResponse,
    Letter, Limits, Mail, MailError, Message, Object, ObjectError, Objects, Outbound,
    OutboundError, Outcome, Outgoing, PasswordError, Policy, ProofSignature, PublicEvent, Random,
    Sql, SqlError, Statement, Variables, Vault,
};

pub use entities::{Break, MemoryEntities};
pub use limits::MemoryLimits;
pub use mail::MemoryMail;
pub use objects::MemoryObjects;
pub use outbound::MemoryOutbound;
pub use sql::MemorySql;
pub use vault::MemoryVault;

/// All ports of one capability.
pub struct Memory {
    /// Machines and their entities.
    pub entities: MemoryEntities,
    /// The capability's tables.
    pub sql: MemorySql,
    /// Letters, kept.
    pub mail: MemoryMail,
    /// Other servers.
    pub outbound: MemoryOutbound,
    /// Objects.
    pub objects: MemoryObjects,
    capability: String,
    sent: RefCell<Vec<Message>>,
    limits: MemoryLimits,
    vault: MemoryVault,
    now: Cell<Timestamp>,
    random: Cell<u64>,
    variables: RefCell<BTreeMap<String, String>>,
}

impl Memory {
    /// Ports for a capability, whose tables are prefixed by its name; the clock stands at `now`.
    ///
    /// # Panics
    /// When SQLite cannot be opened in memory.
    pub fn new(capability: &str, now: Timestamp) -> Self {
        Self {
            entities: MemoryEntities::default(),
            sql: MemorySql::new(capability),
            mail: MemoryMail::default(),
            outbound: MemoryOutbound::default(),
            objects: MemoryObjects::default(),
            capability: capability.to_owned(),
            sent: RefCell::default(),
            limits: MemoryLimits::default(),
            vault: MemoryVault::default(),
            now: Cell::new(now),
            random: Cell::new(1),
            variables: RefCell::default(),
        }
    }

    /// Hosts a machine under a name of the manifest.
    #[must_use]
    pub fn with_machine<M: Machine + 'static>(self, name: &str) -> Self {
        self.entities.host::<M>(name);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn with_variable(self, name: &str, value: &str) -> Self {
        self.variables.borrow_mut().insert(name.to_owned(), value.to_owned());
        self
    }

    /// Moves the clock to `now` and wakes the entities that are due, in the order of their wakes.
    pub fn advance_to(&self, now: Timestamp) {
        self.now.set(now);
        self.entities.wake(now, || self.seed());
    }

    /// Moves the clock without waking anybody, as a late timer would.
    pub fn advance_asleep(&self, now: Timestamp) {
        self.now.set(now);
    }

    /// The messages that decisions and batches sent since the last call.
    pub fn take_messages(&self) -> Vec<Message> {
        let mut messages = self.entities.take_messages();
        messages.append(&mut self.sent.borrow_mut());
        messages
    }

    fn keep(&self, message: Outgoing) {
        let Outgoing { topic, key, body } = message;
        let (id, source) = (format!("{:016x}", self.next()), self.capability.as_str());
        self.sent.borrow_mut().push(Message {
            id,
            source: format!("/components/{source}"),
            topic: topic.to_owned(),
            key,
            time: self.now().as_ms(),
            body,
        });
    }

    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        let words = seed.as_chunks_mut::<8>().0;
        words.iter_mut().for_each(|word| *word = self.next().to_le_bytes());
        seed
    }

    /// SplitMix64: the same run draws the same numbers.
    fn next(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Entities for Memory {
    async fn call(
        &self,
        machine: &str,
        key: &str,
        command_id: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        let (now, seed) = (self.now(), self.seed());
        let envelope = kernel::Envelope { command_id, principal, now, seed: &seed, body: &body };
        self.entities.call(machine, key, &envelope)
    }

    async fn query(
        &self,
        machine: &str,
        key: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        let now = self.now();
        let envelope =
            kernel::Envelope { command_id: "", principal, now, seed: &[0; 32], body: &body };
        self.entities.query(machine, key, &envelope)
    }

    async fn events(
        &self,
        machine: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicEvent>, EntityError> {
        self.entities.events(machine, key, after, limit)
    }

    async fn engine(&self, machine: &str) -> Result<Engine, EntityError> {
        self.entities.engine(machine)
    }
}

impl Sql for Memory {
    async fn query(&self, statement: Statement) -> Result<Outcome, SqlError> {
        self.sql.query(&statement)
    }

    async fn batch_and_send(
        &self,
        statements: Vec<Statement>,
        messages: Vec<Outgoing>,
    ) -> Result<Vec<Outcome>, SqlError> {
        let outcomes = self.sql.batch(&statements)?;
        messages.into_iter().for_each(|message| self.keep(message));
        Ok(outcomes)
    }

    async fn project(&self, key: &str, statement: Statement) -> Result<(), SqlError> {
        self.sql.project(key, statement)
    }
}

impl Vault for Memory {
    async fn sign_access_token(&self, claims: &Claims) -> Result<String, String> {
        Ok(self.vault.sign(claims))
    }

    async fn verify_access_token(&self, token: &str) -> Option<Claims> {
        self.vault.verify(token, self.now())
    }

    async fn public_keys(&self) -> String {
        r#"{"keys":[]}"#.to_owned()
    }

    async fn hash_password(&self, password: &str) -> Result<String, PasswordError> {
        Ok(self.vault.hash(password, self.next()))
    }

    async fn verify_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        self.vault.compare(password, stored)
    }

    async fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.vault.mac(purpose, message)
    }

    async fn sign_proof(&self, at: Timestamp, message: &[u8]) -> Result<ProofSignature, String> {
        Ok(self.vault.sign_proof(at, message))
    }

    async fn proof_keys(&self) -> String {
        self.vault.proof_keys()
    }
}

impl Mail for Memory {
    async fn send(&self, key: &str, letter: &Letter) -> Result<(), MailError> {
        let sent = self.mail.send(key, letter, self.now());
        self.now.set(self.now().plus_ms(self.mail.takes_ms.get()));
        sent
    }

    async fn captured(&self, to: Option<&str>, limit: u32) -> Vec<Captured> {
        self.mail.captured(to, limit)
    }
}

impl Limits for Memory {
    async fn take(&self, bucket: &str, policy: Policy) -> Result<(), u64> {
        self.limits.take(bucket, policy, self.now())
    }
}

impl Outbound for Memory {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        self.outbound.answer(request)
    }
}

impl Objects for Memory {
    async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.objects.put(key, content_type, bytes)
    }

    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        self.objects.get(key)
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        self.objects.delete(key)
    }
}

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        self.now.get()
    }
}

impl Random for Memory {
    fn id_bytes(&self) -> [u8; 10] {
        let [high, low] = [self.next().to_le_bytes(), self.next().to_le_bytes()];
        let mut bytes = [0; 10];
        bytes.iter_mut().zip(high.into_iter().chain(low)).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    fn secret_bytes(&self) -> [u8; 32] {
        self.seed()
    }
}

impl Variables for Memory {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.borrow().get(name).cloned()
    }
}
