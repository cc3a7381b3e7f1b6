//! Pages of logs, kept near who reads them. A page that is full never changes again: a log only
//! grows. All others are the object's to tell.

use std::cell::RefCell;
use std::collections::BTreeSet;

use kernel::limits::PAGE_DEFAULT_ITEMS;
use worker::Env;

use crate::fault::note;
use crate::wire::Told4;

/// A page that can be kept: one of those that follow each other from the first on.
pub(crate) struct LogPage {
    name: String,
    after: u64,
    limit: usize,
}

impl LogPage {
    /// None for others: nobody may fill the store with every place and length that there is.
    pub(crate) fn of(machine: &str, key: &str, after: u64, limit: u32) -> Option<Self> {
        // The event beyond the page says that there is another one.
        let is_one =
            limit == PAGE_DEFAULT_ITEMS + 1 && after.is_multiple_of(u64::from(PAGE_DEFAULT_ITEMS));
        is_one.then(|| Self {
            name: format!("log/1/{machine}/{key}/{after}"),
            after,
            limit: limit as usize,
        })
    }

    /// Its events, where they were kept.
    pub(crate) async fn read(&self, env: &Env) -> Option<Vec<Told4>> {
        let get = async { Ok::<_, worker::Error>(env.kv(PAGES)?.get(&self.name).bytes().await?) };
        let kept = get.await;
        let kept = kept.inspect_err(|error| note(&format!("kept pages cannot be read: {error}")));
        let events: Vec<Told4> = postcard::from_bytes(&kept.ok()??).ok()?;
        let follow = (self.after + 1..).zip(&events).all(|(seq, event)| event.0 == seq);
        (follow && events.len() == self.limit).then_some(events)
    }

    /// Keeps it, if it is full: once from here, and those who do it at once write the same. KV
    /// takes a write a second, and does not know of it everywhere at once.
    pub(crate) async fn keep(&self, env: &Env, events: &[Told4]) {
        let is_new = || {
            KEPT.with_borrow_mut(|kept| {
                if kept.len() >= KEPT_MAX {
                    kept.clear();
                }
                kept.insert(self.name.clone())
            })
        };
        if events.len() < self.limit || !is_new() {
            return;
        }
        let Ok(bytes) = postcard::to_allocvec(events) else { return };
        let put = async {
            env.kv(PAGES)?.put_bytes(&self.name, &bytes)?.execute().await?;
            Ok::<_, worker::Error>(())
        };
        if let Err(error) = put.await {
            note(&format!("a page of a log is not kept: {error}"));
        }
    }
}

thread_local! {
    /// Pages that this isolate wrote.
    static KEPT: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

const PAGES: &str = "PAGES";
const KEPT_MAX: usize = 1_024;
