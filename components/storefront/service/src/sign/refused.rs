//! What was refused of a form, as it is said beside the form.

use crate::api::{Answer, Refusal};

/// A refusal, or none.
pub(crate) struct Refused {
    /// Of which form of the page.
    form: &'static str,
    refusal: Option<Refusal>,
    /// Seconds until it may be tried again.
    again: Option<String>,
}

/// A sentence, and the field that it is about; empty where it is about all of them.
pub(crate) struct Line<'a> {
    pub(crate) field: &'a str,
    pub(crate) text: &'a str,
}

impl Refused {
    /// A form that was not sent yet.
    pub(crate) fn nothing() -> Self {
        Self { form: "", refusal: None, again: None }
    }

    /// What the API refused.
    pub(crate) fn by(form: &'static str, answer: &Answer) -> Self {
        let again = answer.header("retry-after").map(str::to_owned);
        Self { form, refusal: Some(answer.refusal()), again }
    }

    /// What the storefront refused.
    pub(crate) fn because(form: &'static str, refusal: Refusal) -> Self {
        Self { form, refusal: Some(refusal), again: None }
    }

    /// The status of the page. Not 401: a page is not asked again with a token.
    pub(crate) fn status(&self) -> u16 {
        match self.refusal.as_ref().map(|refusal| refusal.status) {
            None => 200,
            Some(401) => 403,
            Some(status) => status,
        }
    }

    /// When to try again.
    pub(crate) fn again(&self) -> Option<String> {
        self.again.clone()
    }

    /// Was it refused with this code?
    pub(crate) fn is(&self, code: &str) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.code == code)
    }

    /// Was it this form of the page?
    pub(crate) fn is_of(&self, form: &str) -> bool {
        self.refusal.is_some() && self.form == form
    }

    /// Is something wrong with that field of that form?
    pub(crate) fn is_wrong(&self, form: &str, field: &str) -> bool {
        self.is_of(form) && self.lines().iter().any(|line| line.field == field)
    }

    /// What is wrong, field by field.
    pub(crate) fn lines(&self) -> Vec<Line<'_>> {
        let Some(refusal) = &self.refusal else { return Vec::new() };
        if refusal.errors.is_empty() {
            let known = SENTENCES.iter().find(|(code, ..)| *code == refusal.code);
            let (field, text) = known.map_or(("", ""), |(_, field, text)| (*field, *text));
            let text = if text.is_empty() { refusal.detail.as_str() } else { text };
            return vec![Line { field, text }];
        }
        let wrong = refusal.errors.iter();
        wrong
            .map(|wrong| Line { field: wrong.pointer.trim_start_matches('/'), text: &wrong.detail })
            .collect()
    }
}

/// By code: the field that it is about, and what to say where the API speaks to programs.
const SENTENCES: &[(&str, &str, &str)] = &[
    ("confirmation_required", "sure", ""),
    ("invalid_code", "code", ""),
    // Where somebody signs in nobody says which of the two was wrong.
    ("invalid_credentials", "current_password", ""),
    (
        "otp_required",
        "otp",
        "This account has a second factor: type the code that your authenticator shows, or one of \
         your recovery codes.",
    ),
    (
        "reauthentication_required",
        "password",
        "Type your password, or a code of your second factor. Or sign in again and come back \
         within ten minutes.",
    ),
    ("precondition_failed", "", "This was changed elsewhere meanwhile. Look, and save it again."),
];
