//! Listing things, and looking after what is listed.

mod again;
mod bidders;
mod change;
mod draft;
mod faults;
mod ladders;
mod manage;
mod multipart;
mod pictures;
mod preview;

use askama::Template;
use kernel::{Id, kind};
use ports::Ports;
use serde::Deserialize;
use web::{Exchange, Problem, Response};

use crate::api::{Auction, Body, Change, Items, Refusal};
use crate::form::{self, Form};
use crate::page::{self, Frame};
use crate::visit::Visit;
use crate::{show, sign};
use draft::Draft;
use faults::Faults;
use preview::Preview;

pub(crate) use change::change;
pub(crate) use manage::show as manage;
pub(crate) use pictures::{add as add_picture, remove as remove_picture};

#[derive(Template)]
#[template(path = "sell.html")]
struct Listing<'a> {
    frame: Frame<'a>,
    form: &'a Form,
    faults: &'a Faults,
    /// Idempotency key: whatever happens on the way, one form lists one thing.
    key: String,
    preview: Option<Preview>,
    /// What can be listed again.
    earlier: Vec<Auction>,
}

/// What came of the form, where it is shown again.
struct Came {
    status: u16,
    form: Form,
    faults: Faults,
    key: String,
    preview: Option<Preview>,
}

/// `GET /sell`.
pub(crate) async fn form<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let Some(person) = &visit.person else {
        return Ok(page::to_sign_in(&visit, &exchange.request.target));
    };
    let like = page::parameter(exchange.request, "like");
    let form = if like.is_empty() {
        again::usual()
    } else {
        again::like(&visit.api(ports, exchange.request), &like, &person.id).await?
    };
    render(ports, exchange, &visit, Came::of(ports, form)).await
}

/// `POST /sell`.
pub(crate) async fn list<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    struct Listed {
        id: String,
    }
    let mut visit = Visit::of(ports, exchange).await?;
    let form = Form::typed(ports, exchange)?;
    if visit.person.is_none() {
        return sign::over(ports, exchange, &visit, HERE, &form);
    }
    let mut came = Came::of(ports, form);
    if came.form.admit(&visit).is_err() {
        (came.status, came.faults) = (403, Faults::one("", STALE));
        return render(ports, exchange, &visit, came).await;
    }
    match Draft::read(&came.form) {
        Err(faults) => (came.status, came.faults) = (422, faults),
        Ok(draft) if came.form.has("preview") => came.preview = Some(Preview::of(&draft)),
        Ok(draft) => {
            let body = draft.body();
            let (method, target, body) = ("POST", "/v1/auctions", Body::Json(&body));
            let change = Change { method, target, key: Some(&came.key), matching: None, body };
            let refusal = match visit.api(ports, exchange.request).change(change).await {
                Ok(answer) if answer.is_done() => {
                    let Listed { id } = answer.json()?;
                    return Ok(page::go(&visit, format!("/sell/{id}?done=listed")));
                }
                Ok(answer) => answer.refusal(),
                // What was typed is not lost by it.
                Err(problem) => Refusal::of(problem.status(), problem.code(), AGAIN),
            };
            if refusal.status == 401 {
                visit.lapse(ports, exchange.request).await?;
            }
            if refusal.code == "idempotency_key_reused" {
                came.key = form::secret(ports);
            }
            (came.status, came.faults) = match (refusal.status, &visit.person) {
                (401, None) => return sign::over(ports, exchange, &visit, HERE, &came.form),
                (401, Some(_)) => (403, Faults::one("", STALE)),
                (status, _) => (status, refused(&refusal, &came.form)),
            };
        }
    }
    render(ports, exchange, &visit, came).await
}

/// What was typed at an address before its session was over, there again. Nothing of it is done
/// before somebody has looked at it and sends it once more.
pub(crate) async fn resume<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    next: &str,
    typed: Form,
) -> Result<Response, Problem> {
    let faults = Faults::one("", RESUMED);
    if next == HERE {
        return render(ports, exchange, visit, Came { faults, ..Came::of(ports, typed) }).await;
    }
    let id = next.strip_prefix("/sell/").unwrap_or_default();
    id.parse::<Id<kind::Auction>>().map_err(|_| Problem::not_found())?;
    manage::at(ports, exchange, visit, id, manage::Came { status: 200, typed, faults }).await
}

impl Came {
    /// A form as it came, with the key that it was given at first: sent once more it lists nothing
    /// twice.
    fn of<P: Ports>(ports: &P, form: Form) -> Self {
        let key = if form.has("key") { form.get("key").to_owned() } else { form::secret(ports) };
        Self { status: 200, form, faults: Faults::default(), key, preview: None }
    }
}

fn refused(refusal: &Refusal, form: &Form) -> Faults {
    match refusal.code.as_str() {
        "idempotency_key_reused" => Faults::one("", TWICE),
        _ => draft::refused(refusal, form),
    }
}

async fn render<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    came: Came,
) -> Result<Response, Problem> {
    // The form is there also while the list of earlier auctions cannot be had.
    let earlier: Result<Items<Auction>, Problem> =
        visit.api(ports, exchange.request).read("/v1/me/auctions?limit=5").await;
    let earlier = earlier.map(|list| list.items).unwrap_or_default();
    let Came { status, form, faults, key, preview } = came;
    let frame = Frame::of(visit, "Sell something");
    let listing = Listing { frame, form: &form, faults: &faults, key, preview, earlier };
    page::page(status, visit, &listing)
}

impl Listing<'_> {
    /// Currencies to choose from; what was typed is among them.
    fn currencies(&self) -> Vec<&str> {
        let typed = self.form.get("currency");
        let is_known = |code: &str| code.parse::<kernel::Currency>().is_ok();
        let other = (!CURRENCIES.contains(&typed) && is_known(typed)).then_some(typed);
        CURRENCIES.iter().copied().chain(other).collect()
    }

    /// Is there something to see among what most people leave alone?
    fn says_more(&self) -> bool {
        let usual = again::usual();
        MORE.iter().any(|it| self.faults.has(it) || self.form.get(it) != usual.get(it))
    }

    /// Categories that were used before.
    fn categories(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.earlier.iter().map(|it| it.category.as_str()).collect();
        all.retain(|category| !category.is_empty());
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The form of a listing.
const HERE: &str = "/sell";
const STALE: &str = "You signed in anew since this page was loaded. Nothing that you typed is \
    lost: send it once more.";
const RESUMED: &str = "You are signed in. What you typed is here again: send it once more.";
const AGAIN: &str =
    "The platform did not answer. Nothing that you typed is lost: send it once more.";
const TWICE: &str = "This form has listed something already, as \u{201c}Selling\u{201d} shows. \
    Send it once more to list what it says now as well.";
const CURRENCIES: &[&str] = &[
    "USD", "EUR", "GBP", "JPY", "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "HKD", "HUF",
    "INR", "KRW", "KWD", "MXN", "NOK", "NZD", "PLN", "RON", "SEK", "SGD", "TRY", "ZAR",
];
/// What most people leave alone.
const MORE: &[&str] = &[
    "increments",
    "bands",
    "soft_close",
    "soft_close_window",
    "soft_close_extension",
    "retraction",
    "retraction_hours",
];
/// How long it can run, in seconds and in words.
const DURATIONS: &[(&str, &str)] = &[
    ("300", "5 minutes"),
    ("3600", "1 hour"),
    ("86400", "1 day"),
    ("259200", "3 days"),
    ("432000", "5 days"),
    ("604800", "7 days"),
    ("864000", "10 days"),
];
/// What a late bid does.
const LATE: &[(&str, &str)] = &[
    ("reset", "leaves at least so much time to answer"),
    ("add", "adds so much time to what is left"),
    ("off", "moves nothing: the end stands"),
];
const RETRACTIONS: &[(&str, &str)] = &[
    ("ebay", "for a good reason, within limits"),
    ("until", "until some hours before the end"),
    ("none", "never: bids bind"),
];
const PRICINGS: &[(&str, &str)] = &[
    ("lowest_accepted", "what the lowest of them said"),
    ("highest_rejected", "what the highest said who got nothing"),
];
