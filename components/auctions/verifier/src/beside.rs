//! What changes an auction beside bids: its pictures, and the time that the platform was away.

use kernel::Timestamp;
use proof::Event;

use crate::book::{Book, Owed, Phase};
use crate::said::{Outage, Picture, Pictures};
use crate::walk::said;

impl Book {
    /// After the first bid pictures may come and none may go or become another.
    pub(crate) fn pictures_changed(&mut self, event: &Event) -> Result<(), String> {
        self.runs(event)?;
        let Pictures { pictures } = said(event)?;
        let stays = |known: &Picture| pictures.contains(known);
        if !self.bids.is_empty() && !self.pictures.iter().all(stays) {
            return Err("a picture goes that bidders have seen".to_owned());
        }
        if !pictures.is_sorted_by(|one, other| one.n < other.n) {
            return Err("two pictures stand at one place".to_owned());
        }
        self.pictures = pictures;
        Ok(())
    }

    /// The platform was away: the end moves by the time that was lost, and some grace. What was to
    /// end meanwhile has not ended.
    pub(crate) fn outage_declared(&mut self, event: &Event) -> Result<(), String> {
        if self.phase != Phase::Open {
            return Err("an outage is declared of an auction that is not open".to_owned());
        }
        let outage: Outage = said(event)?;
        if outage.until > event.time || outage.until <= outage.from {
            return Err("an outage is declared that is not over, or never was".to_owned());
        }
        let lost_ms = self.lost_ms(outage);
        if self.ends_at <= outage.from || lost_ms == 0 {
            return Err("the auction has lost nothing by the outage".to_owned());
        }
        let grace_ms = i64::from(outage.grace_seconds) * 1_000;
        let new_end = self.ends_at.plus_ms(lost_ms).plus_ms(grace_ms);
        let (old_end, cause_seq) = (self.ends_at, event.seq);
        self.owed = Some(Owed::Extension { old_end, new_end, cause_seq });
        self.outages.push(outage);
        Ok(())
    }

    /// How much of the outage the auction was to be open, without what was declared before.
    fn lost_ms(&self, outage: Outage) -> i64 {
        let begins = outage.from.max(self.terms.starts_at);
        let parts = |known: &Outage| (known.from.max(begins), known.until.min(outage.until));
        let mut known: Vec<(Timestamp, Timestamp)> = self.outages.iter().map(parts).collect();
        known.retain(|(from, until)| from < until);
        known.sort_unstable();
        let (mut given_ms, mut through) = (0, begins);
        for (from, until) in known {
            given_ms += until.ms_since(from.max(through)).max(0);
            through = through.max(until);
        }
        (outage.until.ms_since(begins) - given_ms).max(0)
    }
}
