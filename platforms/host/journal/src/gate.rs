//! Who waits for which record, and what may be believed to be durable.

use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::error::JournalError;
use crate::position::Position;

/// The gate that replies wait at. One lock per batch on the writer's side, one atomic load for a
/// waiter whose record is already durable.
pub(crate) struct Gate {
    durable: AtomicU64,
    /// The last position that ever failed: up to here the plain comparison says nothing.
    failed_upto: AtomicU64,
    waits: Mutex<Waits>,
}

/// Resolves when the record is durable or failed.
#[must_use]
pub(crate) struct Wait<'a> {
    gate: &'a Gate,
    position: Position,
    /// Generation and index of the waker that this future left in the list.
    left: Option<(u64, usize)>,
}

#[derive(Default)]
struct Waits {
    /// Changes whenever the indexes of `wakers` do.
    generation: u64,
    wakers: Vec<(Position, Waker)>,
    failures: Vec<Failure>,
    closed: bool,
}

/// Positions in `after < position <= upto` were given out and lost.
struct Failure {
    after: Position,
    upto: Position,
    error: JournalError,
}

impl Gate {
    pub(crate) fn new(durable: Position) -> Self {
        Self {
            durable: AtomicU64::new(durable.get()),
            failed_upto: AtomicU64::new(0),
            waits: Mutex::new(Waits::default()),
        }
    }

    pub(crate) fn durable(&self) -> Position {
        Position::from_raw(self.durable.load(Ordering::Acquire))
    }

    pub(crate) fn is_durable(&self, position: Position) -> bool {
        self.quick(position) || self.waits.lock().outcome(position, self.durable()) == Some(Ok(()))
    }

    pub(crate) fn wait(&self, position: Position) -> Wait<'_> {
        Wait { gate: self, position, left: None }
    }

    /// Waits by parking the thread.
    pub(crate) fn wait_blocking(&self, position: Position) -> Result<(), JournalError> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut wait = self.wait(position);
        loop {
            match Pin::new(&mut wait).poll(&mut context) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    /// Everything up to the position is durable: releases its waiters. `wakers` is scratch space.
    pub(crate) fn open_upto(&self, position: Position, wakers: &mut Vec<Waker>) {
        self.durable.store(position.get(), Ordering::Release);
        self.waits.lock().drain(position, wakers);
        wakers.drain(..).for_each(Waker::wake);
    }

    /// Everything that was given out and is not durable is lost: tells its waiters.
    pub(crate) fn fail_upto(&self, upto: Position, error: &JournalError) {
        let after = self.durable();
        let mut wakers = Vec::new();
        {
            let mut waits = self.waits.lock();
            waits.remember(Failure { after, upto, error: error.clone() });
            self.failed_upto.fetch_max(upto.get(), Ordering::Release);
            waits.drain(upto, &mut wakers);
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Nothing will become durable any more: tells whoever still waits.
    pub(crate) fn close(&self) {
        let mut wakers = Vec::new();
        {
            let mut waits = self.waits.lock();
            waits.closed = true;
            waits.drain(Position::from_raw(u64::MAX), &mut wakers);
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The outcome without the list, when there is one. The order of the two loads matters: a
    /// later success is published after the failure that it passed over.
    fn quick(&self, position: Position) -> bool {
        position <= self.durable() && position.get() > self.failed_upto.load(Ordering::Acquire)
    }
}

impl Future for Wait<'_> {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.gate.quick(self.position) {
            return Poll::Ready(Ok(()));
        }
        let gate = self.gate;
        let mut waits = gate.waits.lock();
        if let Some(outcome) = waits.outcome(self.position, gate.durable()) {
            return Poll::Ready(outcome);
        }
        self.left = Some(waits.leave(self.position, self.left, context.waker()));
        Poll::Pending
    }
}

impl Waits {
    fn outcome(&self, at: Position, durable: Position) -> Option<Result<(), JournalError>> {
        let failed = self.failures.iter().find(|f| f.after < at && at <= f.upto);
        match failed {
            Some(failure) => Some(Err(failure.error.clone())),
            None if at <= durable => Some(Ok(())),
            None if self.closed => Some(Err(JournalError::Closed)),
            None => None,
        }
    }

    /// Leaves a waker, in the place of the future's earlier one if that is still there.
    fn leave(&mut self, at: Position, left: Option<(u64, usize)>, waker: &Waker) -> (u64, usize) {
        if let Some((generation, index)) = left
            && generation == self.generation
            && let Some((_, place)) = self.wakers.get_mut(index)
        {
            place.clone_from(waker);
            return (generation, index);
        }
        self.wakers.push((at, waker.clone()));
        (self.generation, self.wakers.len() - 1)
    }

    fn drain(&mut self, upto: Position, wakers: &mut Vec<Waker>) {
        self.generation += 1;
        wakers.extend(self.wakers.extract_if(.., |(at, _)| *at <= upto).map(|(_, waker)| waker));
    }

    /// Failures with nothing durable between them are one; of too many, the two oldest are taken
    /// together. What became durable between those is then reported as failed, which a waiter
    /// that asks that late must expect anyway: an error only says that the outcome is unknown.
    fn remember(&mut self, failure: Failure) {
        match self.failures.last_mut() {
            Some(last) if last.after == failure.after => *last = failure,
            _ => self.failures.push(failure),
        }
        if self.failures.len() > FAILURES_KEPT {
            let oldest = self.failures.remove(0);
            if let Some(next) = self.failures.first_mut() {
                next.after = oldest.after;
            }
        }
    }
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

const FAILURES_KEPT: usize = 256;
