//! The front of the queues: messages that nothing went wrong with, in memory.
//!
//! Most messages are taken and acknowledged right after they come. Such a message is never a row
//! of the table with its indexes: it is written into a log, one row for each transaction, and that
//! it is gone is written there too. Whatever takes longer becomes a row of the table, with its
//! place and history: what is refused or breaks its consumer, what waits for such a one of its
//! key, what finds the front full, and what a start finds in the log. A key is here or there, never
//! in both.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, VecDeque};

use composition::PUT_OFF_MAX_MS;
use rusqlite::Connection;

use super::lane::{Fresh, Held, Lane};
use super::log::{self, Entry};
use super::rows::{self, Found, Lease, Row};
use super::store::{self, Leased, Taken, Taking, Verdict};
use super::{Event, Which, dead};

/// The messages in memory; whoever calls holds the transaction, and loads the front anew when that
/// fails.
pub(super) struct Front {
    lanes: BTreeMap<i64, Lane>,
    /// Rows of the log whose messages are not all gone, and newer ones; the first has that number.
    rows: VecDeque<Written>,
    first: i64,
    /// The log has no older row.
    kept_from: i64,
    /// The row that the transaction under way will write.
    row: Vec<u8>,
    row_living: usize,
    log_bytes: usize,
    message_bytes: usize,
    room: Room,
    last_seq: i64,
    last_lease: i64,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Bytes of messages in memory.
    pub(super) message_bytes: usize,
    /// Bytes of the log.
    pub(super) log_bytes: usize,
}

/// A row of the log.
struct Written {
    /// Messages that came with it and are not gone.
    living: usize,
    bytes: usize,
}

impl Front {
    /// An empty front; what the log has becomes rows. Takings are named behind `last_lease`.
    pub(super) fn load(file: &Connection, room: Room, last_lease: i64) -> rusqlite::Result<Self> {
        log::fold(file)?;
        Ok(Self {
            lanes: BTreeMap::new(),
            rows: VecDeque::new(),
            first: 1,
            kept_from: 1,
            row: Vec::new(),
            row_living: 0,
            log_bytes: 0,
            message_bytes: 0,
            room,
            last_seq: rows::last_seq(file)?,
            last_lease: rows::last_lease(file)?.max(last_lease),
        })
    }

    /// Puts messages into queues, behind those of their keys. One that is there, or among the dead
    /// letters, stays as it is.
    pub(super) fn push(
        &mut self,
        file: &Connection,
        batch: Vec<(i64, Event)>,
        now: i64,
    ) -> rusqlite::Result<()> {
        let mut all_found = BTreeMap::new();
        for (queue, event) in batch {
            let found = match all_found.entry(queue) {
                Slot::Occupied(found) => found.into_mut(),
                Slot::Vacant(place) => place.insert(rows::find(file, queue)?),
            };
            self.push_one(file, found, queue, event, now)?;
        }
        Ok(())
    }

    fn push_one(
        &mut self,
        file: &Connection,
        found: &mut Found,
        queue: i64,
        event: Event,
        now: i64,
    ) -> rusqlite::Result<()> {
        let lane = self.lanes.entry(queue).or_default();
        if lane.has(&event) || rows::knows(file, *found, queue, &event)? {
            return Ok(());
        }
        let is_full = self.message_bytes + Lane::bytes_of(&event) > self.room.message_bytes;
        self.last_seq += 1;
        let seq = self.last_seq;
        if is_full || found.messages && rows::has_key(file, queue, &event.key)? {
            self.fold_key(file, queue, &event.key)?;
            found.messages = true;
            return rows::insert(file, seq, queue, &event, Row { pushed_at: now, taken: None });
        }
        let message = (&event).into();
        self.note(&Entry::Came { seq, queue, at: now, message })?;
        self.message_bytes += Lane::bytes_of(&event);
        self.row_living += 1;
        let row = self.row_number();
        let fresh = Fresh { event, pushed_at: now, taken: None, row };
        self.lanes.entry(queue).or_default().add(seq, fresh);
        Ok(())
    }

    /// Takes the oldest messages of keys that nobody holds.
    pub(super) fn take(
        &mut self,
        file: &Connection,
        queue: i64,
        taking: &Taking,
        now: i64,
    ) -> rusqlite::Result<Taken> {
        self.fold_unanswered(file, queue, taking, now)?;
        let in_table = rows::find(file, queue)?.messages;
        let mut chosen: Vec<(i64, i64, Option<Leased>)> = Vec::new();
        if in_table {
            let ready = store::ready(file, queue, taking, now)?;
            chosen.extend(ready.into_iter().map(|(at, leased)| (at, leased.seq, Some(leased))));
        }
        let lane = self.lanes.entry(queue).or_default();
        let limit = taking.limit as usize;
        chosen.extend(lane.ready.iter().take(limit).map(|(at, seq)| (*at, *seq, None)));
        chosen.sort_by_key(|(at, seq, _)| (*at, *seq));
        chosen.truncate(limit);
        let is_suspect = |leased: &Option<Leased>| leased.as_ref().is_some_and(|one| one.suspect);
        match chosen.first() {
            Some((.., first)) if is_suspect(first) => chosen.truncate(1),
            _ => chosen.retain(|(.., one)| !is_suspect(one)),
        }
        if chosen.is_empty() {
            let hidden = lane.hidden.first().map(|(until, _)| *until).filter(|_| taking.suspects);
            let put_off = if in_table { store::next_at(file, queue, taking)? } else { None };
            let next_at = [hidden, put_off].into_iter().flatten().min();
            return Ok(Taken { next_at, ..Taken::default() });
        }
        self.last_lease += 1;
        let until = now.saturating_add(taking.visibility_ms);
        let lease = Lease { lease: self.last_lease, at: now, until };
        let mut messages = Vec::with_capacity(chosen.len());
        let mut seqs = Vec::new();
        for (at, seq, leased) in chosen {
            if let Some(leased) = leased {
                messages.push(store::mark(file, leased, lease)?);
            } else if let Some(event) = lane.take((at, seq), lease) {
                seqs.push(seq);
                messages.push(Leased { seq, receives: 1, attempts: 1, suspect: false, event });
            }
        }
        if !seqs.is_empty() {
            self.note(&Entry::Taken { seqs, lease: lease.lease, at: now, until })?;
        }
        Ok(Taken { lease: lease.lease, messages, next_at: None })
    }

    /// Settles messages of a lease; those that another lease has by now are left alone. How many
    /// became dead letters.
    pub(super) fn settle(
        &mut self,
        file: &Connection,
        queue: i64,
        lease: i64,
        max_receives: u32,
        verdicts: &[(i64, Verdict)],
        now: i64,
    ) -> rusqlite::Result<usize> {
        let mut gone = Vec::new();
        let mut rest = Vec::new();
        for (seq, verdict) in verdicts {
            let lane = self.lanes.entry(queue).or_default();
            match lane.messages.get(seq) {
                Some(fresh) if fresh.taken.is_none_or(|taken| taken.lease != lease) => {}
                Some(_) if *verdict == Verdict::Done => {
                    lane.delivered += 1;
                    self.remove(queue, *seq);
                    gone.push(*seq);
                }
                Some(fresh) => {
                    let key = fresh.event.key.clone();
                    self.fold_key(file, queue, &key)?;
                    rest.push((*seq, verdict.clone()));
                }
                None => rest.push((*seq, verdict.clone())),
            }
        }
        if !gone.is_empty() {
            self.note(&Entry::Gone(gone))?;
        }
        store::settle(file, queue, lease, max_receives, &rest, now)
    }

    /// Returns dead letters to their queue (`dead::redrive`).
    pub(super) fn redrive(
        &mut self,
        file: &Connection,
        queue: i64,
        which: &Which,
        now: i64,
    ) -> rusqlite::Result<u64> {
        // Some key may wait here, and the letters come behind it.
        self.fold_all(file, queue)?;
        rows::set_last_seq(file, self.last_seq)?;
        let moved = dead::redrive(file, queue, which, now)?;
        // The table knows nothing of places that were never rows.
        self.last_seq = self.last_seq.max(rows::last_seq(file)?);
        Ok(moved)
    }

    /// Writes what the transaction did; called before it ends.
    pub(super) fn finish(&mut self, file: &Connection) -> rusqlite::Result<()> {
        for (queue, lane) in &mut self.lanes {
            if lane.delivered > 0 {
                store::count_delivered(file, *queue, lane.delivered)?;
                lane.delivered = 0;
            }
        }
        if self.log_bytes > self.room.log_bytes {
            self.fold_oldest(file)?;
        }
        if !self.row.is_empty() {
            log::append(file, self.row_number(), &self.row)?;
            self.rows.push_back(Written { living: self.row_living, bytes: self.row.len() });
            self.log_bytes += self.row.len();
            self.row.clear();
            self.row_living = 0;
        }
        while let Some(oldest) = self.rows.pop_front_if(|oldest| oldest.living == 0) {
            self.log_bytes = self.log_bytes.saturating_sub(oldest.bytes);
            self.first += 1;
        }
        if self.first - self.kept_from >= FORGOTTEN_AT_ONCE {
            log::forget(file, self.first)?;
            self.kept_from = self.first;
        }
        Ok(())
    }

    /// The front as the file says it is, after a transaction that was undone.
    pub(super) fn load_again(&mut self, file: &Connection) -> rusqlite::Result<()> {
        *self = Self::load(file, self.room, self.last_lease)?;
        Ok(())
    }

    /// How much of each queue is here.
    pub(super) fn held(&self, now: i64) -> BTreeMap<i64, Held> {
        self.lanes.iter().map(|(queue, lane)| (*queue, lane.held(now))).collect()
    }

    /// Makes rows of those whose lease ran out without a word, or was given in a far future: the
    /// clock was turned back.
    fn fold_unanswered(
        &mut self,
        file: &Connection,
        queue: i64,
        taking: &Taking,
        now: i64,
    ) -> rusqlite::Result<()> {
        let horizon = now.saturating_add(taking.visibility_ms.max(PUT_OFF_MAX_MS));
        let Some(lane) = self.lanes.get(&queue) else { return Ok(()) };
        let is_over = |(until, _): &&(i64, i64)| *until <= now;
        let over = lane.hidden.iter().take_while(is_over);
        let far = lane.hidden.iter().rev().take_while(|(until, _)| *until > horizon);
        let seqs: Vec<i64> = over.chain(far).map(|(_, seq)| *seq).collect();
        let key_of = |seq: &i64| Some(lane.messages.get(seq)?.event.key.clone());
        let keys: Vec<String> = seqs.iter().filter_map(key_of).collect();
        keys.iter().try_for_each(|key| self.fold_key(file, queue, key))
    }

    /// Makes rows of what came longest ago, half of the log.
    fn fold_oldest(&mut self, file: &Connection) -> rusqlite::Result<()> {
        let before = self.first.saturating_add(i64::try_from(self.rows.len() / 2).unwrap_or(0));
        let mut keys = Vec::new();
        for (queue, lane) in &self.lanes {
            let old = lane.messages.values().filter(|fresh| fresh.row <= before);
            keys.extend(old.map(|fresh| (*queue, fresh.event.key.clone())));
        }
        keys.iter().try_for_each(|(queue, key)| self.fold_key(file, *queue, key))
    }

    fn fold_all(&mut self, file: &Connection, queue: i64) -> rusqlite::Result<()> {
        let keys = self.lanes.get(&queue).map(|lane| lane.keys.keys().cloned().collect());
        let keys: Vec<String> = keys.unwrap_or_default();
        keys.iter().try_for_each(|key| self.fold_key(file, queue, key))
    }

    /// Makes rows of the messages of a key, if there are any.
    fn fold_key(&mut self, file: &Connection, queue: i64, key: &str) -> rusqlite::Result<()> {
        let of_key = self.lanes.get(&queue).and_then(|lane| lane.keys.get(key));
        let Some(seqs) = of_key.map(|seqs| Vec::from_iter(seqs.iter().copied())) else {
            return Ok(());
        };
        for seq in &seqs {
            if let Some(Fresh { event, pushed_at, taken, .. }) = self.remove(queue, *seq) {
                rows::insert(file, *seq, queue, &event, Row { pushed_at, taken })?;
            }
        }
        self.note(&Entry::Gone(seqs))
    }

    /// Takes the oldest message of its key out of memory; the next of its key is free to go.
    fn remove(&mut self, queue: i64, seq: i64) -> Option<Fresh> {
        let fresh = self.lanes.get_mut(&queue)?.remove(seq)?;
        let bytes = Lane::bytes_of(&fresh.event);
        self.message_bytes = self.message_bytes.saturating_sub(bytes);
        let index = usize::try_from(fresh.row - self.first).ok();
        match index.and_then(|index| self.rows.get_mut(index)) {
            Some(written) => written.living -= 1,
            None => self.row_living -= 1,
        }
        Some(fresh)
    }

    /// Places and ids of the messages of a queue that are here.
    #[cfg(test)]
    pub(super) fn places(&self, queue: i64) -> Vec<(i64, String)> {
        let lane = self.lanes.get(&queue).map(|lane| &lane.messages);
        let place = |(seq, fresh): (&i64, &Fresh)| (*seq, fresh.event.id.clone());
        lane.into_iter().flatten().map(place).collect()
    }

    fn note(&mut self, entry: &Entry<'_>) -> rusqlite::Result<()> {
        self.row = entry.write(std::mem::take(&mut self.row))?;
        Ok(())
    }

    /// The number of the row that the transaction under way will write.
    fn row_number(&self) -> i64 {
        self.first.saturating_add(i64::try_from(self.rows.len()).unwrap_or(i64::MAX))
    }
}

/// Rows of the log that are deleted together.
const FORGOTTEN_AT_ONCE: i64 = 16;
