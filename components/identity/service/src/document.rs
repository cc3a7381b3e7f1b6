//! What the API document says of the routes: one arm for each operation.

use web::document::{Description, Section};

use crate::Operation;

/// The operations of the service.
pub fn document() -> Section {
    Section::new(&[], crate::routes(), describe)
}

/// None for what exists in development only.
fn describe(operation: Operation) -> Option<Description> {
    match operation {
        Operation::DevelopmentToken => None,
    }
}
