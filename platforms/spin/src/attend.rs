//! What waits for the component, as its face asks for it between requests.

use ports::{Delivery, HttpRequest};

use crate::due;
use crate::edge::Edge;
use crate::work::{self, Lease};
use crate::world::{StoreError, World};

impl<W: World> Edge<W> {
    /// Wakes entities that are due, then leases what is due for this component.
    pub fn next_work(&self) -> Result<Option<Lease>, StoreError> {
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

    /// Tells the other components for which something is due. Each answers before it begins.
    pub fn tell(&self) -> Result<(), StoreError> {
        let component = &self.grants.component;
        let others = due::others(&self.store, &self.composition, component, self.world.now())?;
        for other in others {
            let told = self.vault.tick_token().and_then(|token| self.tick(&other, token));
            if let Err(why) = told {
                self.trouble(format!("{other} is not told that something is due: {why}"));
            }
        }
        Ok(())
    }

    fn tick(&self, component: &str, token: &str) -> Result<(), String> {
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: format!("http://{component}.spin.internal{TICK}"),
            headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
            body: Vec::new(),
        };
        match self.world.send(&request) {
            Ok(answer) if answer.status == 202 => Ok(()),
            Ok(answer) => Err(format!("it answers {}", answer.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Where a component hears that something is due; `ports-wasi` listens there.
const TICK: &str = "/_edge/tick";
/// Wakes of one look.
const WAKES_MAX: usize = 16;
