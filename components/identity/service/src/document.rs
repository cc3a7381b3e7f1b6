//! What the API document says of the routes: one arm for each operation.

use web::document::{Description, Section};

use crate::Operation;

/// The operations of the service.
pub fn document() -> Section {
    Section::new(&[], crate::routes(), |_: Operation| None::<Description>)
}
