//! A row of `auctions_public` as the public view: the same members as [`crate::view`] renders.

use auction_machine::contract::Clock;
use auction_machine::formats;
use kernel::{Minor, Money, Timestamp};
use ports::Value;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use web::Problem;

use crate::qr::QrPart;
use crate::view::{SellerPart, join, write};

/// What to select after the sort key; `a` is the row, `s` its seller.
pub(crate) const COLUMNS: &str = "a.id, a.title, a.description, a.category, a.format, a.seller,
    coalesce(s.display_name, a.seller), a.status, a.currency, a.price_minor, a.next_minimum_minor,
    a.next_maximum_minor, a.buy_now_minor, a.bid_count, a.bidder_count, a.leader, a.reserve,
    a.ends_at, a.seq, a.result, a.terms,
    EXISTS (SELECT 1 FROM auctions_qr q WHERE q.auction_id = a.id)";

/// One row, borrowed.
pub(crate) struct Shown<'a> {
    sort_key: i64,
    columns: ColumnsPart<'a>,
    terms: &'a str,
    has_qr: bool,
}

#[derive(Serialize)]
struct ColumnsPart<'a> {
    id: &'a str,
    title: &'a str,
    description: &'a str,
    category: &'a str,
    format: &'a str,
    seller: SellerPart<'a>,
    status: &'a str,
    price: Option<Money>,
    next_minimum: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_maximum: Option<Money>,
    bid_count: u64,
    bidder_count: u64,
    leader: Option<&'a str>,
    reserve: &'a str,
    buy_now_price: Option<Money>,
    ends_at: Timestamp,
    seq: u64,
    result: Option<&'a RawValue>,
    server_time: Timestamp,
}

impl<'a> Shown<'a> {
    /// A selected row: its sort key and [`COLUMNS`]. None when it is something else.
    pub(crate) fn read(row: &'a [Value], server_time: Timestamp) -> Option<Self> {
        let [sort_key, rest @ ..] = row else { return None };
        let [id, title, description, category, format, seller, name, rest @ ..] = rest else {
            return None;
        };
        let [status, currency, price, next_minimum, next_maximum, buy_now, rest @ ..] = rest else {
            return None;
        };
        let [bids, bidders, rest @ ..] = rest else { return None };
        let [leader, reserve, ends_at, seq, result, terms, has_qr] = rest else { return None };
        let currency = currency.as_text()?.parse().ok()?;
        let money = |value: &Value| {
            let amount = value.as_integer().and_then(|amount| Minor::new(amount).ok());
            amount.map(|amount| Money::new(amount, currency))
        };
        let count = |value: &Value| value.as_integer().and_then(|count| u64::try_from(count).ok());
        let terms = terms.as_text()?;
        let clock = match (format.as_text()?, status.as_text()?) {
            ("dutch", "open") => clock_price(terms, server_time),
            _ => None,
        };
        let columns = ColumnsPart {
            id: id.as_text()?,
            title: title.as_text()?,
            description: description.as_text()?,
            category: category.as_text()?,
            format: format.as_text()?,
            seller: SellerPart { id: seller.as_text()?, display_name: name.as_text()? },
            status: status.as_text()?,
            price: clock.or_else(|| money(price)),
            next_minimum: clock.or_else(|| money(next_minimum)),
            next_maximum: money(next_maximum),
            bid_count: count(bids)?,
            bidder_count: count(bidders)?,
            leader: leader.as_text(),
            reserve: reserve.as_text()?,
            buy_now_price: money(buy_now),
            ends_at: Timestamp::from_ms(ends_at.as_integer()?),
            seq: count(seq)?,
            result: result.as_text().map(serde_json::from_str).transpose().ok()?,
            server_time,
        };
        let has_qr = has_qr.as_integer()? != 0;
        Some(Self { sort_key: sort_key.as_integer()?, columns, terms, has_qr })
    }

    /// The auction.
    pub(crate) fn id(&self) -> &str {
        self.columns.id
    }

    /// The cursor's position behind this row.
    pub(crate) fn position(&self) -> Vec<u8> {
        let mut position = self.sort_key.to_be_bytes().to_vec();
        position.extend_from_slice(self.columns.id.as_bytes());
        position
    }

    /// The public view as JSON.
    pub(crate) fn render(&self) -> Result<Vec<u8>, Problem> {
        let mut body = Vec::new();
        write(&mut body, &self.columns)?;
        join(&mut body, |body| {
            // Rows of old end with a code that was never there.
            let terms = self.terms.strip_suffix(NO_QR).unwrap_or(self.terms);
            body.extend_from_slice(terms.as_bytes());
            if terms.len() < self.terms.len() {
                body.push(b'}');
            }
            Ok(())
        })?;
        join(&mut body, |body| write(body, &QrPart::of(self.columns.id, self.has_qr)))?;
        Ok(body)
    }
}

const NO_QR: &str = ",\"qr\":null}";

/// What a running clock is computed from.
#[derive(Deserialize)]
struct ClockTerms {
    dutch: Clock,
    start_price: Money,
    starts_at: Timestamp,
}

/// The price of a clock at an instant: rows are written by events, and a clock falls without any.
fn clock_price(terms: &str, now: Timestamp) -> Option<Money> {
    let ClockTerms { dutch, start_price, starts_at } = serde_json::from_str(terms).ok()?;
    let clock = formats::Clock {
        floor: dutch.floor_price.amount,
        decrement: dutch.decrement.amount,
        tick_seconds: dutch.tick_seconds,
        dwell_seconds: dutch.dwell_seconds,
    };
    let price = clock.price_at(start_price.amount, starts_at, now);
    Some(Money::new(price, start_price.currency))
}
