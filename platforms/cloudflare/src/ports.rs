//! The ports of a service in this Worker. Durable things are asked for: entities, rates and the
//! post are objects, tables are D1.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kernel::{Digest, Timestamp};
use ports::{
    Captured, Claims, Clock, Comparison, Engine, Entities, EntityError, HttpRequest, HttpResponse,
    Letter, Limits, Mail, MailError, Outbound, OutboundError, PasswordError, Policy,
    ProofSignature, PublicEvent, Random, Variables, Vault,
};
use worker::{Delay, Env, Stub};

use crate::fault::note;
use crate::messages::ENTITIES;
use crate::pages::LogPage;
use crate::wire::{
    self, Answer, Kept, Operated, TakeToken, ToEntity, ToPost, Told4, Unsent, Written,
};
use crate::{neighbours, outward, settings};

/// The ports of one component, for one request or one batch.
pub(crate) struct WorkerPorts<'e> {
    pub(crate) env: &'e Env,
    pub(crate) component: &'e str,
    /// Does another component wait for it?
    pub(crate) is_asked: bool,
    /// Whose inboxes have something to read since.
    told: RefCell<BTreeSet<String>>,
}

impl<'e> WorkerPorts<'e> {
    pub(crate) fn of(env: &'e Env, component: &'e str) -> Self {
        Self { env, component, is_asked: false, told: RefCell::default() }
    }

    /// The ports of a component for a request of another one.
    pub(crate) fn asked(env: &'e Env, component: &'e str) -> Self {
        Self { is_asked: true, ..Self::of(env, component) }
    }

    /// Components for which messages were written.
    pub(crate) fn take_told(&self) -> BTreeSet<String> {
        self.told.take()
    }

    pub(crate) fn tell(&self, component: &str) {
        self.told.borrow_mut().insert(component.to_owned());
    }

    fn granted(&self, machine: &str) -> Result<(), EntityError> {
        let is_granted = settings::composition(|composition| {
            let tool = composition.of(self.component);
            tool.is_some_and(|tool| tool.entities.iter().any(|granted| granted == machine))
        });
        if is_granted { Ok(()) } else { Err(EntityError::NotGranted) }
    }

    fn entity(&self, machine: &str, key: &str) -> Result<Stub, EntityError> {
        self.granted(machine)?;
        self.object(ENTITIES, &format!("{machine}/{key}")).map_err(EntityError::Unavailable)
    }

    /// A part of an entity's log, for an operator.
    pub(crate) async fn archived(
        &self,
        machine: &str,
        key: &str,
        query: &str,
    ) -> Result<Operated, String> {
        let entity = self.object(ENTITIES, &format!("{machine}/{key}"))?;
        let [machine, key, query] = [machine, key, query].map(str::to_owned);
        wire::ask(&entity, &ToEntity::Archive { machine, key, query }).await
    }

    fn object(&self, class: &str, name: &str) -> Result<Stub, String> {
        let stub = self.env.durable_object(class).and_then(|all| all.get_by_name(name));
        stub.map_err(|error| error.to_string())
    }

    async fn ask_entity<R: serde::de::DeserializeOwned>(
        &self,
        entity: &Stub,
        question: &ToEntity,
    ) -> Result<R, EntityError> {
        let answer = wire::ask::<_, Answer<R>>(entity, question).await;
        Ok(answer.map_err(EntityError::Unavailable)??)
    }
}

impl Entities for WorkerPorts<'_> {
    async fn call(
        &self,
        machine: &str,
        key: &str,
        command_id: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        let entity = self.entity(machine, key)?;
        let call = ToEntity::Call {
            machine: machine.to_owned(),
            key: key.to_owned(),
            command_id: command_id.to_owned(),
            principal: principal.map(str::to_owned),
            body,
        };
        self.ask_entity(&entity, &call).await
    }

    async fn query(
        &self,
        machine: &str,
        key: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        let entity = self.entity(machine, key)?;
        let query = ToEntity::Query {
            machine: machine.to_owned(),
            key: key.to_owned(),
            principal: principal.map(str::to_owned),
            body,
        };
        self.ask_entity(&entity, &query).await
    }

    async fn events(
        &self,
        machine: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicEvent>, EntityError> {
        let entity = self.entity(machine, key)?;
        let page = LogPage::of(machine, key, after, limit);
        if let Some(page) = &page
            && let Some(events) = page.read(self.env).await
        {
            return Ok(events.into_iter().map(wire::public_event).collect());
        }
        let (machine, key) = (machine.to_owned(), key.to_owned());
        let events = ToEntity::Events { machine, key, after, limit };
        let events: Vec<Told4> = self.ask_entity(&entity, &events).await?;
        if let Some(page) = page {
            page.keep(self.env, &events).await;
        }
        Ok(events.into_iter().map(wire::public_event).collect())
    }

    async fn engine(&self, machine: &str) -> Result<Engine, EntityError> {
        self.granted(machine)?;
        let version = settings::composition(|manifest| manifest.version().map(str::to_owned));
        let component_sha256 = settings::machines().component_sha256(machine)?;
        Ok(Engine { component_sha256, version: version.unwrap_or_default() })
    }
}

impl Limits for WorkerPorts<'_> {
    async fn take(&self, bucket: &str, policy: Policy) -> Result<(), u64> {
        let bucket = format!("{}/{bucket}", self.component);
        let digest = Digest::of(&[bucket.as_bytes()]);
        let share = digest.as_bytes().first().map_or(0, |first| first % SHARES);
        let Policy { capacity, refill_ms } = policy;
        let taken = async {
            let limits = self.object("LIMITS", &format!("share-{share}"))?;
            wire::ask::<_, Result<(), u64>>(&limits, &TakeToken { bucket, capacity, refill_ms })
                .await
        };
        taken.await.unwrap_or_else(|why| {
            note(&format!("a rate of {}: {why}", self.component));
            // What cannot be counted is not granted: guessing would be free.
            Err(UNCOUNTED_MS)
        })
    }
}

impl Mail for WorkerPorts<'_> {
    async fn send(&self, key: &str, letter: &Letter) -> Result<(), MailError> {
        let post = self.object("POST", "post").map_err(MailError::Unavailable)?;
        let send = ToPost::Send { key: key.to_owned(), letter: Written::from(letter) };
        let sent = wire::ask::<_, Result<(), Unsent>>(&post, &send).await;
        Ok(sent.map_err(MailError::Unavailable)??)
    }

    async fn captured(&self, to: Option<&str>, limit: u32) -> Vec<Captured> {
        let question = ToPost::Captured { to: to.map(str::to_owned), limit };
        let kept =
            async { wire::ask::<_, Vec<Kept>>(&self.object("POST", "post")?, &question).await };
        let kept = kept.await.inspect_err(|why| note(&format!("letters: {why}")));
        kept.unwrap_or_default().into_iter().map(wire::captured).collect()
    }
}

impl Vault for WorkerPorts<'_> {
    async fn sign_access_token(&self, claims: &Claims) -> Result<String, String> {
        let may_sign = settings::composition(|composition| {
            composition.of(self.component).is_some_and(|tool| tool.signs_tokens)
        });
        settings::vault(self.env).sign(self.component, may_sign, claims)
    }

    async fn verify_access_token(&self, token: &str) -> Option<Claims> {
        settings::vault(self.env).verify(token, wire::now())
    }

    async fn public_keys(&self) -> String {
        settings::vault(self.env).public_keys()
    }

    async fn hash_password(&self, password: &str) -> Result<String, PasswordError> {
        let _turn = Turn::take().await?;
        let mut salt = [0; vault::SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|error| PasswordError::Failed(error.to_string()))?;
        vault::hash_password(password, &salt)
    }

    async fn verify_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        let _turn = Turn::take().await?;
        vault::verify_password(password, stored)
    }

    async fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let made = settings::vault(self.env).mac(self.component, purpose, message);
        // Without keys nothing is written; what is read matches nothing.
        made.unwrap_or_else(|_| drawn())
    }

    async fn sign_proof(&self, at: Timestamp, message: &[u8]) -> Result<ProofSignature, String> {
        let may_prove = settings::composition(|composition| {
            composition.of(self.component).is_some_and(|tool| tool.signs_proofs)
        });
        settings::vault(self.env).sign_proof(self.component, may_prove, at, message)
    }

    async fn proof_keys(&self) -> String {
        settings::vault(self.env).proof_keys(wire::now())
    }
}

impl Outbound for WorkerPorts<'_> {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        match neighbours::address(&request.url) {
            Some(url) => neighbours::ask(self, &url, request).await,
            None => outward::send(request).await,
        }
    }
}

impl Clock for WorkerPorts<'_> {
    fn now(&self) -> Timestamp {
        wire::now()
    }
}

impl Random for WorkerPorts<'_> {
    fn id_bytes(&self) -> [u8; 10] {
        drawn()
    }

    fn secret_bytes(&self) -> [u8; 32] {
        drawn()
    }
}

impl Variables for WorkerPorts<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        settings::variable(self.env, name)
    }
}

/// A turn at the passwords. An isolate hashes one at a time and does nothing else meanwhile, so few
/// may wait for theirs, and other requests run in between.
struct Turn(u64);

impl Turn {
    async fn take() -> Result<Self, PasswordError> {
        let now = wire::now().as_ms();
        let turn = WAITING.with_borrow_mut(|waiting| {
            // The timer of a client that went away never rings, and nobody drops its turn.
            waiting.retain(|_, since| now - *since < FORGOTTEN_MS);
            if waiting.len() >= WAITING_MAX {
                return Err(PasswordError::Busy);
            }
            let turn = waiting.last_key_value().map_or(0, |(last, _)| last + 1);
            waiting.insert(turn, now);
            Ok(Self(turn))
        })?;
        Delay::from(Duration::ZERO).await;
        Ok(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        WAITING.with_borrow_mut(|waiting| waiting.remove(&self.0));
    }
}

thread_local! {
    /// Turns, and since when they are waited for.
    static WAITING: RefCell<BTreeMap<u64, i64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Bytes that nobody can guess.
#[allow(clippy::expect_used, reason = "a secret that can be guessed is worse than a panic")]
pub(crate) fn drawn<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the runtime has randomness");
    bytes
}

/// Objects that share the buckets.
const SHARES: u8 = 16;
/// Passwords that wait in an isolate: some seconds.
const WAITING_MAX: usize = 16;
const FORGOTTEN_MS: i64 = 10_000;
const UNCOUNTED_MS: u64 = 1_000;
