//! Listing again: an earlier auction of one's own fills the form.

use kernel::{Id, Timestamp, kind};
use ports::Ports;
use web::Problem;

use super::draft::OWN;
use super::ladders;
use crate::api::{Api, Bidding, Event, Items, Terms};
use crate::form::{self, Form};

/// What stands in the form before anybody types: a title and a start price are enough.
pub(super) fn usual() -> Form {
    Form::filled(USUAL.iter().map(|(name, value)| (*name, (*value).to_owned())))
}

/// The form, filled by an auction that the visitor sold.
pub(super) async fn like<P: Ports>(
    api: &Api<'_, P>,
    id: &str,
    seller: &str,
) -> Result<Form, Problem> {
    id.parse::<Id<kind::Auction>>().map_err(|_| Problem::not_found())?;
    let terms = terms(api, id).await?;
    if terms.seller != seller {
        return Err(Problem::not_found());
    }
    let bidding: Bidding = api.read(&format!("/v1/auctions/{id}/bidding")).await?;
    let reserve = bidding.reserve_price.as_ref().map(form::typed).unwrap_or_default();
    let reserve = Form::filled([("reserve_price", reserve)]);
    Ok(usual().under(filled(&terms)).under(reserve))
}

/// The terms that hold: those of the newest event that says them. They cannot change after the
/// first bid, so the log is read up to there.
pub(super) async fn terms<P: Ports>(api: &Api<'_, P>, id: &str) -> Result<Terms, Problem> {
    let (mut after, mut newest) = (0, None);
    for _ in 0..PAGES_MAX {
        let target = format!("/v1/auctions/{id}/events?after={after}&limit={PAGE_EVENTS}");
        let page: Items<Event> = api.read(&target).await?;
        let is_last = page.next_cursor.is_none();
        for event in page.items {
            after = event.seq;
            if event.event == "bid_placed" {
                return newest.ok_or_else(Problem::not_found);
            }
            if OPENINGS.contains(&event.event.as_str()) {
                newest = serde_json::from_value(event.data).ok();
            }
        }
        if is_last {
            break;
        }
    }
    newest.ok_or_else(Problem::not_found)
}

/// The fields that terms fill.
fn filled(terms: &Terms) -> Form {
    let currency = terms.start_price.currency;
    let known = ladders::named(&terms.increments, currency);
    let bands = match known {
        None if !terms.increments.is_empty() => ladders::typed(&terms.increments, currency),
        _ => String::new(),
    };
    let own = if bands.is_empty() { USUAL_LADDER } else { OWN };
    let until = terms.retraction.strip_prefix("until(").and_then(|rest| rest.strip_suffix(')'));
    let buy_now = terms.buy_now_price.as_ref().map(form::typed).unwrap_or_default();
    let fields = [
        ("title", terms.title.clone()),
        ("description", terms.description.clone()),
        ("category", terms.category.clone()),
        ("format", terms.format.clone()),
        ("currency", currency.as_str().to_owned()),
        ("start_price", form::typed(&terms.start_price)),
        ("buy_now_price", buy_now),
        ("quantity", terms.quantity.to_string()),
        ("increments", known.map_or(own, |preset| preset.code).to_owned()),
        ("bands", bands),
        ("retraction", until.map_or(terms.retraction.as_str(), |_| "until").to_owned()),
        ("retraction_hours", until.unwrap_or_default().to_owned()),
    ];
    Form::filled(fields).under(run(terms)).under(late(terms)).under(numbers(terms))
}

/// How long it ran: by the choice, or in seconds.
fn run(terms: &Terms) -> Form {
    if terms.dutch.is_some() {
        return Form::default();
    }
    let seconds = seconds_between(terms.starts_at, terms.ends_at).to_string();
    let is_choice = super::DURATIONS.iter().any(|(known, _)| *known == seconds);
    let field = if is_choice { "duration" } else { "duration_seconds" };
    Form::filled([(field, seconds)])
}

fn seconds_between(start: Timestamp, end: Timestamp) -> i64 {
    (end.ms_since(start).saturating_add(500) / 1_000).max(0)
}

fn late(terms: &Terms) -> Form {
    // Where late bids can move nothing it is off by itself.
    if !super::draft::is_of(super::draft::MOVING, &terms.format) {
        return Form::default();
    }
    let late = &terms.soft_close;
    let seconds = |seconds: Option<u32>| seconds.map(|it| it.to_string()).unwrap_or_default();
    Form::filled([
        ("soft_close", late.mode.clone()),
        ("soft_close_window", seconds(late.window_seconds)),
        ("soft_close_extension", seconds(late.extension_seconds)),
    ])
}

fn numbers(terms: &Terms) -> Form {
    let mut fields = Vec::new();
    if let Some(clock) = &terms.dutch {
        fields.extend([
            ("dutch_floor_price", form::typed(&clock.floor_price)),
            ("dutch_decrement", form::typed(&clock.decrement)),
            ("dutch_tick_seconds", clock.tick_seconds.to_string()),
            ("dutch_dwell_seconds", clock.dwell_seconds.to_string()),
        ]);
    }
    if let Some(underbid) = &terms.reverse {
        let amount = underbid.decrement.as_ref().map(form::typed).unwrap_or_default();
        let percent = underbid.decrement_bps.map(|bps| format!("{}.{:02}", bps / 100, bps % 100));
        fields.push(("reverse_decrement", amount));
        fields.push(("reverse_percent", percent.unwrap_or_default()));
    }
    fields.extend(terms.uniform_price.as_ref().map(|price| ("pricing", price.pricing.clone())));
    Form::filled(fields)
}

/// Events that say all terms.
const OPENINGS: [&str; 3] = ["auction_scheduled", "auction_opened", "auction_changed"];
const PAGE_EVENTS: u32 = 100;
/// Nobody changes terms that often.
const PAGES_MAX: usize = 20;
const USUAL_LADDER: &str = "ebay_us";
const USUAL: &[(&str, &str)] = &[
    ("format", "english"),
    ("currency", "USD"),
    ("quantity", "1"),
    ("duration", "604800"),
    ("increments", USUAL_LADDER),
    ("soft_close", "reset"),
    ("soft_close_window", "120"),
    ("soft_close_extension", "120"),
    ("retraction", "ebay"),
    ("dutch_tick_seconds", "60"),
    ("dutch_dwell_seconds", "600"),
    ("reverse_percent", "1"),
    ("pricing", "lowest_accepted"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::super::draft::Draft;
    use super::*;

    fn usd(amount: i64) -> Value {
        json!({"amount": amount, "currency": "USD"})
    }

    fn terms(more: Value) -> Terms {
        let mut terms = json!({
            "title": "A watch", "description": "Runs.", "category": "watches",
            "format": "english", "seller": "usr_1", "start_price": usd(1_000),
            "buy_now_price": null, "increments": [], "retraction": "ebay", "quantity": 1,
            "soft_close": {"mode": "off", "window_seconds": null, "extension_seconds": null,
                "hard_stop_at": null},
            "starts_at": "2026-11-24T12:00:00.123Z", "ends_at": "2026-11-25T12:00:00.123Z",
        });
        terms.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(terms).unwrap()
    }

    fn again(more: Value) -> Value {
        Draft::read(&usual().under(filled(&terms(more)))).ok().unwrap().body()
    }

    #[test]
    fn terms_fill_the_form_that_leads_to_the_same_terms() {
        let own = json!([{"from": 0, "step": 70}, {"from": 2_000, "step": 150}]);
        let late = json!({"mode": "add", "window_seconds": 90, "extension_seconds": 30});
        let body = again(json!({
            "increments": own, "soft_close": late, "retraction": "until(24)",
            "buy_now_price": usd(5_000), "ends_at": "2026-11-24T12:00:25.123Z",
        }));
        assert_eq!(body.get("increments"), Some(&own));
        assert_eq!(body.get("soft_close"), Some(&late));
        assert_eq!(body.get("retraction"), Some(&json!("until(24)")));
        assert_eq!(body.get("buy_now_price"), Some(&usd(5_000)));
        assert_eq!(body.get("duration_seconds"), Some(&json!(25)));
    }

    #[test]
    fn numbers_of_a_format_come_back() {
        let clock = json!({"floor_price": usd(200), "decrement": usd(15), "tick_seconds": 10,
            "dwell_seconds": 0});
        let body = again(json!({"format": "dutch", "dutch": clock, "quantity": 3}));
        assert_eq!(body.get("dutch"), Some(&clock));
        assert_eq!(body.get("quantity"), Some(&json!(3)));
        assert_eq!(body.get("duration_seconds"), None);
        for underbid in [json!({"decrement": usd(250)}), json!({"decrement_bps": 125})] {
            let body = again(json!({"format": "reverse", "reverse": underbid}));
            assert_eq!(body.get("reverse"), Some(&underbid));
        }
        let price = json!({"pricing": "highest_rejected"});
        let body = again(json!({"format": "uniform_price", "uniform_price": price, "quantity": 4}));
        assert_eq!(body.get("uniform_price"), Some(&price));
    }

    #[test]
    fn a_named_ladder_is_known_again() {
        let bands = ladders::Ladder::Preset(ladders::preset("copart").unwrap());
        let bands = json!(bands.bands("USD".parse().unwrap()));
        assert_eq!(again(json!({"increments": bands})).get("increments"), Some(&json!("copart")));
    }
}
