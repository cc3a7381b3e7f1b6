//! All ports of one component over the store.

use std::cell::RefCell;
use std::collections::BTreeSet;

use composition::Composition;
use kernel::Timestamp;
use ports::{
    Captured, Claims, Clock, Comparison, HttpRequest, HttpResponse, Letter, Mail, MailError,
    Outbound, OutboundError, PasswordError, ProofSignature, PublicEvent, Random, Variables,
};

use crate::cache::Cache;
#[cfg(feature = "tables")]
use crate::guard::Guard;
use crate::machines::Machines;
use crate::mail;
use crate::moment::Moment;
use crate::outbox::{Outbox, Subscriptions};
use crate::store::Store;
use crate::vault::Vault;
use crate::world::{StoreError, World};

/// What the manifest grants to the component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    /// Id of the component.
    pub(crate) component: String,
    /// Machines whose entities it may call.
    pub(crate) entities: BTreeSet<String>,
    /// What the names of its tables begin with; none where it has no tables.
    pub(crate) tables: Option<String>,
    /// May it sign access tokens?
    pub(crate) signs_tokens: bool,
    /// May it sign proofs?
    pub(crate) signs_proofs: bool,
}

/// The ports of a component. It lives as long as an instance: what it remembers is a cache.
pub struct Edge<W: World> {
    pub(crate) world: W,
    pub(crate) store: Store<W::Connection>,
    pub(crate) machines: Machines,
    pub(crate) composition: Composition,
    pub(crate) grants: Grants,
    pub(crate) outbox: Box<dyn Outbox<W::Connection>>,
    #[cfg(feature = "tables")]
    pub(crate) guard: Guard,
    pub(crate) cache: RefCell<Cache>,
    pub(crate) vault: Vault,
    troubles: RefCell<Vec<String>>,
    /// Of whoever listens.
    pub(crate) decided: RefCell<Option<Vec<Decided>>>,
}

/// What was decided, for those who follow an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Key of the entity.
    pub key: String,
    /// Its events.
    pub events: Vec<PublicEvent>,
    /// What was sent with them: topics and bodies.
    pub sent: Vec<(String, Vec<u8>)>,
}

impl Grants {
    fn of(composition: &Composition, component: &str) -> Self {
        let tool = composition.of(component);
        Self {
            component: component.to_owned(),
            entities: tool.iter().flat_map(|tool| tool.entities.iter().cloned()).collect(),
            tables: tool.and_then(|tool| tool.tables.clone()),
            signs_tokens: tool.is_some_and(|tool| tool.signs_tokens),
            signs_proofs: tool.is_some_and(|tool| tool.signs_proofs),
        }
    }
}

impl<W: World> Edge<W> {
    /// Opens the store for a component of a manifest.
    pub fn open(
        world: W,
        machines: Machines,
        composition: Composition,
        component: &str,
    ) -> Result<Self, StoreError> {
        let store = Store::open(&world)?;
        let vault = Vault::open(&world, &store)?;
        let grants = Grants::of(&composition, component);
        #[cfg(feature = "tables")]
        let guard = {
            let tools = composition.components.values();
            Guard::new(grants.tables.as_deref(), tools.filter_map(|tool| tool.tables.as_deref()))
        };
        let outbox = Box::new(Subscriptions::of(&composition));
        let (cache, troubles) = (RefCell::default(), RefCell::default());
        Ok(Self {
            world,
            store,
            machines,
            composition,
            grants,
            outbox,
            #[cfg(feature = "tables")]
            guard,
            cache,
            vault,
            troubles,
            decided: RefCell::default(),
        })
    }

    /// From now on what is decided is kept for [`Edge::take_decided`].
    pub fn listen(&self) {
        self.decided.borrow_mut().get_or_insert_default();
    }

    /// What was decided since, and is durable. Nobody listens any more.
    pub fn take_decided(&self) -> Vec<Decided> {
        self.decided.take().unwrap_or_default()
    }

    /// What went wrong in nobody's request since the last call, for the operator's log.
    pub fn take_troubles(&self) -> Vec<String> {
        self.troubles.take()
    }

    pub(crate) fn trouble(&self, what: String) {
        let mut troubles = self.troubles.borrow_mut();
        if troubles.len() < TROUBLES_MAX {
            troubles.push(what);
        }
    }

    /// Now, and what nobody can guess.
    pub(crate) fn moment(&self) -> Moment {
        Moment { now: self.world.now(), random: self.draw() }
    }

    pub(crate) fn draw<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.world.random(&mut bytes);
        bytes
    }
}

impl<W: World> Clock for Edge<W> {
    fn now(&self) -> Timestamp {
        self.world.now()
    }
}

impl<W: World> Random for Edge<W> {
    fn id_bytes(&self) -> [u8; 10] {
        self.draw()
    }

    fn secret_bytes(&self) -> [u8; 32] {
        self.draw()
    }
}

impl<W: World> Variables for Edge<W> {
    fn variable(&self, name: &str) -> Option<String> {
        // Every switch is off by default.
        let read = self.world.variable(name);
        read.inspect_err(|why| self.trouble(format!("variable {name}: {why}"))).ok().flatten()
    }
}

impl<W: World> Outbound for Edge<W> {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        self.world.send(request).await
    }
}

impl<W: World> Mail for Edge<W> {
    async fn send(&self, key: &str, letter: &Letter) -> Result<(), MailError> {
        mail::send(&self.world, &self.store, key, letter).await
    }

    async fn captured(&self, to: Option<&str>, limit: u32) -> Vec<Captured> {
        let kept = mail::captured(&self.world, &self.store, to, limit);
        kept.inspect_err(|error| self.trouble(format!("letters: {error}"))).unwrap_or_default()
    }
}

/// The vault, but for macs, which [`ports::Vault`] cannot refuse to make.
impl<W: World> Edge<W> {
    /// An access token with these claims.
    pub fn sign(&self, claims: &Claims) -> Result<String, String> {
        let Grants { component, signs_tokens, .. } = &self.grants;
        self.vault.sign(component, *signs_tokens, claims)
    }

    /// The claims of a token that is valid now.
    pub fn verify(&self, token: &str) -> Option<Claims> {
        if let Some(problem) = self.vault.problem() {
            self.trouble(problem.to_owned());
        }
        self.vault.verify(token, self.world.now())
    }

    /// Why there are no keys; a sentence for the deployer.
    pub fn obstacle(&self) -> Option<String> {
        self.vault.problem().map(str::to_owned)
    }

    /// The public keys as a JWK set.
    pub fn public_keys(&self) -> String {
        self.vault.public_keys()
    }

    /// The hash of a password.
    pub fn hash_password(&self, password: &str) -> Result<String, PasswordError> {
        Vault::hash_password(&self.world, password)
    }

    /// Compares a password with a stored hash; without one the same work is done.
    pub fn verify_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        Vault::verify_password(password, stored)
    }

    /// A keyed digest under a key of the component and a purpose.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> Result<[u8; 32], String> {
        self.vault.mac(&self.grants.component, purpose, message)
    }

    /// Signs what stood in a log at an instant.
    pub fn sign_proof(&self, at: Timestamp, message: &[u8]) -> Result<ProofSignature, String> {
        let Grants { component, signs_proofs, .. } = &self.grants;
        self.vault.sign_proof(component, *signs_proofs, at, message)
    }

    /// The public keys of proofs as a JWK set.
    pub fn proof_keys(&self) -> String {
        self.vault.proof_keys(self.world.now())
    }

    /// Is that the token of who may tick?
    pub fn admits(&self, token: &str) -> bool {
        self.vault.is_tick_token(token)
    }
}

/// An operator who does not look loses the later ones.
const TROUBLES_MAX: usize = 64;
