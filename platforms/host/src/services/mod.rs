//! Services: component instances that serve one buffered request at a time.

mod bindings;
mod gate;
mod guest;
mod outward;
mod pool;
mod ports;
mod stubs;

pub(crate) use bindings::consumer_face::exports::ecomauction::edge::consumer as consume;
pub(crate) use bindings::http_face::exports::ecomauction::edge::http as face;
pub(crate) use bindings::http_face::exports::ecomauction::edge::socket;

pub(crate) use guest::{Platform, Shared};
pub(crate) use pool::{Service, ServiceError};
