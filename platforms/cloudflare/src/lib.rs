//! The platform on Cloudflare Workers.
//!
//! The Worker itself is stateless: it answers requests with the services, over ports that lead to
//! durable objects and D1. An entity is an object with its own SQLite store; the messages that it
//! tells stay there until they have reached the inbox of whoever consumes them, an object too,
//! which runs the consumer (docs/adr/0031).

mod entity;
mod fault;
mod http;
mod inbox;
mod limits;
mod live;
mod mail;
mod messages;
mod neighbours;
mod object;
mod objects;
mod outward;
mod pages;
mod ports;
mod services;
mod settings;
mod sockets;
mod tables;
mod values;
mod wire;
mod world;

use worker::{
    Context, Env, MessageBatch, Request, Response, ScheduleContext, ScheduledEvent, event,
};

use crate::messages::Parcel;

/// Answers a request.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    http::answer(request, env, &context).await
}

/// Carries messages to the inboxes of their consumers.
#[event(queue)]
async fn queue(batch: MessageBatch<Parcel>, env: Env, _: Context) -> worker::Result<()> {
    messages::deliver(&batch, &env).await;
    Ok(())
}

/// Looks after the inboxes: one whose alarm was lost is woken.
#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    messages::wake_inboxes(&env).await;
}
