//! `GET /v1/auctions`: filters, sorts, pages.

use kernel::limits::CATEGORY_MAX_CHARS;
use kernel::{Id, Minor, Timestamp, kind};
use ports::{Ports, Sql, Statement, Value};
use web::page::{Page, invalid_cursor};
use web::{Exchange, Problem, Query, Response};

use crate::row::{self, Shown};

/// Lists auctions. An auction whose end has passed is not shown as open, however late its closing
/// reaches the table.
pub(crate) async fn list<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let query = Query::parse(exchange.request.query(), PARAMETERS)?;
    let page = Page::parse(exchange.request.path(), &query)?;
    let sort = Sort::parse(&query)?;
    let mut search = Search::new(exchange.now);
    search.filter(&query)?;
    if let Some(position) = &page.position {
        search.after(sort, position)?;
    }
    let statement = search.statement(sort, page.limit);
    let rows = Sql::query(ports, statement).await?.rows;
    let rows = rows.iter().map(|row| Shown::read(row, exchange.now).ok_or_else(Problem::internal));
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > page.limit as usize;
    rows.truncate(page.limit as usize);
    let next = rows.last().filter(|_| more).map(Shown::position);
    let items = rows.iter().map(Shown::render).collect::<Result<Vec<_>, _>>()?;
    Ok(exchange.revalidated(page.response(items, next.as_deref())))
}

const PARAMETERS: &[&str] = &[
    "status",
    "category",
    "seller",
    "format",
    "q",
    "ending_before",
    "min_price",
    "max_price",
    "sort",
    "limit",
    "cursor",
];
pub(crate) const STATUSES: &[&str] = &["scheduled", "open", "sold", "unsold", "cancelled"];
pub(crate) const FORMATS: &[&str] = &[
    "english",
    "open_outcry",
    "dutch",
    "sealed_first_price",
    "vickrey",
    "reverse",
    "uniform_price",
];
/// Orders that [`Sort::parse`] knows.
#[cfg(feature = "document")]
pub(crate) const SORTS: &[&str] = &["ending", "newest", "price", "-price", "bids"];
/// Longest search text.
pub(crate) const Q_MAX_CHARS: usize = 200;

/// An order of the list: a column and, among equals, the id.
#[derive(Debug, Clone, Copy)]
struct Sort {
    column: &'static str,
    descending: bool,
}

impl Sort {
    fn parse(query: &Query<'_>) -> Result<Self, Problem> {
        let (column, descending) = match query.get("sort") {
            // Ids begin with the instant of creation.
            None | Some("newest") => ("0", true),
            Some("ending") => ("a.ends_at", false),
            Some("price") => ("a.shown_minor", false),
            Some("-price") => ("a.shown_minor", true),
            Some("bids") => ("a.bid_count", true),
            Some(_) => {
                return Err(invalid("sort", "is ending, newest, price, -price or bids"));
            }
        };
        Ok(Self { column, descending })
    }
}

/// Conditions and their parameters.
struct Search {
    conditions: String,
    parameters: Vec<Value>,
}

impl Search {
    fn new(now: Timestamp) -> Self {
        let conditions = "NOT (a.status = 'open' AND a.ends_at <= ?1)".to_owned();
        Self { conditions, parameters: vec![now.as_ms().into()] }
    }

    fn filter(&mut self, query: &Query<'_>) -> Result<(), Problem> {
        let listed = |name, known: &[&str], wanted| match query.get(name) {
            Some(value) if !known.contains(&value) => Err(invalid(name, wanted)),
            value => Ok(value),
        };
        let wanted = "is scheduled, open, sold, unsold or cancelled";
        self.equals("a.status", listed("status", STATUSES, wanted)?);
        self.equals("a.format", listed("format", FORMATS, "is the name of a format")?);
        let category = query.get("category");
        if category.is_some_and(|category| category.chars().count() > CATEGORY_MAX_CHARS) {
            return Err(invalid("category", "is at most 64 characters long"));
        }
        self.equals("a.category", category);
        query.parsed::<Id<kind::User>>("seller", "is the id of a user")?;
        self.equals("a.seller", query.get("seller"));
        let wanted = "is an instant like 2026-11-23T13:05:00.000Z";
        if let Some(end) = query.parsed::<Timestamp>("ending_before", wanted)? {
            self.also("a.ends_at <", end.as_ms().into());
        }
        if let Some(price) = minor_units(query, "min_price")? {
            self.also("a.shown_minor >=", price.get().into());
        }
        if let Some(price) = minor_units(query, "max_price")? {
            self.also("a.shown_minor <=", price.get().into());
        }
        self.contains(query.get("q"))
    }

    fn contains(&mut self, text: Option<&str>) -> Result<(), Problem> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(()) };
        if text.chars().count() > Q_MAX_CHARS {
            return Err(invalid("q", "is at most 200 characters long"));
        }
        let mut pattern = String::from("%");
        for character in text.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        let n = self.push(pattern.into());
        self.conditions.push_str(&format!(
            " AND (a.title LIKE ?{n} ESCAPE '\\' OR a.description LIKE ?{n} ESCAPE '\\')"
        ));
        Ok(())
    }

    /// Only rows behind the last one of the page before.
    fn after(&mut self, sort: Sort, position: &[u8]) -> Result<(), Problem> {
        let (key, id) = position.split_first_chunk().ok_or_else(invalid_cursor)?;
        let id = core::str::from_utf8(id).map_err(|_| invalid_cursor())?;
        let key = self.push(i64::from_be_bytes(*key).into());
        let id = self.push(id.into());
        let Sort { column, descending } = sort;
        let beyond = if descending { "<" } else { ">" };
        self.conditions.push_str(&if column == "0" {
            format!(" AND a.id {beyond} ?{id}")
        } else {
            format!(" AND ({column}, a.id) {beyond} (?{key}, ?{id})")
        });
        Ok(())
    }

    fn statement(mut self, sort: Sort, limit: u32) -> Statement {
        let limit = self.push(i64::from(limit.saturating_add(1)).into());
        let Sort { column, descending } = sort;
        let direction = if descending { "DESC" } else { "ASC" };
        let order = if column == "0" {
            format!("a.id {direction}")
        } else {
            format!("{column} {direction}, a.id {direction}")
        };
        let sql = format!(
            "SELECT {column}, {} FROM auctions_public a
             LEFT JOIN auctions_sellers s ON s.user_id = a.seller
             WHERE {} ORDER BY {order} LIMIT ?{limit}",
            row::COLUMNS,
            self.conditions
        );
        Statement::new(sql, self.parameters)
    }

    fn equals(&mut self, column: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.also(&format!("{column} ="), value.into());
        }
    }

    fn also(&mut self, left: &str, right: Value) {
        let n = self.push(right);
        self.conditions.push_str(&format!(" AND {left} ?{n}"));
    }

    fn push(&mut self, value: Value) -> usize {
        self.parameters.push(value);
        self.parameters.len()
    }
}

fn minor_units(query: &Query<'_>, name: &str) -> Result<Option<Minor>, Problem> {
    let wanted = "is an integer count of minor units";
    let amount = query.parsed::<i64>(name, wanted)?;
    amount.map(|amount| Minor::new(amount).map_err(|_| invalid(name, wanted))).transpose()
}

/// 400: a parameter has a value that it cannot have.
pub(crate) fn invalid(name: &str, wanted: &str) -> Problem {
    Problem::field("invalid_request", format!("?{name}"), format!("`{name}` {wanted}."))
}
