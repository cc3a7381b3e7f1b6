//! The API document (OpenAPI 3.1), derived from the route tables.
//!
//! A [`Route`] says method, path, who may call and how large a body may be. What follows from that
//! for every operation alike is in one place, `rules`; what does not follow, a [`Description`]
//! says, which each service keeps beside its table. Native only, behind the feature `document`: no
//! component carries a word of it (docs/adr/0014).

mod description;
mod live;
mod nouns;
mod operation;
mod parameter;
mod rules;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::PartialSchema;

use crate::Route;

pub use description::{Description, Keys};
pub use live::{Conversation, render_live};
pub use nouns::{
    AuctionId, BidId, Currency, Instant, Minor, Moment, Money, OfferId, SessionId, UserId,
};
pub use parameter::Parameter;

/// The operations of one service.
#[derive(Debug)]
pub struct Section {
    tags: &'static [(&'static str, &'static str)],
    operations: Vec<(Route<()>, Option<Description>)>,
}

impl Section {
    /// The routes of a service and what there is to say of each; none for a route that exists in
    /// development only. `tags` are the headings under which its operations stand.
    pub fn new<O: Copy>(
        tags: &'static [(&'static str, &'static str)],
        routes: &[Route<O>],
        describe: impl Fn(O) -> Option<Description>,
    ) -> Self {
        let operations = routes.iter().map(|route| {
            let Route { method, path, operation, auth, body_max_bytes, handler } = *route;
            let bare = Route { method, path, operation, auth, body_max_bytes, handler: () };
            (bare, describe(handler))
        });
        Self { tags, operations: operations.collect() }
    }

    /// Method, path and operation id of every route; whether it is documented.
    pub fn operations(&self) -> impl Iterator<Item = (&Route<()>, bool)> {
        self.operations.iter().map(|(route, description)| (route, description.is_some()))
    }
}

/// The schema of a value, written out.
pub fn schema<T: PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).unwrap_or_default()
}

/// Two shapes have one name.
#[derive(Debug, thiserror::Error)]
#[error("several shapes have the name {0}: readers would see one of them")]
pub struct Clash(String);

/// The document of all sections.
pub fn render(sections: &[Section]) -> Result<Value, Clash> {
    let mut paths: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
    let mut schemas = nouns::schemas();
    let mut tags = Vec::new();
    for section in sections {
        tags.extend(
            section.tags.iter().map(|(name, text)| json!({"name": name, "description": text})),
        );
        for (route, description) in &section.operations {
            let Some(description) = description else { continue };
            let method = route.method.as_str().to_ascii_lowercase();
            let operation = operation::render(route, description);
            paths.entry(route.path).or_default().insert(method, operation);
            schemas.extend(description.schemas());
        }
    }
    if let Some(name) = schemas.clashes.into_iter().next() {
        return Err(Clash(name));
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "EcomAuction",
            "version": "1",
            "description": MANNERS,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "Where this document was read."}],
        "tags": tags,
        "paths": paths,
        "components": {
            "headers": rules::headers(),
            "responses": rules::responses(),
            "schemas": schemas.known,
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "An access token, valid for at most ten minutes.",
            }},
        },
    });
    // Whatever else is linked may make maps remember the order in which they were filled.
    document.sort_all_objects();
    Ok(document)
}

/// What every operation has in common, in words.
const MANNERS: &str = "\
List, bid, close. Money is an integer count of minor units and a currency; instants are RFC 3339 \
in UTC with milliseconds; ids are made by the server.

Every error is a problem document (RFC 9457) with a stable `code`; `type` links to a page about \
it. Members and query parameters that are not known are refused, not ignored.

A path answers HEAD where it answers GET, and OPTIONS with its methods; any other method is 405 \
`method_not_allowed` with `Allow`, any other path 404 `not_found`. A request line or head that is \
too large or malformed is refused before it reaches an operation: 400, 414 or 431 without a body, \
or a closed connection.

Every answer carries `X-Request-Id`: the caller's when it is a UUID or ULID, else a new one.";
