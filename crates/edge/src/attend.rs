//! What waits for the component, as its face asks for it between requests.

use ports::Delivery;

use crate::due;
use crate::edge::Edge;
use crate::work::{self, Lease};
use crate::world::{StoreError, World};

impl<W: World> Edge<W> {
    /// Wakes entities that are due, then leases what is due for this component.
    pub fn next_work(&self) -> Result<Option<Lease>, StoreError> {
        if self.vault.problem().is_some() {
            // Whoever takes messages wants keys for most of them: they wait for the deployer.
            return Ok(None);
        }
        let component = &self.grants.component;
        if !due::has_due(&self.store, &self.composition, component, self.world.now())? {
            return Ok(None);
        }
        self.wake_due(WAKES_MAX)?;
        work::next(&self.store, &self.composition, component, &self.moment())
    }

    /// Ends a lease: one outcome for each message, or one for the job.
    pub fn settle_work(&self, lease: &str, outcomes: &[Delivery]) -> Result<(), StoreError> {
        let component = &self.grants.component;
        let settled = (lease, outcomes);
        let notes =
            work::settle(&self.store, &self.composition, component, settled, &self.moment())?;
        notes.into_iter().for_each(|note| self.trouble(note));
        Ok(())
    }

    /// Other components for which something is due.
    pub fn others(&self) -> Result<Vec<Call>, StoreError> {
        let component = &self.grants.component;
        let others = due::others(&self.store, &self.composition, component, self.world.now())?;
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let token = match self.vault.tick_token() {
            Ok(token) => token,
            Err(why) => {
                self.trouble(format!("nobody is told that something is due: {why}"));
                return Ok(Vec::new());
            }
        };
        let call = |id: String| Call {
            url: format!("http://{id}.spin.internal{TICK}"),
            token: token.to_owned(),
        };
        Ok(others.into_iter().map(call).collect())
    }
}

/// Whom to tell that something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Where.
    pub url: String,
    /// The components' own token.
    pub token: String,
}

/// Where a component hears that something is due; `ports-wasi` listens there.
const TICK: &str = "/_edge/tick?told";
/// Wakes of one look.
const WAKES_MAX: usize = 16;
