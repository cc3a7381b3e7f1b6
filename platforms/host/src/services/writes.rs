//! Turns of requests that write, where a component lets few run at once: each holds its body whole
//! and may use much memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns of one component.
pub(crate) struct Writes {
    /// Bodies that are being read or wait for their turn.
    bodies: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// It is somebody's turn until this is dropped.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Writes {
    pub(super) fn new(at_once_max: usize) -> Self {
        let bodies = at_once_max.saturating_mul(BODIES_PER_RUNNING);
        Self {
            bodies: Arc::new(Semaphore::new(bodies)),
            running: Arc::new(Semaphore::new(at_once_max)),
        }
    }

    /// A turn to send a body; none while too many do.
    pub(crate) async fn read(&self) -> Option<Turn> {
        turn(&self.bodies, BODY_WAIT_MAX).await
    }

    /// A turn to run; none when it does not come soon.
    pub(crate) async fn run(&self) -> Option<Turn> {
        turn(&self.running, RUN_WAIT_MAX).await
    }
}

async fn turn(turns: &Arc<Semaphore>, wait_max: Duration) -> Option<Turn> {
    let permit = tokio::time::timeout(wait_max, Arc::clone(turns).acquire_owned()).await;
    Some(Turn { _permit: permit.ok()?.ok()? })
}

/// A slow client must not keep others from running.
const BODIES_PER_RUNNING: usize = 8;
const BODY_WAIT_MAX: Duration = Duration::from_secs(2);
const RUN_WAIT_MAX: Duration = Duration::from_secs(10);
