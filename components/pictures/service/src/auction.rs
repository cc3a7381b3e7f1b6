//! What the service says to the machine, and hears.

use kernel::{Digest, Id, kind};
use ports::{Entities, EntityError, Ports};
use serde::{Deserialize, Serialize};
use web::Problem;

use crate::MACHINE;

/// What the machine says of an auction, as far as pictures need it.
#[derive(Debug, Deserialize)]
pub(crate) struct View {
    pub(crate) fixed: Fixed,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fixed {
    pub(crate) seller: String,
    pub(crate) pictures: Vec<Placed>,
}

/// A picture that stands somewhere.
#[derive(Debug, Deserialize)]
pub(crate) struct Placed {
    pub(crate) n: u8,
    pub(crate) id: Id<kind::Picture>,
}

/// A picture as the machine takes it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Picture {
    pub(crate) n: u8,
    pub(crate) id: Id<kind::Picture>,
    pub(crate) sha256: Digest,
    pub(crate) content_type: &'static str,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// A command to the machine.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command<'a> {
    SetPicture { replaces: Option<Id<kind::Picture>>, picture: &'a Picture },
    RemovePicture { n: u8, id: Id<kind::Picture> },
}

/// What came of a command.
pub(crate) enum Outcome {
    /// It is so.
    Done,
    /// Another picture stands there than the one that was named.
    Stale,
    /// Business said no.
    Refused(Problem),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Auction {},
    Refused { code: String, detail: String },
}

impl View {
    /// The picture at a place.
    pub(crate) fn at(&self, n: u8) -> Option<Id<kind::Picture>> {
        self.fixed.pictures.iter().find(|placed| placed.n == n).map(|placed| placed.id)
    }

    /// Does the picture stand anywhere?
    pub(crate) fn shows(&self, id: Id<kind::Picture>) -> bool {
        self.fixed.pictures.iter().any(|placed| placed.id == id)
    }
}

/// The auction; none when there is no such one.
pub(crate) async fn view<P: Ports>(ports: &P, id: &str) -> Result<Option<View>, EntityError> {
    let answer = Entities::query(ports, MACHINE, id, None, b"\"view\"".to_vec()).await?;
    let broken = |error: serde_json::Error| EntityError::MachineFault(error.to_string());
    serde_json::from_slice(&answer).map_err(broken)
}

/// Sends a command in a user's name.
pub(crate) async fn send<P: Ports>(
    ports: &P,
    id: &str,
    user: &str,
    command: &Command<'_>,
) -> Result<Outcome, Problem> {
    let body = serde_json::to_vec(command).map_err(|_| Problem::internal())?;
    // What it asks for is either so already or done once: a key of its own does no harm.
    let command_id = Id::<kind::Bid>::new(ports.now(), ports.id_bytes()).to_string();
    let reply = Entities::call(ports, MACHINE, id, &command_id, Some(user), body).await?;
    let reply = serde_json::from_slice(&reply).map_err(|_| Problem::internal())?;
    let Reply::Refused { code, detail } = reply else { return Ok(Outcome::Done) };
    let problem = match code.as_str() {
        "precondition_failed" => return Ok(Outcome::Stale),
        "auction_not_found" => Problem::not_found(),
        "forbidden" => Problem::new(403, code, detail),
        "frozen_after_bid" | "auction_closed" => Problem::new(409, code, detail),
        // A code that this service does not know, or one that says that it spoke wrongly.
        _ => Problem::internal(),
    };
    Ok(Outcome::Refused(problem))
}
