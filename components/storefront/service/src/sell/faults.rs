//! What is wrong with a form, told beside each field: by this page, or by the API, whose pointers
//! are led back to the fields that were typed into.

use crate::api::Refusal;

/// What is wrong, in the order in which it was found.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Faults(Vec<Fault>);

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The name of the field; empty where it is about all of them.
    pub(super) field: &'static str,
    /// A sentence.
    pub(super) text: String,
}

/// A field: the start of the pointers to it, its name, what a person calls it.
pub(super) type Field = (&'static str, &'static str, &'static str);

impl Faults {
    /// A single thing.
    pub(super) fn one(field: &'static str, text: impl Into<String>) -> Self {
        Self(vec![Fault { field, text: text.into() }])
    }

    /// One thing more.
    pub(super) fn add(&mut self, field: &'static str, text: impl Into<String>) {
        self.0.push(Fault { field, text: text.into() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, for the summary.
    pub(super) fn all(&self) -> &[Fault] {
        &self.0
    }

    /// What is wrong with a field.
    pub(super) fn of<'f>(&'f self, field: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |fault| fault.field == field).map(|fault| fault.text.as_str())
    }

    /// Is anything wrong with a field?
    pub(super) fn has(&self, field: &str) -> bool {
        self.of(field).next().is_some()
    }

    /// What the API refused, by the fields of a form.
    pub(super) fn refused(refusal: &Refusal, fields: &[Field]) -> Self {
        if refusal.errors.is_empty() {
            return Self::one("", sentence(&refusal.detail));
        }
        let fault = |pointer: &str, detail: &str| {
            let found = fields.iter().find(|(start, ..)| leads_to(pointer, start));
            let field = found.map_or("", |(_, name, _)| name);
            let place = place(pointer).map(|at| format!("Line {at}: ")).unwrap_or_default();
            Fault { field, text: format!("{place}{}", sentence(detail)) }
        };
        Self(refusal.errors.iter().map(|wrong| fault(&wrong.pointer, &wrong.detail)).collect())
    }

    /// The same at other fields, where a member was typed into one of several.
    #[must_use]
    pub(super) fn at(mut self, other: impl Fn(&'static str) -> &'static str) -> Self {
        self.0.iter_mut().for_each(|fault| fault.field = other(fault.field));
        self
    }

    /// Without those of some fields, as long as others are left.
    #[must_use]
    pub(super) fn but(mut self, is_moot: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().any(|fault| !is_moot(fault.field)) {
            self.0.retain(|fault| !is_moot(fault.field));
        }
        self
    }
}

impl Fault {
    /// What a person calls the field.
    pub(super) fn label(&self, fields: &[Field]) -> &'static str {
        let found = fields.iter().find(|(_, name, _)| *name == self.field);
        found.map_or("", |(.., label)| label)
    }
}

/// Does a pointer lead to a member, or into it?
fn leads_to(pointer: &str, member: &str) -> bool {
    pointer.strip_prefix(member).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The place in a list that a pointer leads through, from 1.
fn place(pointer: &str) -> Option<u64> {
    pointer.split('/').find_map(|part| part.parse::<u64>().ok()).map(|at| at.saturating_add(1))
}

/// The machine says what is wrong in half a sentence; a page says it in a whole one.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if detail.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Refusal;

    fn refusal(errors: &str) -> Refusal {
        let body = format!(
            r#"{{"status":422,"code":"validation_failed","detail":"Wrong.","errors":{errors}}}"#
        );
        Refusal::read(422, body.as_bytes())
    }

    #[test]
    fn pointers_lead_to_the_fields_that_were_typed_into() {
        let fields: &[Field] = &[
            ("/start_price/currency", "currency", "Currency"),
            ("/start_price", "start_price", "Start price"),
            ("/increments", "bands", "Steps"),
        ];
        let refusal = refusal(
            r#"[{"pointer":"/start_price/amount","detail":"at least one minor unit"},
                {"pointer":"/start_price/currency","detail":"Is none."},
                {"pointer":"/increments/2/step","detail":"a step is at least one minor unit"},
                {"pointer":"/start_prices","detail":"what is this"}]"#,
        );
        let faults = Faults::refused(&refusal, fields);
        let of = |field| faults.of(field).collect::<Vec<_>>();
        assert_eq!(of("start_price"), ["At least one minor unit."]);
        assert_eq!(of("currency"), ["Is none."]);
        assert_eq!(of("bands"), ["Line 3: A step is at least one minor unit."]);
        assert_eq!(of(""), ["What is this."]);
        assert_eq!(faults.all().first().map(|fault| fault.label(fields)), Some("Start price"));
        assert!(faults.has("start_price") && !faults.has("title"));
    }

    #[test]
    fn a_refusal_without_fields_is_about_all_of_them() {
        let faults = Faults::refused(&Refusal::of(409, "too_late", "it is over"), &[]);
        assert_eq!(faults, Faults::one("", "It is over."));
    }
}
