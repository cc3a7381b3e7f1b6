//! The HTTP manners of the API (api.md §1), without knowledge of any capability.
//!
//! A service declares a table of [`Route`]s and hands each [`Request`] to [`serve`], which does
//! what all routes have in common: routing, request ids, bearer tokens, body limits, problems.
//! What a route means lives in the capability; how bytes reach the wire lives in the platform.

pub mod auth;
mod correlation;
#[cfg(feature = "document")]
pub mod document;
mod fault;
mod fields;
pub mod idempotency;
pub mod json;
pub mod live;
mod message;
pub mod page;
pub mod precondition;
mod problem;
mod query;
mod route;
mod serve;

pub use fields::Fields;
pub use message::{Header, Request, Response};
pub use precondition::not_modified;
pub use problem::{FieldError, Problem};
pub use query::Query;
pub use route::{Auth, Method, Route};
pub use serve::{Exchange, refuse, serve, serve_caller};
