//! What a bid would lead to, from public data only: hidden maxima, the reserve and the viewer's own
//! maximum are not asked.

use kernel::{Context, Minor, Timestamp, limits};

use crate::bidding;
use crate::contract::{Explanation, PlaceBid, Preview, PreviewOutcome};
use crate::formats::{Asks, Format};
use crate::lot::{Lot, Phase};
use crate::refusal::{Code, Refusal};

/// The dry run. Refuses what cannot be judged: a foreign currency, impossible units.
pub(crate) fn preview(
    lot: &Lot,
    context: &Context<'_>,
    bid: &PlaceBid,
) -> Result<Preview, Refusal> {
    let now = context.now;
    let amount = bidding::offered(lot, bid)?;
    let is_open = now < lot.ends_at && !matches!(lot.phase, Phase::Closed(_));
    let asks = lot.asks(now);
    let money = |amount| lot.listing.money(amount);
    let usual = lot.listing.format.rules().usual(lot);
    let advised = usual.is_some_and(|usual| {
        amount.get() >= usual.get().saturating_mul(limits::CONFIRM_ADVISED_TIMES)
    });
    let told = |outcome, rule: &str, text: String| Preview {
        outcome,
        next_minimum: asks.minimum().map(money),
        next_maximum: asks.maximum().map(money),
        confirmation_advised: advised,
        explanation: Explanation { rule: rule.to_owned(), text },
    };
    if let Some(user) = context.principal.and_then(|principal| principal.parse().ok()) {
        let refused = bidding::admissible(lot, now, user)
            .err()
            .filter(|refusal| matches!(refusal.code, Code::SellerCannotBid | Code::BidderBlocked));
        if let Some(Refusal { detail, .. }) = refused {
            return Ok(told(PreviewOutcome::NotAllowed, "B1", sentence(&detail)));
        }
    }
    if !is_open || (lot.phase == Phase::Scheduled && now < lot.listing.starts_at) {
        let text = if is_open { "The auction has not started." } else { "The auction has ended." };
        return Ok(told(PreviewOutcome::NotOpen, "B6", text.to_owned()));
    }
    let least = match asks {
        Asks::AtLeast(least) => least,
        // Sealed bids are accepted from the start price on.
        Asks::Nothing if lot.listing.format.rules().is_sealed() => lot.listing.start_price.get(),
        Asks::AtMost(_) | Asks::Nothing => 1,
    };
    if amount.get() < least {
        let least = Minor::new(least).unwrap_or(Minor::MAX);
        let rule = if lot.listing.format.has_ladder() { "B2.1" } else { "B8" };
        let text = format!("The next bid is at least {}.", money(least));
        return Ok(told(PreviewOutcome::TooLow, rule, text));
    }
    let is_reverse = matches!(lot.listing.format, Format::Reverse(_));
    if is_reverse && asks.maximum().is_none_or(|most| amount > most) {
        let text = match asks.maximum() {
            Some(most) => format!("The next ask is at most {}.", money(most)),
            None => "No ask can be lower than the best one.".to_owned(),
        };
        return Ok(told(PreviewOutcome::TooHigh, "B8", text));
    }
    let (outcome, rule, text) = accepted(lot, amount, now);
    Ok(told(outcome, rule, text))
}

/// What an acceptable bid leads to, as far as everyone can know.
fn accepted(lot: &Lot, amount: Minor, now: Timestamp) -> (PreviewOutcome, &'static str, String) {
    let money = |amount| lot.listing.money(amount);
    let depends = PreviewOutcome::WouldLeadOrBeOutbid;
    match lot.listing.format {
        Format::Dutch(_) => {
            let price = lot.shown_price(now).unwrap_or(amount);
            let text = format!("It would buy at the clock's price, now {}.", money(price));
            (PreviewOutcome::WouldWin, "B8", text)
        }
        Format::English => {
            let text = "It is accepted. Whether it leads depends on the leader's hidden maximum.";
            (depends, "B2.4", text.to_owned())
        }
        Format::OpenOutcry => {
            let text = format!("It would lead at {}, until somebody bids more.", money(amount));
            (depends, "B8", text)
        }
        Format::Reverse(_) => {
            let text = format!("It would be the best ask at {}, until a lower one.", money(amount));
            (depends, "B8", text)
        }
        Format::SealedFirstPrice | Format::Vickrey | Format::UniformPrice(_) => {
            (depends, "B8", "It is accepted and sealed; the close decides.".to_owned())
        }
    }
}

/// A refusal's detail as a sentence.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}
