//! The sentences of each kind of letter.

use super::{Words, counted, plainly, total};
use crate::facts::Facts;
use crate::kind::Kind;

/// What a letter of that kind says about those facts.
pub(super) fn sentences(kind: Kind, facts: &Facts) -> Words {
    match kind {
        Kind::Opened => opened(facts),
        Kind::Outbid => outbid(facts),
        Kind::EndingSoon => ending_soon(facts),
        Kind::Extended => extended(facts),
        Kind::Won => won(facts),
        Kind::Lost => lost(facts),
        Kind::Sold => sold(facts),
        Kind::Unsold => unsold(facts),
        Kind::Cancelled => cancelled(facts),
    }
}

fn words(facts: &Facts, heading: &'static str, paragraphs: &[&str]) -> Words {
    Words {
        subject: format!("{heading}: {}", facts.title),
        heading,
        paragraphs: paragraphs.iter().map(|text| (*text).to_owned()).collect(),
        rows: Vec::new(),
        link: Some("Look at the auction"),
    }
}

impl Words {
    fn row(mut self, label: &'static str, value: Option<String>) -> Self {
        self.rows.extend(value.map(|value| (label, value)));
        self
    }

    fn ends(self, facts: &Facts) -> Self {
        self.row("Ends", facts.ends_at.map(plainly))
    }

    fn price(self, label: &'static str, facts: &Facts) -> Self {
        self.row(label, facts.price.map(|price| price.to_string()))
    }

    fn units(mut self, label: &'static str, facts: &Facts) -> Self {
        self.rows.extend(facts.units.iter().map(|units| (label, counted(units))));
        self.row("Together", total(&facts.units).map(|total| total.to_string()))
    }
}

fn opened(facts: &Facts) -> Words {
    let said = if facts.to_seller {
        words(facts, "Your auction is open", &["Your auction takes bids from now on."])
    } else {
        words(facts, "Open now", &["An auction that you watch takes bids from now on."])
    };
    said.price(if facts.is_reverse() { "Highest ask" } else { "Starts at" }, facts).ends(facts)
}

fn outbid(facts: &Facts) -> Words {
    let (text, link, next) = if facts.is_reverse() {
        ("Somebody asks for less than you do, so you no longer lead.", "Ask again", "At most")
    } else {
        ("Somebody has bid more than you, so you no longer lead.", "Bid again", "At least")
    };
    let mut said = words(facts, "You were outbid", &[text]);
    said.link = Some(link);
    said.price("Price now", facts).row(next, facts.next.map(|next| next.to_string())).ends(facts)
}

fn ending_soon(facts: &Facts) -> Words {
    let text = "An auction that you watch or bid in ends in a few minutes.";
    words(facts, "Ending soon", &[text]).price("Price now", facts).ends(facts)
}

fn extended(facts: &Facts) -> Words {
    let text = "A late bid has moved the end of an auction that you watch or bid in.";
    let more = "It may move again: the auction itself shows the end that counts. We write about \
                this once in ten minutes at most.";
    words(facts, "More time", &[text, more]).price("Price now", facts).ends(facts)
}

fn won(facts: &Facts) -> Words {
    let text = if facts.is_reverse() {
        "Yours is the lowest ask. This is what you are paid:"
    } else {
        "Congratulations, it is yours. This is what you pay:"
    };
    words(facts, "You won", &[text]).units("Price", facts)
}

fn lost(facts: &Facts) -> Words {
    match facts.reason.as_deref() {
        Some("reserve_not_met") => {
            let text = "The auction has ended without a sale: no bid met the reserve. You owe \
                        nothing.";
            words(facts, "Not sold", &[text])
        }
        Some("bought_now") => {
            let text = "Somebody took the Buy It Now price. You owe nothing.";
            words(facts, "Somebody else bought it", &[text])
        }
        _ => {
            let text = "The auction has ended and somebody else won. You owe nothing.";
            words(facts, "Somebody else won", &[text])
        }
    }
}

fn sold(facts: &Facts) -> Words {
    if facts.is_reverse() {
        let text = "Your auction has ended with a winner. This is what you pay:";
        return words(facts, "You have a winner", &[text]).units("Price", facts);
    }
    let text = match facts.reason.as_deref() {
        Some("bought_now") => "Somebody took your Buy It Now price.",
        _ => "Your auction has ended with a sale.",
    };
    words(facts, "Sold", &[text]).units("Price", facts)
}

fn unsold(facts: &Facts) -> Words {
    let text = match facts.reason.as_deref() {
        Some("reserve_not_met") => {
            "Your auction has ended: no bid met the reserve. You can offer it to somebody who bid, \
             or list it again."
        }
        _ => "Your auction has ended and nobody has bid. You can list it again.",
    };
    words(facts, "Not sold", &[text])
}

fn cancelled(facts: &Facts) -> Words {
    let text = match (facts.to_seller, facts.reason.as_deref()) {
        (true, _) => "Your auction was called off. All bids have lapsed.",
        (false, Some("cancelled_by_seller")) => {
            "The seller has called this auction off. All bids have lapsed; nobody owes anything."
        }
        (false, _) => {
            "This auction was called off. All bids have lapsed, and nobody owes anything."
        }
    };
    let mut said = words(facts, "Called off", &[text]);
    said.link = said.link.filter(|_| !facts.deleted);
    said.row("Reason", facts.note.clone())
}
