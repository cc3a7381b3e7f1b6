//! The post: letters are handed to a mail service, or kept where there is none. One object knows
//! which keys went through.

use composition::Composition;
use edge::Machines;
use ports::{Letter, Mail as _};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::object::{Inside, tell_troubles};
use crate::wire::{self, ToPost, Unsent};

/// The object of the post.
#[durable_object]
pub struct PostObject {
    inside: Inside,
}

impl DurableObject for PostObject {
    fn new(state: State, env: Env) -> Self {
        Self { inside: Inside::new(state, env) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let Some(question) = wire::asked::<ToPost>(request).await? else {
            return wire::not_asked();
        };
        let edge = self
            .inside
            .edge(|| (Machines::default(), Composition::default(), "post".to_owned()))?;
        let answer = match question {
            ToPost::Send { key, letter } => {
                let sent = edge.send(&key, &Letter::from(letter)).await;
                wire::answer(&sent.map_err(Unsent::from))
            }
            ToPost::Captured { to, limit } => {
                let kept = edge.captured(to.as_deref(), limit).await;
                wire::answer(&kept.into_iter().map(wire::kept).collect::<Vec<_>>())
            }
        };
        tell_troubles(&edge);
        answer
    }
}
