//! Ports that write down what is asked of them.

use std::cell::{Cell, RefCell};

use kernel::Timestamp;
use ports::memory::Memory;
use ports::*;

pub(crate) struct Watched<'a> {
    pub(crate) memory: &'a Memory,
    pub(crate) calls: RefCell<Vec<String>>,
    /// Passwords are neither hashed nor compared: too many at once.
    pub(crate) is_busy: Cell<bool>,
    /// Every stored hash is weaker than new ones.
    pub(crate) is_outdated: Cell<bool>,
    /// What happens before the next token is signed: somebody else's request.
    between: RefCell<Option<Between>>,
}

type Between = Box<dyn FnOnce(&Memory)>;

impl<'a> Watched<'a> {
    pub(crate) fn over(memory: &'a Memory) -> Self {
        Self {
            memory,
            calls: RefCell::default(),
            is_busy: Cell::new(false),
            is_outdated: Cell::new(false),
            between: RefCell::default(),
        }
    }

    pub(crate) fn before_first_sign(&self, between: impl FnOnce(&Memory) + 'static) {
        *self.between.borrow_mut() = Some(Box::new(between));
    }

    fn note(&self, call: impl Into<String>) {
        self.calls.borrow_mut().push(call.into());
    }
}

impl Objects for Watched<'_> {
    async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.memory.put(key, content_type, bytes).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        self.memory.get(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        self.memory.delete(key).await
    }
}

impl Sql for Watched<'_> {
    async fn query(&self, statement: Statement) -> Result<Outcome, SqlError> {
        self.note(format!("query {}", statement.sql));
        Sql::query(self.memory, statement).await
    }

    async fn batch_and_send(
        &self,
        statements: Vec<Statement>,
        messages: Vec<Outgoing>,
    ) -> Result<Vec<Outcome>, SqlError> {
        for statement in &statements {
            self.note(format!("write {}", statement.sql));
        }
        for message in &messages {
            self.note(format!("send {} of {} bytes", message.topic, message.body.len()));
        }
        let outcomes = self.memory.batch_and_send(statements, messages).await?;
        // A batch that changes nothing is not synced, and takes a hundredth of the time.
        let changes = outcomes.iter().any(|outcome| outcome.changes > 0);
        self.note(if changes { "something is written" } else { "nothing is written" });
        Ok(outcomes)
    }

    async fn project(&self, key: &str, statement: Statement) -> Result<(), SqlError> {
        self.memory.project(key, statement).await
    }
}

impl Vault for Watched<'_> {
    async fn sign_access_token(&self, claims: &Claims) -> Result<String, String> {
        self.note("sign");
        let between = self.between.borrow_mut().take();
        between.into_iter().for_each(|between| between(self.memory));
        self.memory.sign_access_token(claims).await
    }

    async fn verify_access_token(&self, token: &str) -> Option<Claims> {
        self.memory.verify_access_token(token).await
    }

    async fn public_keys(&self) -> String {
        self.memory.public_keys().await
    }

    async fn hash_password(&self, password: &str) -> Result<String, PasswordError> {
        self.note("hash");
        if self.is_busy.get() {
            return Err(PasswordError::Busy);
        }
        self.memory.hash_password(password).await
    }

    async fn verify_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        self.note("verify");
        if self.is_busy.get() {
            return Err(PasswordError::Busy);
        }
        let compared = self.memory.verify_password(password, stored).await?;
        let outdated = compared.matches && self.is_outdated.get();
        Ok(Comparison { outdated, ..compared })
    }

    async fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.note(format!("mac {purpose}"));
        self.memory.mac(purpose, message).await
    }

    async fn sign_proof(&self, at: Timestamp, message: &[u8]) -> Result<ProofSignature, String> {
        self.memory.sign_proof(at, message).await
    }

    async fn proof_keys(&self) -> String {
        self.memory.proof_keys().await
    }
}

impl Limits for Watched<'_> {
    async fn take(&self, bucket: &str, policy: Policy) -> Result<(), u64> {
        let name = bucket.split(':').next().unwrap_or_default();
        self.note(format!("take {name} {policy:?}"));
        self.memory.take(bucket, policy).await
    }
}

impl Mail for Watched<'_> {
    async fn send(&self, key: &str, letter: &Letter) -> Result<(), MailError> {
        self.note("mail");
        Mail::send(self.memory, key, letter).await
    }

    async fn captured(&self, to: Option<&str>, limit: u32) -> Vec<Captured> {
        self.memory.captured(to, limit).await
    }
}

impl Outbound for Watched<'_> {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        Outbound::send(self.memory, request).await
    }
}

impl Clock for Watched<'_> {
    fn now(&self) -> Timestamp {
        self.memory.now()
    }
}

impl Random for Watched<'_> {
    fn id_bytes(&self) -> [u8; 10] {
        self.memory.id_bytes()
    }

    fn secret_bytes(&self) -> [u8; 32] {
        self.memory.secret_bytes()
    }
}

impl Variables for Watched<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.memory.variable(name)
    }
}

impl Entities for Watched<'_> {
    async fn call(
        &self,
        machine: &str,
        key: &str,
        command_id: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        self.memory.call(machine, key, command_id, principal, body).await
    }

    async fn query(
        &self,
        machine: &str,
        key: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        Entities::query(self.memory, machine, key, principal, body).await
    }

    async fn events(
        &self,
        machine: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicEvent>, EntityError> {
        self.memory.events(machine, key, after, limit).await
    }

    async fn engine(&self, machine: &str) -> Result<Engine, EntityError> {
        self.memory.engine(machine).await
    }
}
