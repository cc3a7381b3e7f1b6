//! Live connections (docs/adr/0036): logs that are followed as they grow, by sockets and streams.
//!
//! Whoever decides says so to the hub; a relay waits until that is durable, has it encoded once by
//! the component that speaks to the clients, and tells all who follow. Nothing here knows what a
//! frame says.

mod body;
mod catch_up;
mod clock;
mod hub;
mod relay;
mod seats;
mod socket;
mod stream;
mod upgrade;

pub(crate) use body::Body;
pub(crate) use hub::Hub;
pub(crate) use relay::relay;
pub(crate) use seats::{SOCKETS_PER_CLIENT_MAX, SOCKETS_PER_USER_MAX, Seats};
pub(crate) use stream::stream;
pub(crate) use upgrade::{Asked, is_upgrade, upgrade};

use std::sync::Arc;

use tokio::sync::watch;

use crate::machines::Machines;

/// What live connections work with.
pub(crate) struct Live {
    /// Entities, and the hub.
    pub(crate) machines: Arc<Machines>,
    /// How many there may be of whom.
    pub(crate) seats: Arc<Seats>,
    /// Turns true when the platform stops.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// Ends when the platform stops.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
