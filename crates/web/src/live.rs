//! What services say of live connections: what is followed, and the frames (`wit/edge`, `socket`).
//!
//! The platform keeps sockets and streams and pumps to them what [`Told`] holds, the same bytes for
//! everyone. What a frame says is a capability's business.

use crate::Response;

/// A log that is followed as it grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// Machine of the entity.
    pub machine: String,
    /// Key of the entity.
    pub key: String,
    /// The events after this one follow, each once and in order.
    pub after: u64,
}

/// A socket that may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it follows.
    pub following: Following,
    /// Its first frame.
    pub hello: String,
    /// Who is behind it; none for somebody who watches.
    pub principal: Option<String>,
    /// When whoever is behind it must sign in again, milliseconds.
    pub expires_at: Option<i64>,
    /// The instant before which the sockets of the log are told the time, milliseconds.
    pub ends_at: Option<i64>,
    /// The client cannot go on where it was: it gets its first frame, then this close code.
    pub closes_with: Option<u16>,
    /// What the service wants to know of the socket with each of its messages.
    pub context: String,
}

/// Something that one decision sent to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Topic.
    pub topic: String,
    /// JSON body.
    pub body: Vec<u8>,
}

/// What is told of a decision, encoded once for everyone who follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Its events, in order.
    pub events: Vec<Telling>,
    /// What is for somebody alone.
    pub whispers: Vec<Whisper>,
    /// The end as it is now, where the decision says so, milliseconds.
    pub ends_at: Option<i64>,
    /// The entity is gone.
    pub is_gone: bool,
}

/// An event as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// Position in the log.
    pub seq: u64,
    /// As a text frame for sockets.
    pub frame: String,
    /// As a piece of a stream of server-sent events.
    pub piece: String,
}

/// A frame for the sockets of one principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whisper {
    /// Whose.
    pub principal: String,
    /// The frame.
    pub frame: String,
}

/// What becomes of a client's message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answered {
    /// Frames for this socket alone.
    pub frames: Vec<String>,
    /// Close code, where the socket is to be closed.
    pub closes_with: Option<u16>,
}

impl Response {
    /// The same response, which goes on with what is told of that log.
    #[must_use]
    pub fn followed_by(mut self, following: Following) -> Self {
        self.live = Some(following);
        self
    }
}
