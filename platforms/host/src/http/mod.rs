//! The public listener: limits first, then the route table of the manifest, then a service.

mod body;
mod forwarded;
mod intake;
mod limits;
mod listener;
mod pace;
mod problem;
mod router;
mod seats;
mod server;

pub(crate) use body::read as read_body;
pub(crate) use limits::{CONNECTIONS_PER_CLIENT_MAX, HttpLimits};
pub(crate) use listener::{Answer, serve};
pub(crate) use problem::problem;
pub(crate) use router::Router;
pub(crate) use server::{Connections, body_refusal};

/// Bodies of responses: whole, in memory.
pub(crate) type Body = http_body_util::Full<bytes::Bytes>;
