//! Going through a log: the chain and the rules, event by event, up to the first flaw.

use std::collections::BTreeMap;

use proof::{Chain, Event, Flaw};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::book::{Book, Owed, Phase};
use crate::report::{Report, Undecided};
use crate::request::{Opened, Request};
use crate::said::{Reserve, ReserveLowered};
use crate::signed::{self, Heads};
use crate::terms::Terms;

/// A log on its way.
pub(crate) struct Walk<'a> {
    pub(crate) chain: Chain,
    pub(crate) heads: Heads,
    pub(crate) book: Option<Book>,
    opened: BTreeMap<u64, &'a Opened>,
    /// The terms as the log said them last.
    said: Map<String, Value>,
}

/// Checks everything.
pub(crate) fn run(request: &Request<'_>) -> Report {
    let mut walk = Walk {
        chain: Chain::genesis(&request.auction_id),
        heads: Heads::default(),
        book: None,
        opened: request.opened(),
        said: Map::new(),
    };
    let outcome = walk.events(request).and_then(|()| walk.end()).and_then(|()| {
        let book = walk.book.as_ref().ok_or_else(|| Flaw::beside("the log has no event"))?;
        signed::check(request, &walk.heads, book)
    });
    walk.report(request, outcome)
}

/// What an event says.
pub(crate) fn said<T: DeserializeOwned>(event: &Event) -> Result<T, String> {
    let data = Value::Object(event.data.clone());
    serde_json::from_value(data).map_err(|error| format!("{} without sense: {error}", event.name))
}

impl Walk<'_> {
    fn events(&mut self, request: &Request<'_>) -> Result<(), Flaw> {
        let mut next = None;
        for (at, text) in request.events.iter().enumerate() {
            let event = match next.take() {
                Some(event) => event,
                None => self.read(text.get())?,
            };
            self.chain.follow(&event)?;
            // What is bought at once is closed by the next event, which says how.
            next =
                request.events.get(at + 1).and_then(|text| Event::read(text.get().as_bytes()).ok());
            let flaw = |what| Flaw::at(event.seq, what);
            self.event(&event, next.as_ref()).map_err(flaw)?;
            self.heads.push(&event, &self.chain, self.book.as_ref());
        }
        Ok(())
    }

    fn read(&self, text: &str) -> Result<Event, Flaw> {
        let at = self.chain.seq() + 1;
        Event::read(text.as_bytes()).map_err(|what| Flaw::at(at, what))
    }

    fn event(&mut self, event: &Event, next: Option<&Event>) -> Result<(), String> {
        let Some(book) = &mut self.book else { return self.first(event) };
        let opened = self.opened.get(&event.seq);
        match book.owed.take() {
            Some(owed) => book.pay(event, owed),
            None => match event.name.as_str() {
                "auction_opened" => {
                    book.opens(event)?;
                    same_terms(&self.said, event)
                }
                "auction_changed" => self.changed(event),
                "bid_placed" => book.bid_placed(event, next, opened),
                "bid_retracted" => book.bid_retracted(event),
                "max_lowered" => book.max_lowered(event, opened),
                "reserve_lowered" => book.reserve_lowered(event, opened),
                "bids_revealed" => book.bids_revealed(event),
                "auction_closed" => book.closes(event),
                "auction_cancelled" => book.cancelled(event),
                "bidder_blocked" => book.blocks(event, true),
                "bidder_unblocked" => book.blocks(event, false),
                "description_added" => book.runs(event),
                "pictures_changed" => book.pictures_changed(event),
                "outage_declared" => book.outage_declared(event),
                "second_chance_offered" => book.offered(event),
                "second_chance_accepted" | "second_chance_declined" | "second_chance_expired" => {
                    book.offer_ended(event)
                }
                other => Err(format!("there is no event {other}")),
            },
        }
    }

    fn first(&mut self, event: &Event) -> Result<(), String> {
        let phase = match event.name.as_str() {
            "auction_scheduled" => Phase::Scheduled,
            "auction_opened" => Phase::Open,
            other => return Err(format!("a log does not begin with {other}")),
        };
        let terms: Terms = said(event)?;
        let format = terms.check()?;
        if phase == Phase::Open && event.time < terms.starts_at {
            return Err("it opens before it starts".to_owned());
        }
        let commitment = terms.reserve_commitment;
        let mut book = Book::open(terms, format, phase);
        let opened = self.opened.get(&event.seq);
        book.reserve_amount = book.open_for_owner(commitment, opened)?;
        self.said.clone_from(&event.data);
        self.book = Some(book);
        Ok(())
    }

    /// Other terms before the first bid.
    fn changed(&mut self, event: &Event) -> Result<(), String> {
        let Some(book) = &mut self.book else { return Ok(()) };
        book.runs(event)?;
        if !book.bids.is_empty() {
            return Err("terms changed after the first bid".to_owned());
        }
        let (phase, blocked) = (book.phase, std::mem::take(&mut book.blocked));
        let pictures = std::mem::take(&mut book.pictures);
        let outages = std::mem::take(&mut book.outages);
        let undecided = std::mem::take(&mut book.undecided);
        let terms: Terms = said(event)?;
        let format = terms.check()?;
        let commitment = terms.reserve_commitment;
        *book = Book { blocked, undecided, pictures, outages, ..Book::open(terms, format, phase) };
        book.reserve_amount = book.open_for_owner(commitment, self.opened.get(&event.seq))?;
        self.said.clone_from(&event.data);
        Ok(())
    }

    /// After the last event.
    fn end(&self) -> Result<(), Flaw> {
        let Some(book) = &self.book else { return Ok(()) };
        if book.owed.is_some() {
            let seq = self.chain.seq();
            let what = format!("the log ends before what seq {seq} led to at once");
            return Err(Flaw::at(seq + 1, what));
        }
        for bid in &book.bids {
            if let Some(amount) = bid.opened.filter(|_| bid.amount.is_none()) {
                bid.explain(&book.terms, amount).map_err(|what| Flaw::at(bid.seq, what))?;
            }
        }
        Ok(())
    }

    fn report(self, request: &Request<'_>, outcome: Result<signed::Signed, Flaw>) -> Report {
        let mut report = Report {
            auction_id: Some(request.auction_id.clone()),
            events: self.chain.seq(),
            head: Some(*self.chain.head()),
            ..Report::default()
        };
        if let Some(book) = self.book {
            report.format = Some(book.terms.format.clone());
            report.status = Some(match book.phase {
                Phase::Scheduled => "scheduled",
                Phase::Open => "open",
                Phase::Ended | Phase::Cancelled => "closed",
            });
            report.checked = CHECKED.map(str::to_owned).to_vec();
            report.checked.extend((!request.salts.is_empty()).then(|| SALTS.to_owned()));
            report.undecided = book.undecided;
        }
        match outcome {
            Ok(signed::Signed { checked, missing }) => {
                report.ok = true;
                report.checked.extend(checked);
                let missing = missing.into_iter().map(|what| Undecided { seq: None, what });
                report.undecided.extend(missing);
            }
            Err(flaw) => {
                report.checked.clear();
                report.first_bad = Some(flaw.into());
            }
        }
        report
    }
}

/// An opening repeats the terms; a lowered reserve has another commitment by then.
fn same_terms(said: &Map<String, Value>, event: &Event) -> Result<(), String> {
    let differs = said.iter().find(|(name, value)| {
        *name != "reserve_commitment" && event.data.get(*name) != Some(*value)
    });
    match differs {
        Some((name, _)) => Err(format!("it opens with another {name}")),
        None => Ok(()),
    }
}

impl Book {
    /// It is not over, and its time is not up.
    pub(crate) fn runs(&self, event: &Event) -> Result<(), String> {
        if !matches!(self.phase, Phase::Scheduled | Phase::Open) {
            return Err(format!("{} after the end", event.name));
        }
        if event.time >= self.ends_at {
            return Err(format!("{} at or after the end, {}", event.name, self.ends_at));
        }
        Ok(())
    }

    fn opens(&mut self, event: &Event) -> Result<(), String> {
        if self.phase != Phase::Scheduled {
            return Err("it opens twice".to_owned());
        }
        if event.time < self.terms.starts_at {
            return Err("it opens before it starts".to_owned());
        }
        self.phase = Phase::Open;
        Ok(())
    }

    fn reserve_lowered(&mut self, event: &Event, opened: Option<&&Opened>) -> Result<(), String> {
        self.runs(event)?;
        if self.reserve != Reserve::NotMet {
            return Err("a reserve is lowered that is met, or none (B3.4)".to_owned());
        }
        if self.ends_at.ms_since(event.time) < kernel::limits::RESERVE_LOWERING_LEFT_MS {
            return Err("a reserve is lowered less than 12 h before the end (B3.4)".to_owned());
        }
        let ReserveLowered { reserve_commitment } = said(event)?;
        let commitment = Some(reserve_commitment);
        self.terms.reserve_commitment = commitment;
        self.reserve_amount = self.open_for_owner(commitment, opened)?;
        // What was below the old one may meet the new one.
        self.reserve_bounds.above = None;
        Ok(())
    }

    fn blocks(&mut self, event: &Event, blocked: bool) -> Result<(), String> {
        self.runs(event)?;
        let crate::said::Named { bidder } = said(event)?;
        let Some(bidder) = bidder else { return Ok(()) };
        let bidder = self.known(&bidder)?;
        let changed =
            if blocked { self.blocked.insert(bidder) } else { self.blocked.remove(&bidder) };
        if changed { Ok(()) } else { Err("it was so before".to_owned()) }
    }

    fn pay(&mut self, event: &Event, owed: Owed) -> Result<(), String> {
        match (owed, event.name.as_str()) {
            (Owed::Extension { .. }, "auction_extended") => self.extended(event, owed),
            (Owed::Sale { .. } | Owed::Close, "auction_closed") => self.closed(event, owed),
            (Owed::Extension { .. }, other) => Err(format!("auction_extended is due, not {other}")),
            (_, other) => Err(format!("auction_closed is due, not {other}")),
        }
    }
}

const CHECKED: [&str; 6] = [
    "chain: every event follows the one before",
    "order: every event is possible where it stands, and none comes after the end",
    "bids: every visible amount is high enough, or low enough, when it comes (B2.1, B8)",
    "prices: every price follows from the visible amounts (B2.4, B3, B8)",
    "end: every extension is due, and every one that is due is there (B6)",
    "result: winners and prices follow from the bids (B3.3, B8), revealed amounts from commitments",
];
const SALTS: &str = "salts: what they open is what was committed to";
