//! Rates: the buckets of a few objects, each of them with its share of the names.

use composition::Composition;
use edge::Machines;
use ports::{Limits as _, Policy};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::object::{Inside, tell_troubles};
use crate::wire::{self, TakeToken};

/// The object of a share of the buckets.
#[durable_object]
pub struct LimitsObject {
    inside: Inside,
}

impl DurableObject for LimitsObject {
    fn new(state: State, env: Env) -> Self {
        Self { inside: Inside::new(state, env) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let Some(question) = wire::asked::<TakeToken>(request).await? else {
            return wire::not_asked();
        };
        let edge = self
            .inside
            .edge(|| (Machines::default(), Composition::default(), "limits".to_owned()))?;
        let TakeToken { bucket, capacity, refill_ms } = question;
        let taken = edge.take(&bucket, Policy { capacity, refill_ms }).await;
        tell_troubles(&edge);
        wire::answer(&taken)
    }
}
