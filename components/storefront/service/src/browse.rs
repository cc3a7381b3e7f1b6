//! Looking around: the front page, search, what somebody sells.

use std::collections::BTreeSet;

use askama::Template;
use kernel::{Id, kind};
use ports::Ports;
use web::{Exchange, Problem, Request, Response};

use crate::api::{Api, Auction, Items};
use crate::page::{self, Frame};
use crate::visit::Visit;
use crate::{form, show};

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: Frame<'a>,
    ending: Vec<Auction>,
    newest: Vec<Auction>,
}

#[derive(Template)]
#[template(path = "search.html")]
pub(crate) struct List<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) filters: Option<Filters>,
    pub(crate) categories: BTreeSet<String>,
    pub(crate) items: Vec<Auction>,
    /// The address of the next page.
    pub(crate) next: Option<String>,
    /// What is said where the list is empty.
    pub(crate) nothing: &'static str,
    pub(crate) wrong: String,
}

/// What a search asks for, as it was typed.
pub(crate) struct Filters {
    q: String,
    category: String,
    format: String,
    status: String,
    min: String,
    max: String,
    sort: String,
}

/// `GET /`.
pub(crate) async fn home<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let api = visit.api(ports, exchange.request);
    let first = async |sort: &str| -> Vec<Auction> {
        let target = format!("/v1/auctions?status=open&sort={sort}&limit=8");
        // The front page is there also while a list cannot be had.
        api.read(&target).await.map_or_else(|_| Vec::new(), |list: Items<Auction>| list.items)
    };
    let (ending, newest) = (first("ending").await, first("newest").await);
    let frame = Frame::of(&visit, "Auctions").after(exchange.request.query());
    page::page(200, &visit, &Home { frame, ending, newest })
}

/// `GET /search`.
pub(crate) async fn search<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let api = visit.api(ports, exchange.request);
    let filters = Filters::of(exchange.request);
    let cursor = page::parameter(exchange.request, "cursor");
    let nothing = || Items { items: Vec::new(), next_cursor: None };
    let (status, found, wrong) = if filters.has_no_amount() {
        // Said beside the field; the API would say it to programs.
        (400, nothing(), String::new())
    } else {
        let answer = api.get(&filters.target(&cursor)).await?;
        let refusal = (!answer.is_done()).then(|| answer.refusal());
        match refusal {
            None => (200, answer.json()?, String::new()),
            Some(refusal) => (refusal.status, nothing(), refusal.sentences().join(" ")),
        }
    };
    let title = if filters.q.is_empty() { "Auctions".to_owned() } else { filters.q.clone() };
    let list = List {
        frame: Frame::of(&visit, title),
        next: found.next_cursor.map(|cursor| filters.address(&cursor)),
        categories: found.items.iter().map(|auction: &Auction| auction.category.clone()).collect(),
        items: found.items,
        nothing: if status == 200 { "Nothing fits. Ask for less." } else { "" },
        filters: Some(filters),
        wrong,
    };
    page::page(status, &visit, &list)
}

/// `GET /sellers/{id}`.
pub(crate) async fn seller<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = exchange.parameter("id");
    id.parse::<Id<kind::User>>().map_err(|_| Problem::not_found())?;
    let visit = Visit::of(ports, exchange).await?;
    let api: Api<'_, P> = visit.api(ports, exchange.request);
    let cursor = cursor(&page::parameter(exchange.request, "cursor"));
    let target = format!("/v1/auctions?seller={id}&sort=newest&limit=12{cursor}");
    let found: Items<Auction> = api.read(&target).await?;
    let name = found.items.first().map_or("Seller", |auction| &auction.seller.display_name);
    let list = List {
        frame: Frame::of(&visit, format!("Sold by {name}")),
        filters: None,
        categories: BTreeSet::new(),
        next: found.next_cursor.map(|cursor| format!("/sellers/{id}?cursor={cursor}")),
        items: found.items,
        nothing: "Nothing is for sale here.",
        wrong: String::new(),
    };
    page::page(200, &visit, &list)
}

impl Filters {
    fn of(request: &Request) -> Self {
        let of = |name: &str| page::parameter(request, name);
        let or = |name: &str, usual: &str| {
            let value = of(name);
            if value.is_empty() { usual.to_owned() } else { value }
        };
        Self {
            q: of("q"),
            category: of("category"),
            format: of("format"),
            status: or("status", "open"),
            min: of("min"),
            max: of("max"),
            sort: or("sort", "ending"),
        }
    }

    /// The prices: the name of the field, its label, what was typed, and whether that is no amount.
    fn prices(&self) -> [(&'static str, &'static str, &str, bool); 2] {
        let price = |name, label, typed| (name, label, typed, !is_amount(typed));
        [price("min", "Price from", self.min.trim()), price("max", "Price to", self.max.trim())]
    }

    fn has_no_amount(&self) -> bool {
        self.prices().iter().any(|(.., is_wrong)| *is_wrong)
    }

    /// The question to the API.
    fn target(&self, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let any = if self.status == "any" { "" } else { &self.status };
        let minor = |typed| minor(typed).map(|minor| minor.to_string()).unwrap_or_default();
        let (min, max) = (minor(&self.min), minor(&self.max));
        for (name, value) in [
            ("q", self.q.as_str()),
            ("category", &self.category),
            ("format", &self.format),
            ("status", any),
            ("min_price", &min),
            ("max_price", &max),
            ("sort", &self.sort),
            ("limit", "12"),
            ("cursor", cursor),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/v1/auctions?{}", query.finish())
    }

    /// The page that goes on behind a cursor.
    fn address(&self, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", self.q.as_str()),
            ("category", &self.category),
            ("format", &self.format),
            ("status", &self.status),
            ("min", &self.min),
            ("max", &self.max),
            ("sort", &self.sort),
            ("cursor", cursor),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/search?{}", query.finish())
    }
}

/// Prices of all currencies are compared by their minor units; most have two decimals.
fn minor(typed: &str) -> Option<i64> {
    form::minor(typed.trim(), 2)
}

/// Can a field of prices stand so? It may be empty.
fn is_amount(typed: &str) -> bool {
    typed.is_empty() || minor(typed).is_some()
}

/// `&cursor=…`, where there is one.
pub(crate) fn cursor(cursor: &str) -> String {
    let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
    if cursor.is_empty() { cursor } else { format!("&cursor={cursor}") }
}

const STATUSES: &[(&str, &str)] = &[
    ("open", "Open"),
    ("scheduled", "Not yet begun"),
    ("sold", "Sold"),
    ("unsold", "Not sold"),
    ("any", "All"),
];
const ORDERS: &[(&str, &str)] = &[
    ("ending", "Ending soon"),
    ("newest", "Newest"),
    ("price", "Cheapest"),
    ("-price", "Dearest"),
    ("bids", "Most bids"),
];
