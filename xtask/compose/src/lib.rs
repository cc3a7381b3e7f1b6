//! Makes components: a machine's core module becomes a component, a service and its platform part
//! become one component, and any component's imports and exports can be listed.
//!
//! Nothing here reads files, runs cargo or knows what a machine or a service does.

mod compose;
mod names;
mod wrap;

pub use compose::{ComposeError, compose, compose_spin};
pub use names::{NamesError, exports_of, imports_of};
pub use wrap::{WrapError, wrap_machine};
