//! Services: component instances that serve one buffered request at a time.

mod bindings;
mod bounds;
mod gate;
mod guest;
mod neighbours;
mod objects;
mod outward;
mod pool;
mod ports;
mod stubs;
mod writes;

pub(crate) use bindings::consumer_face::exports::ecomauction::edge::consumer as consume;
pub(crate) use bindings::http_face::exports::ecomauction::edge::http as face;
pub(crate) use bindings::http_face::exports::ecomauction::edge::socket;
pub(crate) use bounds::Bounds;
pub(crate) use guest::{Platform, Shared};
pub(crate) use pool::{Service, ServiceError};
pub(crate) use writes::Turn;
