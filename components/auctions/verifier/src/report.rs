//! What the verifier says.

use kernel::Digest;
use proof::Flaw;
use serde::Serialize;

/// The whole answer.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Nothing in it is wrong.
    pub(crate) ok: bool,
    pub(crate) auction_id: Option<String>,
    pub(crate) format: Option<String>,
    /// How many events were checked.
    pub(crate) events: u64,
    /// Head after them.
    pub(crate) head: Option<Digest>,
    /// `scheduled`, `open`, `closed`.
    pub(crate) status: Option<&'static str>,
    /// What was checked and holds.
    pub(crate) checked: Vec<String>,
    /// What public data do not determine.
    pub(crate) undecided: Vec<Undecided>,
    pub(crate) first_bad: Option<FirstBad>,
}

/// What cannot be told, and about which event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Undecided {
    pub(crate) seq: Option<u64>,
    pub(crate) what: String,
}

/// The first thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FirstBad {
    /// None when it is about no event.
    pub(crate) seq: Option<u64>,
    pub(crate) what: String,
}

impl From<Flaw> for FirstBad {
    fn from(Flaw { seq, what }: Flaw) -> Self {
        Self { seq, what }
    }
}

impl Report {
    /// Of a request that could not be read.
    pub(crate) fn refused(flaw: Flaw) -> Self {
        Self { first_bad: Some(flaw.into()), ..Self::default() }
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Texts, numbers and lists: there is nothing that JSON cannot say.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
