//! Views that this instance has rendered, by the head of their log.
//!
//! A view changes with the log and with nothing else but the seller's name and the QR code. The
//! auction is asked each time whether its log still stands at that head, so nothing here is
//! believed unasked; what is saved is writing, reading and writing the same JSON again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use kernel::Timestamp;

use crate::view::{Beside, Rendered, Seen, Viewer};
use crate::{names, qr};

/// The view of one auction as the public sees it.
pub(crate) struct Known {
    /// Head of the log that it shows.
    pub(crate) head: String,
    /// Its tag.
    pub(crate) etag: String,
    rendered: Rendered,
    seller: String,
    seller_name: String,
    /// It is open and has no QR code yet.
    awaits_qr: bool,
    /// Once it has a result, whoever is signed in may see more than the public.
    has_ended: bool,
}

impl Known {
    /// The view as JSON.
    pub(crate) fn body(&self, server_time: Timestamp) -> Vec<u8> {
        self.rendered.at(server_time)
    }
}

/// What is known of an auction and may be shown to this caller.
pub(crate) fn recall(id: &str, caller: Option<&str>, now: Timestamp) -> Option<Rc<Known>> {
    let known = KNOWN.with_borrow(|all| all.get(id).map(Rc::clone))?;
    let sees_more = caller.is_some_and(|caller| known.has_ended || caller == known.seller);
    let has_same_name =
        || names::known(&known.seller, now).is_some_and(|name| name == known.seller_name);
    let is_awaited = known.awaits_qr && qr::known(id, now) != Some(false);
    (!sees_more && !is_awaited && has_same_name()).then_some(known)
}

/// Keeps a view that was just rendered, if it is the public's.
pub(crate) fn remember(
    id: &str,
    seen: &Seen<'_>,
    viewer: Viewer,
    beside: Beside<'_>,
    rendered: &Rendered,
) {
    if viewer != Viewer::Public || !seen.is_still() {
        return;
    }
    let known = Known {
        head: seen.head.to_owned(),
        etag: seen.etag(viewer, beside.has_qr),
        rendered: rendered.clone(),
        seller: seen.fixed.seller.to_owned(),
        seller_name: beside.seller_name.to_owned(),
        awaits_qr: seen.has_opened() && !beside.has_qr,
        has_ended: seen.has_ended(),
    };
    KNOWN.with_borrow_mut(|all| {
        if all.len() >= KNOWN_MAX {
            all.clear();
        }
        all.insert(id.into(), Rc::new(known));
    });
}

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, Rc<Known>>> = RefCell::default();
}

/// Most views that an instance remembers, of about 1.5 KiB each.
const KNOWN_MAX: usize = 1_024;
