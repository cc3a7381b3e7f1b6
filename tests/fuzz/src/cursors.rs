//! Pages and their cursors, for any query that somebody sends.

use serde_json::Value;
use web::page::Page;
use web::{Problem, Query};

/// Lines: a query, another query, and the position where a page ends.
pub(crate) fn run(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let mut line = || core::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let (first, second) = (line(), line());
    let position = lines.next().unwrap_or_default();
    let position = &position[..position.len().min(POSITION_MAX_BYTES)];
    let Some(cursor) = sealed("/v1/auctions", first, position) else { return };
    let (limit, own) = opened("/v1/auctions", first, &cursor).expect("its own cursor");
    assert_eq!(own.as_deref(), Some(position), "{first:?}");
    assert_eq!(limit, limit_of(first), "{first:?}");
    is_refused("/v1/bids", first, &cursor);
    if let (Some(own), Some(other)) = (filters(first), filters(second)) {
        if own == other {
            let (_, opened) = opened("/v1/auctions", second, &cursor).expect("same filters");
            assert_eq!(opened.as_deref(), Some(position), "{first:?} {second:?}");
        } else {
            is_refused("/v1/auctions", second, &cursor);
        }
    }
    let mut reversed: Vec<&str> = first.split('&').collect();
    reversed.reverse();
    let (_, opened) = opened("/v1/auctions", &reversed.join("&"), &cursor).expect("same filters");
    assert_eq!(opened.as_deref(), Some(position), "{first:?} the other way round");
    if let Some(run_together) = filters(first).as_deref().and_then(run_together) {
        is_refused("/v1/auctions", &run_together, &cursor);
    }
    for at in 0..cursor.len().min(12) {
        let mut broken = cursor.clone().into_bytes();
        broken[at] = if broken[at] == b'A' { b'B' } else { b'A' };
        if at < 10 {
            is_refused("/v1/auctions", first, core::str::from_utf8(&broken).unwrap());
        }
    }
}

/// The first two filters as one, whose value reads like both: another list.
fn run_together(filters: &[(&str, String)]) -> Option<String> {
    let [(first, value), (second, its), others @ ..] = filters else { return None };
    let one = (*first, format!("{value}{second}{its}"));
    let pairs = [&one].into_iter().chain(others);
    let escaped =
        |value: &str| value.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs = pairs.map(|(name, value)| format!("{name}={}", escaped(value)));
    Some(pairs.collect::<Vec<_>>().join("&"))
}

/// The cursor of a page that ends there; none for a query that is refused.
fn sealed(path: &str, query: &str, position: &[u8]) -> Option<String> {
    let query = told(Query::parse(query, KNOWN))?;
    let page = told(Page::parse(path, &query))?;
    assert!((1..=100).contains(&page.limit));
    let last = page.response(["1", "\"two\""], None);
    assert_eq!(last.body, br#"{"items":[1,"two"],"next_cursor":null}"#);
    assert_eq!(last.header("link"), None);
    let response = page.response(["1", "\"two\""], Some(position));
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["items"], serde_json::json!([1, "two"]));
    let cursor = body["next_cursor"].as_str().unwrap().to_owned();
    // The link is the same list with that cursor.
    let link = response.header("link").unwrap();
    let target = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let (linked_path, linked) = target.split_once('?').unwrap();
    assert_eq!(linked_path, path);
    assert!(link.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{link}");
    let linked = told(Query::parse(linked, KNOWN)).expect("a link that is a query");
    for name in KNOWN.iter().filter(|name| **name != "cursor") {
        assert_eq!(linked.get(name), query.get(name));
    }
    let linked = told(Page::parse(path, &linked)).expect("a link that works");
    assert_eq!(linked.position.as_deref(), Some(position));
    Some(cursor)
}

/// Limit and position of the list with that cursor in the place of its own.
fn opened(path: &str, query: &str, cursor: &str) -> Result<(u32, Option<Vec<u8>>), String> {
    let query = with_cursor(query, cursor);
    let query = Query::parse(&query, KNOWN).map_err(|problem| problem.code().to_owned())?;
    let page = Page::parse(path, &query).map_err(|problem| problem.code().to_owned())?;
    Ok((page.limit, page.position))
}

fn is_refused(path: &str, query: &str, cursor: &str) {
    match opened(path, query, cursor) {
        Err(code) => assert_eq!(code, "invalid_cursor", "{path} {query:?} {cursor}"),
        Ok(_) => panic!("{path} {query:?} took a cursor of another list: {cursor}"),
    }
}

fn with_cursor(query: &str, cursor: &str) -> String {
    let others = query.split('&').filter(|pair| !pair.is_empty() && name_of(pair) != "cursor");
    others.chain([format!("cursor={cursor}").as_str()]).collect::<Vec<_>>().join("&")
}

/// What chooses the items; none for a query that is refused.
fn filters(query: &str) -> Option<Vec<(&'static str, String)>> {
    let query = with_cursor(query, "");
    let parsed = told(Query::parse(&query, KNOWN))?;
    let limit = parsed.get("limit");
    if limit.is_some_and(|limit| !(1..=100).any(|known| known.to_string() == limit)) {
        return None;
    }
    let named = KNOWN[2..].iter().filter_map(|name| Some((*name, parsed.get(name)?.to_owned())));
    Some(named.collect())
}

fn limit_of(query: &str) -> u32 {
    let query = told(Query::parse(query, KNOWN)).expect("parsed before");
    query.get("limit").map_or(20, |limit| limit.parse().expect("a number"))
}

/// The name of a pair, decoded as the query decodes it.
fn name_of(pair: &str) -> String {
    let is_cursor = told(Query::parse(pair, &["cursor"])).is_some();
    if is_cursor { "cursor".to_owned() } else { String::new() }
}

/// The value; a problem has a status of the 4xx and says what is wrong.
fn told<T>(result: Result<T, Problem>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(problem) => {
            assert_eq!(problem.status(), 400);
            assert!(!problem.code().is_empty());
            None
        }
    }
}

/// Limit and cursor come first; the others are filters, in the order in which cursors are bound to
/// them.
const KNOWN: &[&str] = &["limit", "cursor", "category", "q", "status"];
/// Positions are short: a seq, or a few columns.
const POSITION_MAX_BYTES: usize = 120;
