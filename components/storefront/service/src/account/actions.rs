//! What the forms of the account do.

use ports::Ports;
use serde_json::{Map, Value, json};
use web::{Exchange, Problem, Response};

use super::{LETTERS, LETTERS_TARGET, devices, factor};
use crate::api::{Answer, Body, Change, Refusal};
use crate::form::Form;
use crate::sign::{Refused, code};
use crate::visit::Visit;

/// A form that was sent.
pub(super) struct Act<'a, 'e, P> {
    pub(super) ports: &'a P,
    pub(super) exchange: &'a Exchange<'e>,
    pub(super) form: &'a Form,
}

/// What came of it.
pub(super) enum Came {
    /// The account again, with that sentence.
    Done(&'static str),
    /// Nobody is signed in now.
    Out(&'static str),
    /// A page of its own.
    Page(Response),
    Refused(Refused),
}

impl<P: Ports> Act<'_, '_, P> {
    /// Does what the form asks for.
    pub(super) async fn run(&self, visit: &mut Visit) -> Result<Came, Problem> {
        match self.form.get("do") {
            "name" => self.name(visit).await,
            "password" => self.password(visit).await,
            "factor" => factor::offer(self, visit).await,
            "factor-code" => factor::confirm(self, visit).await,
            "factor-off" => factor::remove(self, visit).await,
            "letters" => self.letters(visit).await,
            "device" => devices::sign_out(self, visit).await,
            "everywhere" => self.everywhere(visit).await,
            "erase" => self.erase(visit).await,
            _ => Err(Problem::new(400, "invalid_request", "This page knows no such form.")),
        }
    }

    /// The API, asked for one change.
    pub(super) async fn ask(
        &self,
        visit: &Visit,
        method: &'static str,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Problem> {
        let body = body.map_or(Body::None, Body::Json);
        let change = Change { method, target, key: None, matching: None, body };
        visit.api(self.ports, self.exchange.request).change(change).await
    }

    /// That it is the person who signed in: what was typed of a password and a one-time code.
    pub(super) fn proof(&self) -> Value {
        let password = self.form.raw("password");
        let password = (!password.is_empty()).then_some(password);
        json!({ "password": password, "otp": code(self.form, "otp") })
    }

    async fn name(&self, visit: &mut Visit) -> Result<Came, Problem> {
        let body = json!({ "display_name": self.form.get("display_name") });
        let change = Change {
            method: "PATCH",
            target: "/v1/me",
            key: None,
            // As the page showed it: what was changed elsewhere meanwhile is not undone unseen.
            matching: Some(self.form.get("tag")),
            body: Body::Json(&body),
        };
        let answer = visit.api(self.ports, self.exchange.request).change(change).await?;
        if !answer.is_done() {
            return Ok(Came::Refused(Refused::by("name", &answer)));
        }
        // The name stands in the token, too.
        visit.renew(self.ports, self.exchange.request).await?;
        Ok(Came::Done("name"))
    }

    async fn password(&self, visit: &Visit) -> Result<Came, Problem> {
        let body = json!({
            "current_password": self.form.raw("current_password"),
            "password": self.form.raw("password"),
        });
        let answer = self.ask(visit, "POST", "/v1/me/password", Some(&body)).await?;
        Ok(came(&answer, "password", Came::Done("new-password")))
    }

    async fn letters(&self, visit: &Visit) -> Result<Came, Problem> {
        let switch = |(kind, _): &(&str, &str)| ((*kind).to_owned(), json!(self.form.has(kind)));
        let body = Value::Object(LETTERS.iter().map(switch).collect::<Map<_, _>>());
        let answer = self.ask(visit, "PATCH", LETTERS_TARGET, Some(&body)).await?;
        Ok(came(&answer, "letters", Came::Done("letters")))
    }

    async fn everywhere(&self, visit: &Visit) -> Result<Came, Problem> {
        let answer = self.ask(visit, "DELETE", "/v1/sessions", None).await?;
        Ok(came(&answer, "everywhere", Came::Out("everywhere")))
    }

    async fn erase(&self, visit: &Visit) -> Result<Came, Problem> {
        if !self.form.has("sure") {
            let detail = "Tick the box: an account that is erased does not come back.";
            let refusal = Refusal::of(422, "confirmation_required", detail);
            return Ok(Came::Refused(Refused::because("erase", refusal)));
        }
        let answer = self.ask(visit, "DELETE", "/v1/me", Some(&self.proof())).await?;
        Ok(came(&answer, "erase", Came::Out("erased")))
    }
}

/// What was wanted, or what was refused of that form.
pub(super) fn came(answer: &Answer, form: &'static str, wanted: Came) -> Came {
    if answer.is_done() { wanted } else { Came::Refused(Refused::by(form, answer)) }
}
