//! What the API refused, as its problem document says it.

use kernel::Money;
use serde::Deserialize;
use web::Problem;

/// A refusal.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) errors: Vec<Wrong>,
    /// Refused bids tell what would be taken.
    pub(crate) next_minimum: Option<Money>,
    pub(crate) next_maximum: Option<Money>,
}

/// A field that was wrong.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Wrong {
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

impl Refusal {
    /// Reads a problem document; what is none is one of our own faults.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let read: Option<Self> = serde_json::from_slice(body).ok();
        let read = read.filter(|refusal| !refusal.code.is_empty());
        let detail = "The platform gave an answer that this page does not understand.".to_owned();
        let code = "internal_error".to_owned();
        read.unwrap_or(Self { status, code, detail, ..Self::default() })
    }

    /// A refusal of the storefront's own.
    pub(crate) fn of(status: u16, code: &str, detail: &str) -> Self {
        Self { status, code: code.to_owned(), detail: detail.to_owned(), ..Self::default() }
    }

    /// The field of a bid that it is about; empty where it is about something else.
    pub(crate) fn bid_field(&self) -> &'static str {
        match self.code.as_str() {
            "bid_too_low" | "own_max_not_raised" | "ask_too_high" | "invalid_money" => "amount",
            "invalid_quantity" => "quantity",
            _ => "",
        }
    }

    /// The same as a problem of the page.
    pub(crate) fn into_problem(self) -> Problem {
        // Not 401: a page is not asked again with a token.
        let status = if self.status == 401 { 403 } else { self.status };
        Problem::new(status, self.code, self.detail)
    }

    /// The sentences for a person: what is wrong with each field, or with all of it.
    pub(crate) fn sentences(&self) -> Vec<String> {
        if self.errors.is_empty() {
            return vec![self.detail.clone()];
        }
        let sentence = |wrong: &Wrong| {
            let field = wrong.pointer.trim_start_matches(['/', '?']).replace(['/', '_'], " ");
            if field.is_empty() {
                wrong.detail.clone()
            } else {
                format!("{field}: {}", wrong.detail)
            }
        };
        self.errors.iter().map(sentence).collect()
    }
}
