//! Wrong fields, collected.

use crate::contract::FieldError;
use crate::refusal::{Code, Refusal};

/// Collects wrong fields. `special` is the first fault with a code of its own.
#[derive(Default)]
pub(super) struct Faults {
    found: Vec<FieldError>,
    special: Option<(Code, String)>,
}

impl Faults {
    pub(super) fn add(&mut self, pointer: &str, code: &str, detail: impl Into<String>) {
        self.found.push(FieldError {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            detail: detail.into(),
        });
    }

    pub(super) fn add_special(&mut self, pointer: &str, code: Code, detail: &str) {
        self.add(pointer, code.as_str(), detail);
        self.special.get_or_insert_with(|| (code, detail.to_owned()));
    }

    pub(super) fn into_refusal(self) -> Refusal {
        let (code, detail) = self.special.unwrap_or_else(|| {
            let detail = match self.found.as_slice() {
                [only] => format!("{}: {}", only.pointer, only.detail),
                all => format!("{} fields are wrong", all.len()),
            };
            (Code::ValidationFailed, detail)
        });
        Refusal { code, detail, errors: self.found }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}
