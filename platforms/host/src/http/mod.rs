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
mod within;

pub(crate) use body::read as read_body;
pub(crate) use limits::{CONNECTIONS_PER_CLIENT_MAX, HttpLimits};
pub(crate) use listener::{Answer, serve};
pub(crate) use pace::Paced;
pub(crate) use problem::problem;
pub(crate) use router::Router;
pub(crate) use seats::ConnectionSeat;
pub(crate) use server::{Connections, body_refusal};
pub(crate) use within::answer_within;

pub(crate) use crate::live::Body;
