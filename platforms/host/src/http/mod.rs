//! The public listener: limits first, then the route table of the manifest, then a service.

mod body;
mod limits;
mod problem;
mod router;
mod server;

pub(crate) use body::read as read_body;
pub(crate) use limits::HttpLimits;
pub(crate) use problem::problem;
pub(crate) use router::Router;
pub(crate) use server::{Answer, Connections, body_refusal, serve};

/// Bodies of responses: whole, in memory.
pub(crate) type Body = http_body_util::Full<bytes::Bytes>;
