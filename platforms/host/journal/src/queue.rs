//! What waits to be written, and whether anything may be added.

use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::error::JournalError;
use crate::journal::Committed;
use crate::options::Options;
use crate::position::{Epoch, Position};
use crate::record::Record;
use crate::row::Row;

/// The rows between the appenders and the writer thread. The order in which appenders get the
/// lock is the order of the log.
pub(crate) struct Queue {
    limits: Limits,
    inner: Mutex<Inner>,
    work: Condvar,
}

/// What the writer takes at once: it becomes one transaction.
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    /// Empty unless somebody subscribed.
    pub(crate) records: Vec<Committed>,
}

/// The company that a batch waits for: whoever was released by the last commit comes back about
/// now, and a commit that takes them all costs the disk no more than one that takes the first.
#[derive(Clone, Copy)]
pub(crate) struct Company {
    /// Records that are worth a commit at once.
    pub(crate) records: u64,
    /// When waiting for more of them ends.
    pub(crate) until: Instant,
}

/// What a failure voided.
pub(crate) struct Voided {
    /// The last position that was given out.
    pub(crate) upto: Position,
}

#[derive(Clone, Copy)]
struct Limits {
    row_bytes: usize,
    row_records: u32,
    queue_bytes: usize,
}

struct Inner {
    state: State,
    epoch: Epoch,
    next_id: u64,
    last: Position,
    rows: Vec<Row>,
    /// Takes the next record; it may be empty when a record was refused.
    open: Option<Row>,
    records: Vec<Committed>,
    keep_records: bool,
    closed_bytes: usize,
    /// Records that no batch has taken yet.
    waiting: u64,
    /// How many of them wake the writer; none while it works.
    wakes_at: Option<u64>,
    spare: Vec<Vec<u8>>,
}

enum State {
    Open,
    /// Refuses with the error until the writer has reopened the files.
    Failed(JournalError),
    Closing,
}

impl Queue {
    /// A queue that goes on after the last durable record; it refuses until it is resumed.
    pub(crate) fn new(options: &Options, last: Position, keep_records: bool) -> Self {
        let inner = Inner {
            state: State::Open,
            epoch: Epoch(0),
            next_id: last.batch() + 1,
            last,
            rows: Vec::new(),
            open: None,
            records: Vec::new(),
            keep_records,
            closed_bytes: 0,
            waiting: 0,
            wakes_at: None,
            spare: Vec::new(),
        };
        let limits = Limits {
            row_bytes: options.row_bytes_max.min(ROW_BYTES_CEILING),
            row_records: options.row_records_max.max(1),
            queue_bytes: options.queue_bytes_max,
        };
        Self { limits, inner: Mutex::new(inner), work: Condvar::new() }
    }

    /// Adds a record at the end of the log to be.
    pub(crate) fn append(&self, seen: Epoch, record: Record) -> Result<Position, JournalError> {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        match &inner.state {
            State::Open => {}
            State::Failed(error) => return Err(error.clone()),
            State::Closing => return Err(JournalError::Closed),
        }
        if seen != inner.epoch {
            return Err(JournalError::Stale { seen, current: inner.epoch });
        }
        if inner.closed_bytes >= self.limits.queue_bytes {
            return Err(JournalError::Busy);
        }
        let at = inner.open_row(self.limits).push(&record)?;
        inner.last = at;
        if inner.keep_records {
            inner.records.push(Committed { position: at, record });
        }
        inner.waiting += 1;
        if inner.wakes_at.is_some_and(|count| inner.waiting >= count) {
            inner.wakes_at = None;
            drop(guard);
            self.work.notify_one();
        }
        Ok(at)
    }

    /// Waits for records, and for company while there may be some, and takes them all; none when
    /// the queue is closed and empty.
    pub(crate) fn take(&self, company: Company) -> Option<Batch> {
        let mut inner = self.inner.lock();
        loop {
            let closing = matches!(inner.state, State::Closing);
            if closing && inner.waiting == 0 {
                return None;
            }
            let gathering = !closing && Instant::now() < company.until;
            let enough = if gathering { company.records.max(1) } else { 1 };
            if inner.waiting >= enough {
                break;
            }
            inner.wakes_at = Some(enough);
            if gathering {
                self.work.wait_until(&mut inner, company.until);
            } else {
                self.work.wait(&mut inner);
            }
            inner.wakes_at = None;
        }
        Some(inner.take_all())
    }

    /// Takes what waits without waiting; none when nothing does.
    pub(crate) fn take_now(&self) -> Option<Batch> {
        let mut inner = self.inner.lock();
        (inner.waiting > 0).then(|| inner.take_all())
    }

    /// Gives buffers back for later rows.
    pub(crate) fn recycle(&self, rows: Vec<Row>) {
        let mut inner = self.inner.lock();
        for row in rows {
            let body = row.into_body();
            if inner.spare.len() < SPARE_BUFFERS && body.capacity() <= 2 * self.limits.row_bytes {
                inner.spare.push(body);
            }
        }
    }

    /// Throws away what waits, starts the next epoch and refuses until it is resumed.
    pub(crate) fn fail(&self, error: &JournalError) -> Voided {
        let mut inner = self.inner.lock();
        inner.rows.clear();
        inner.open = None;
        inner.records.clear();
        inner.closed_bytes = 0;
        inner.waiting = 0;
        inner.epoch = Epoch(inner.epoch.get() + 1);
        // Positions are never given out twice, so that a late waiter of a failed record cannot
        // take another record's success for its own.
        inner.next_id = inner.last.batch() + 1;
        if !matches!(inner.state, State::Closing) {
            inner.state = State::Failed(error.clone());
        }
        Voided { upto: inner.last }
    }

    /// Why appends are refused; replaces the reason while the failure lasts.
    pub(crate) fn still_failed(&self, error: &JournalError) {
        let mut inner = self.inner.lock();
        if matches!(inner.state, State::Failed(_)) {
            inner.state = State::Failed(error.clone());
        }
    }

    /// Accepts appends again.
    pub(crate) fn resume(&self) {
        let mut inner = self.inner.lock();
        if matches!(inner.state, State::Failed(_)) {
            inner.state = State::Open;
        }
    }

    /// Pauses between attempts; false when the queue is being closed.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let mut inner = self.inner.lock();
        if !matches!(inner.state, State::Closing) {
            self.work.wait_for(&mut inner, pause);
        }
        !matches!(inner.state, State::Closing)
    }

    /// Refuses further appends; the writer still takes what waits.
    pub(crate) fn close(&self) {
        self.inner.lock().state = State::Closing;
        self.work.notify_all();
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.inner.lock().epoch
    }

    /// Neither failed nor closing.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.inner.lock().state, State::Open)
    }

    /// Records and bytes that no transaction has taken yet.
    pub(crate) fn waiting(&self) -> (u64, u64) {
        let inner = self.inner.lock();
        let rows = inner.rows.iter().chain(&inner.open);
        (inner.waiting, rows.map(|row| row.body().len() as u64).sum())
    }
}

impl Inner {
    fn take_all(&mut self) -> Batch {
        self.closed_bytes = 0;
        self.waiting = 0;
        let open = self.open.take_if(|row| row.records() > 0);
        let mut rows = std::mem::take(&mut self.rows);
        rows.extend(open);
        Batch { rows, records: std::mem::take(&mut self.records) }
    }

    /// The row that takes the next record.
    fn open_row(&mut self, limits: Limits) -> &mut Row {
        let full = self.open.take_if(|row| {
            row.body().len() >= limits.row_bytes || row.records() >= limits.row_records
        });
        if let Some(row) = full {
            self.closed_bytes += row.body().len();
            self.rows.push(row);
        }
        let Self { open, next_id, spare, .. } = self;
        open.get_or_insert_with(|| {
            let id = *next_id;
            *next_id += 1;
            Row::new(id, spare.pop().unwrap_or_default())
        })
    }
}

/// A row stays below the offsets that a position can hold, the largest record included.
const ROW_BYTES_CEILING: usize = 4 * 1024 * 1024;

/// Buffers kept between batches: two batches of two rows are in flight at ordinary load.
const SPARE_BUFFERS: usize = 4;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::record::{EntityKey, Envelope};

    fn queue() -> Queue {
        Queue::new(&Options::default(), Position::START, false)
    }

    fn append(queue: &Queue) {
        let entity = EntityKey { machine: "m".to_owned(), key: "k".to_owned() };
        let envelope = Envelope {
            command_id: String::new(),
            principal: None,
            now: 0,
            seed: [0; 32],
            body: Vec::new(),
        };
        let (events, effects) = (Vec::new(), Vec::new());
        let record = Record { entity, envelope, events, reply: None, effects, wake: None };
        queue.append(queue.epoch(), record).unwrap();
    }

    fn records(batch: &Batch) -> u32 {
        batch.rows.iter().map(Row::records).sum()
    }

    fn company(records: u64, patience: Duration) -> Company {
        Company { records, until: Instant::now() + patience }
    }

    fn until_it_waits_for(queue: &Queue, count: u64) {
        while queue.inner.lock().wakes_at != Some(count) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_batch_waits_for_the_company_of_the_last_one() {
        let queue = queue();
        append(&queue);
        let batch = std::thread::scope(|scope| {
            let writer = scope.spawn(|| queue.take(company(3, FOREVER)));
            until_it_waits_for(&queue, 3);
            append(&queue);
            until_it_waits_for(&queue, 3);
            append(&queue);
            writer.join().unwrap()
        });
        assert_eq!(records(&batch.unwrap()), 3);
        assert_eq!(queue.waiting().0, 0);
    }

    #[test]
    fn nobody_waits_for_company_that_does_not_come() {
        let queue = queue();
        append(&queue);
        assert_eq!(records(&queue.take(company(100, Duration::ZERO)).unwrap()), 1);
        append(&queue);
        assert_eq!(records(&queue.take(company(1, FOREVER)).unwrap()), 1, "a lone client");
    }

    #[test]
    fn closing_ends_the_gathering() {
        let queue = queue();
        append(&queue);
        let batch = std::thread::scope(|scope| {
            let writer = scope.spawn(|| queue.take(company(100, FOREVER)));
            until_it_waits_for(&queue, 100);
            queue.close();
            writer.join().unwrap()
        });
        assert_eq!(records(&batch.unwrap()), 1);
        assert!(queue.take(company(100, FOREVER)).is_none());
    }

    const FOREVER: Duration = Duration::from_secs(3_600);
}
