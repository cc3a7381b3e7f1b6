//! The terms of an auction in plain words, with the number of each rule.

use crate::close::Movement;
use crate::contract::Rule;
use crate::event::{Listing, Retraction};
use crate::formats::rule;

/// Every rule that holds for an auction with these terms.
pub(crate) fn rules(listing: &Listing) -> Vec<Rule> {
    let mut rules = listing.format.rules().explain(listing);
    if let Some(ladder) = &listing.ladder {
        let bands = ladder
            .bands()
            .iter()
            .map(|band| format!("{} from {}", listing.money(band.step), listing.money(band.from)));
        let bands: Vec<_> = bands.collect();
        rules.push(rule("B1", "Increments", format!("An increment is {}.", bands.join(", "))));
    }
    if let Some(price) = listing.buy_now {
        let until = match listing.reserve {
            None => "the first bid",
            Some(_) => "the reserve is met",
        };
        let text = format!(
            "{} buys at once and ends the auction. This is offered until {until} and never comes \
             back.",
            listing.money(price)
        );
        rules.push(rule("B4.2", "Buy It Now", text));
    }
    rules.push(end(listing));
    rules.push(rule(
        "B6",
        "The end",
        "A bid counts when the server takes it before the end; at the end or later it is refused. \
         The server's clock decides.",
    ));
    rules.push(retraction(listing));
    rules
}

fn end(listing: &Listing) -> Rule {
    let Some(soft) = listing.soft_close else {
        let text = format!("The auction ends at {}. The end does not move.", listing.scheduled_end);
        return rule("B6", "Hard close", text);
    };
    let moves = match soft.mode {
        Movement::Reset => format!("to {} s after that bid", soft.extension_seconds),
        Movement::Add => format!("by {} s", soft.extension_seconds),
    };
    let mut text = format!(
        "The auction is due to end at {}. A bid in the last {} s that changes leader or price \
         moves the end {moves}.",
        listing.scheduled_end, soft.window_seconds
    );
    if let Some(stop) = soft.hard_stop_at {
        text.push_str(&format!(" It never ends later than {stop}."));
    }
    rule("B6", "Soft close", text)
}

fn retraction(listing: &Listing) -> Rule {
    if !listing.format.has_retraction() {
        let text = if listing.format.rules().is_sealed() {
            "Until the close you may withdraw your bid."
        } else {
            "An acceptance binds."
        };
        return rule("B8", "Taking back", text);
    }
    let text = match listing.retraction {
        Retraction::None => "Bids bind; none is taken back.".to_owned(),
        Retraction::Ebay => {
            "With 12 h or more left you may retract all your bids; later only your \
                             last one, within 60 minutes of placing it. Reasons are a wrong \
                             amount, a changed description, a seller who cannot be reached."
                .to_owned()
        }
        Retraction::Until(hours) => {
            format!("You may retract your bids until {hours} h before the end.")
        }
    };
    rule("B5", "Retraction", text)
}
