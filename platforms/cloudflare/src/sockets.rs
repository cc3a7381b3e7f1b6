//! The sockets of an entity (api.md §4). They hibernate with its object: what must be known of one
//! is attached to it, and the object is woken for what was decided, said or is due.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use edge::Decided;
use ports::live::{bounds, close};
use serde::{Deserialize, Serialize};
use web::live::{Answered, Sent, Told};
use worker::{Headers, Request, Response, ResponseBuilder, State, WebSocket, WebSocketPair};

use crate::fault::note;
use crate::services;
use crate::wire::{self, Opening};

/// What is attached to a socket, as JSON.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Attached {
    id: u64,
    pub(crate) component: String,
    principal: Option<String>,
    expires_at: Option<i64>,
    ends_at: Option<i64>,
    pub(crate) context: String,
}

/// The sockets of one object.
#[derive(Default)]
pub(crate) struct Sockets {
    /// Sockets that are about to be opened.
    openings: RefCell<BTreeMap<u64, Opening>>,
    /// Frames for sockets whose message is being answered: the answer comes first.
    busy: RefCell<BTreeMap<u64, Vec<String>>>,
    /// What a client may still send, and since when it gets more.
    floods: RefCell<BTreeMap<u64, (u32, i64)>>,
    ends_at: Cell<Option<i64>>,
    told_at: Cell<i64>,
}

impl Sockets {
    /// Keeps what a socket will be, until its request arrives; by what it is named there.
    pub(crate) fn prepare(&self, opening: Opening) -> u64 {
        let mut openings = self.openings.borrow_mut();
        while openings.len() >= OPENINGS_MAX {
            openings.pop_first();
        }
        let id = u64::from_le_bytes(crate::ports::drawn()) >> 11;
        openings.insert(id, opening);
        id
    }

    /// Opens a socket that was prepared. Its client gets its first frame and what it missed, which
    /// `missed` reads: nothing is decided meanwhile.
    pub(crate) fn open(
        &self,
        state: &State,
        request: &Request,
        missed: impl FnOnce(&str, &str, &str, u64) -> Result<Told, String>,
    ) -> worker::Result<Response> {
        let named = request.headers().get(OPENING)?.and_then(|id| id.parse().ok());
        let opening = named.and_then(|id: u64| Some((id, self.openings.borrow_mut().remove(&id)?)));
        let Some((id, opening)) = opening else {
            return Response::error("this socket was not prepared", 400);
        };
        let pair = WebSocketPair::new()?;
        state.accept_web_socket(&pair.server);
        let Opening { component, machine, key, after, hello, closes_with, .. } = &opening;
        send(&pair.server, hello);
        if let Some(code) = closes_with {
            end(&pair.server, *code);
        } else {
            match missed(machine, component, key, *after) {
                Ok(told) => told.events.iter().for_each(|event| send(&pair.server, &event.frame)),
                Err(why) => {
                    note(&format!("what a socket missed: {why}"));
                    end(&pair.server, close::RESTART);
                }
            }
        }
        let Opening { principal, expires_at, ends_at, context, protocol, .. } = opening.clone();
        let component = component.clone();
        let attached = Attached { id, component, principal, expires_at, ends_at, context };
        let text = serde_json::to_string(&attached).map_err(|error| error.to_string())?;
        pair.server.serialize_attachment(text)?;
        if ends_at.is_some() {
            self.ends_at.set(ends_at);
        }
        let headers = Headers::new();
        if let Some(protocol) = protocol {
            headers.set("sec-websocket-protocol", &protocol)?;
        }
        let response = ResponseBuilder::new().with_websocket(pair.client).with_status(101);
        Ok(response.with_headers(headers).empty())
    }

    /// Tells all sockets what was decided.
    pub(crate) fn tell(&self, state: &State, decided: Vec<Decided>) {
        let sockets: Vec<(WebSocket, Attached)> = attached(state).collect();
        let Some((_, first)) = sockets.first() else { return };
        let component = first.component.clone();
        for Decided { key, events, sent } in decided {
            let sent: Vec<_> = sent.into_iter().map(|(topic, body)| Sent { topic, body }).collect();
            let told = services::tell(&component, &key, &events, &sent);
            if told.ends_at.is_some() {
                self.ends_at.set(told.ends_at);
            }
            for (socket, attached) in &sockets {
                told.events.iter().for_each(|event| self.say(socket, attached, &event.frame));
                for whisper in &told.whispers {
                    if attached.principal.as_ref() == Some(&whisper.principal) {
                        self.say(socket, attached, &whisper.frame);
                    }
                }
                if told.is_gone {
                    end(socket, close::GONE);
                }
            }
        }
    }

    /// Does what is due: ends the sockets whose tokens are over, tells the time before the end.
    /// When something will be due next.
    pub(crate) fn attend(&self, state: &State) -> Option<i64> {
        let now = wire::now().as_ms();
        let mut next: Option<i64> = None;
        let mut soonest = |at: i64| next = Some(next.map_or(at, |next| next.min(at)));
        let mut ends_at = self.ends_at.get();
        let mut sockets = Vec::new();
        for (socket, attached) in attached(state) {
            ends_at = ends_at.or(attached.ends_at);
            match attached.expires_at {
                Some(at) if at <= now => end(&socket, close::BAD_AUTH),
                at => {
                    at.into_iter().for_each(&mut soonest);
                    sockets.push((socket, attached));
                }
            }
        }
        let left = ends_at.map_or(0, |ends_at| ends_at - now);
        if sockets.is_empty() || left <= 0 {
            return next;
        }
        if left > bounds::LAST_MS {
            soonest(now + left - bounds::LAST_MS);
            return next;
        }
        if now - self.told_at.get() >= bounds::TIME_MS {
            self.told_at.set(now);
            for (socket, attached) in &sockets {
                if let Some(frame) = services::time(&attached.component, wire::now()) {
                    self.say(socket, attached, &frame);
                }
            }
        }
        soonest(self.told_at.get() + bounds::TIME_MS);
        next
    }

    /// A message of a client; `answer` handles it.
    pub(crate) async fn heard<F: Future<Output = Answered>>(
        &self,
        socket: &WebSocket,
        text: &str,
        answer: impl FnOnce(Attached) -> F,
    ) {
        let Some(attached) = of(socket) else { return end(socket, close::RESTART) };
        if text.len() > bounds::MESSAGE_MAX_BYTES {
            return end(socket, close::TOO_BIG);
        }
        if !self.takes_one(attached.id) {
            return end(socket, close::RATE_LIMITED);
        }
        let id = attached.id;
        self.busy.borrow_mut().entry(id).or_default();
        let Answered { frames, closes_with } = answer(attached).await;
        frames.iter().for_each(|frame| send(socket, frame));
        let kept = self.busy.borrow_mut().remove(&id).unwrap_or_default();
        kept.iter().for_each(|frame| send(socket, frame));
        if let Some(code) = closes_with {
            end(socket, code);
        }
    }

    /// A client has left.
    pub(crate) fn left(&self, socket: &WebSocket) {
        if let Some(attached) = of(socket) {
            self.floods.borrow_mut().remove(&attached.id);
            self.busy.borrow_mut().remove(&attached.id);
        }
    }

    fn say(&self, socket: &WebSocket, attached: &Attached, frame: &str) {
        match self.busy.borrow_mut().get_mut(&attached.id) {
            Some(kept) => kept.push(frame.to_owned()),
            None => send(socket, frame),
        }
    }

    fn takes_one(&self, id: u64) -> bool {
        let now = wire::now().as_ms();
        let mut floods = self.floods.borrow_mut();
        let (left, since) = floods.entry(id).or_insert((bounds::MESSAGES_AT_ONCE, now));
        let back = (now - *since) / i64::from(bounds::MESSAGE_EVERY_MS);
        if back > 0 {
            let back = u32::try_from(back).unwrap_or(u32::MAX);
            *left = left.saturating_add(back).min(bounds::MESSAGES_AT_ONCE);
            *since = now;
        }
        let is_left = *left > 0;
        *left = left.saturating_sub(1);
        is_left
    }
}

/// Closes a socket; one that is closed already stays so.
pub(crate) fn end(socket: &WebSocket, code: u16) {
    let _ = socket.close(Some(code), Some(""));
}

fn attached(state: &State) -> impl Iterator<Item = (WebSocket, Attached)> {
    let sockets = state.get_websockets().into_iter();
    sockets.filter_map(|socket| of(&socket).map(|attached| (socket, attached)))
}

fn of(socket: &WebSocket) -> Option<Attached> {
    let text: String = socket.deserialize_attachment().ok().flatten()?;
    serde_json::from_str(&text).ok()
}

/// A socket that closes meanwhile hears nothing more, and its client comes back.
fn send(socket: &WebSocket, frame: &str) {
    let _ = socket.send_with_str(frame);
}

/// Names a socket that was prepared.
pub(crate) const OPENING: &str = "x-opening";
/// The runtime closes what its client sends in bytes.
pub(crate) const UNSUPPORTED: u16 = 1003;
const OPENINGS_MAX: usize = 4_096;
