//! All ports of one component over the store.

use std::cell::RefCell;
use std::collections::BTreeSet;

use kernel::Timestamp;
use ports::{Clock, HttpRequest, HttpResponse, Outbound, OutboundError, Random, Variables};

use crate::cache::Cache;
use crate::guard::Guard;
use crate::machines::Machines;
use crate::outbox::{Nobody, Outbox};
use crate::store::Store;
use crate::world::{StoreError, World};

/// What the manifest grants to the component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Id of the component.
    pub component: String,
    /// Machines whose entities it may call.
    pub entities: BTreeSet<String>,
    /// What the names of its tables begin with; none where it has no tables.
    pub tables: Option<String>,
    /// May it sign access tokens?
    pub signs_tokens: bool,
}

/// The ports of a component. It lives as long as an instance: what it remembers is a cache.
pub struct Edge<W: World> {
    pub(crate) world: W,
    pub(crate) store: Store<W::Connection>,
    pub(crate) machines: Machines,
    pub(crate) grants: Grants,
    pub(crate) outbox: Box<dyn Outbox<W::Connection>>,
    pub(crate) guard: Guard,
    pub(crate) cache: RefCell<Cache>,
    troubles: RefCell<Vec<String>>,
}

impl<W: World> Edge<W> {
    /// Opens the store for a component.
    pub fn open(world: W, machines: Machines, grants: Grants) -> Result<Self, StoreError> {
        let store = Store::open(&world)?;
        let guard = Guard::new(grants.tables.as_deref());
        let outbox = Box::new(Nobody);
        let (cache, troubles) = (RefCell::default(), RefCell::default());
        Ok(Self { world, store, machines, grants, outbox, guard, cache, troubles })
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
        self.world.variable(name)
    }
}

impl<W: World> Outbound for Edge<W> {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        self.world.send(request)
    }
}

/// An operator who does not look loses the later ones.
const TROUBLES_MAX: usize = 64;
