//! An auction's rules in plain words, for programs and for people, and what a bid would lead to.

use auction_machine::contract::{Preview, Query, Refused, Rule, View};
use ports::Ports;
use serde::{Deserialize, Serialize};
use web::json::Object;
use web::{Exchange, Problem, Response, json};

use crate::{read, refusal, wire};

#[derive(Serialize)]
struct Body<'a> {
    auction_id: &'a str,
    format: &'a str,
    rules: &'a [Rule],
}

/// `GET /v1/auctions/{id}/rules`: JSON, or a page when `Accept` asks for HTML.
pub(crate) async fn show<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let rules: Vec<Rule> = read::asked(ports, id, None, &Query::Rules).await?;
    let view: View = read::asked(ports, id, None, &Query::View).await?;
    let response = if exchange.request.wants_page() {
        let page = page(&view.fixed.title, &rules);
        Response { body: page.into_bytes(), ..Response::empty(200) }
            .with("content-type", "text/html; charset=utf-8")
            .with("content-security-policy", PAGE_POLICY)
    } else {
        Response::json(200, &Body { auction_id: id, format: &view.fixed.format, rules: &rules })?
    };
    Ok(exchange.revalidated(response).with("vary", "Accept"))
}

/// `POST /v1/auctions/{id}/bids:preview`.
pub(crate) async fn preview<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Answer {
        Preview(Preview),
        Refused(Refused),
    }
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let Object(bid) = json::body::<Object<wire::Bid>>(exchange.request)?;
    let caller = exchange.caller.as_ref().map(|caller| caller.subject.as_str());
    match read::asked(ports, id, caller, &Query::Preview(bid.command())).await? {
        Answer::Preview(preview) => Response::json(200, &preview),
        Answer::Refused(refused) => Err(refusal::problem(refused, ports.now())),
    }
}

fn page(title: &str, rules: &[Rule]) -> String {
    let mut page = String::with_capacity(4_096);
    let title = escaped(title);
    page.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.push_str(&format!("<title>Rules: {title}</title><style>{STYLE}</style></head><body>"));
    page.push_str(&format!("<main><h1>Rules of this auction</h1><p class=\"lot\">{title}</p><dl>"));
    for rule in rules {
        page.push_str(&format!(
            "<dt>{} <span class=\"rule\">{}</span></dt><dd>{}</dd>",
            escaped(&rule.title),
            escaped(&rule.rule),
            escaped(&rule.text)
        ));
    }
    page.push_str("</dl></main></body></html>");
    page
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The page is text with one style of its own.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const STYLE: &str = ":root{color-scheme:light dark}body{font:1.05rem/1.55 system-ui,sans-serif;\
margin:0;padding:1.5rem 1rem}main{max-width:42rem;margin:0 auto}h1{font-size:1.5rem;margin:0}\
.lot{margin:.25rem 0 1.5rem;opacity:.8}dt{font-weight:600;margin-top:1.1rem}\
dd{margin:.2rem 0 0}.rule{font-weight:400;font-size:.85em;opacity:.7;margin-left:.3em}";
