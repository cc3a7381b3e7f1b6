//! Query parameters: each known, each at most once.

use std::borrow::Cow;
use std::str::FromStr;

use form_urlencoded::{Serializer, parse};

use crate::Problem;

/// The query parameters of a request.
#[derive(Debug, Clone)]
pub struct Query<'r> {
    pairs: Vec<(Cow<'r, str>, Cow<'r, str>)>,
}

impl<'r> Query<'r> {
    /// Parses a query: 400 `unknown_field` for a name not in `known` (a misspelt filter must not
    /// silently show everything), 400 `invalid_request` for one that comes twice.
    pub fn parse(query: &'r str, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(Cow<'r, str>, Cow<'r, str>)> = Vec::new();
        for (name, value) in parse(query.as_bytes()) {
            if !known.contains(&&*name) {
                let detail = match known {
                    [] => "This operation takes no query parameters.".to_owned(),
                    known => format!("This operation knows {}.", known.join(", ")),
                };
                return Err(Problem::field("unknown_field", format!("?{name}"), detail));
            }
            if pairs.iter().any(|(earlier, _)| *earlier == name) {
                return Err(invalid(&name, "may be sent once only"));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The value of a parameter as a `T`; 400 `invalid_request` when it is none.
    pub fn parsed<T: FromStr>(&self, name: &str, wanted: &str) -> Result<Option<T>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|_| invalid(name, wanted))
    }

    /// The parameters but `name`, as sent, and `name` with a new value at the end.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.pairs.iter().filter(|(known, _)| known != name));
        query.append_pair(name, value);
        query.finish()
    }

    /// The parameters that choose what is shown, in a fixed order: all but `limit` and `cursor`.
    pub(crate) fn filters(&self) -> Vec<(&str, &str)> {
        let mut filters: Vec<_> = self
            .pairs
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .filter(|(name, _)| !matches!(*name, "limit" | "cursor"))
            .collect();
        filters.sort_unstable();
        filters
    }
}

/// 400 `invalid_request` for a query parameter; `wanted` completes "`name` …".
pub(crate) fn invalid(name: &str, wanted: &str) -> Problem {
    Problem::field("invalid_request", format!("?{name}"), format!("`{name}` {wanted}."))
}
