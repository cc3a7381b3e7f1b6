//! Pages: `?limit=1..100&cursor=` in, `{"items", "next_cursor"}` and `Link` out (api.md §1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::limits::{PAGE_DEFAULT_ITEMS, PAGE_MAX_ITEMS};
use sha2::{Digest, Sha256};

use crate::{Problem, Query, Response};

/// What page a request asks for.
#[derive(Debug, Clone)]
pub struct Page<'q, 'r> {
    /// Most items.
    pub limit: u32,
    /// Where the page before ended, in the words of whoever made the cursor.
    pub position: Option<Vec<u8>>,
    path: &'r str,
    query: &'q Query<'r>,
}

/// Cursors are bound to path and filters by this many bytes of their hash. It catches mistakes; a
/// forged cursor shows nothing that the filters would not.
const BINDING_BYTES: usize = 8;
/// Longest cursor that is looked at.
const CURSOR_MAX_CHARS: usize = 256;

impl<'q, 'r> Page<'q, 'r> {
    /// Reads `limit` and `cursor`: 400 `invalid_limit` and `invalid_cursor`.
    pub fn parse(path: &'r str, query: &'q Query<'r>) -> Result<Self, Problem> {
        let limit = match query.get("limit") {
            None => PAGE_DEFAULT_ITEMS,
            Some(text) => limit(text).ok_or_else(invalid_limit)?,
        };
        let mut page = Self { limit, position: None, path, query };
        if let Some(cursor) = query.get("cursor") {
            page.position = Some(page.opened(cursor).ok_or_else(invalid_cursor)?);
        }
        Ok(page)
    }

    /// The response for items that are JSON already; `next` is the position after the last item,
    /// none on the last page.
    pub fn response(
        &self,
        items: impl IntoIterator<Item = impl AsRef<[u8]>>,
        next: Option<&[u8]>,
    ) -> Response {
        let mut body = b"{\"items\":[".to_vec();
        for (position, item) in items.into_iter().enumerate() {
            if position > 0 {
                body.push(b',');
            }
            body.extend_from_slice(item.as_ref());
        }
        body.extend_from_slice(b"],\"next_cursor\":");
        let Some(next) = next else {
            body.extend_from_slice(b"null}");
            return Response::json_bytes(200, body);
        };
        let cursor = self.sealed(next);
        body.push(b'"');
        body.extend_from_slice(cursor.as_bytes());
        body.extend_from_slice(b"\"}");
        let link = format!("<{}?{}>; rel=\"next\"", self.path, self.query.with("cursor", &cursor));
        Response::json_bytes(200, body).with("link", link)
    }

    fn sealed(&self, position: &[u8]) -> String {
        let mut bytes = self.binding().to_vec();
        bytes.extend_from_slice(position);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn opened(&self, cursor: &str) -> Option<Vec<u8>> {
        if cursor.len() > CURSOR_MAX_CHARS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        bytes.strip_prefix(&self.binding()).map(<[u8]>::to_vec)
    }

    fn binding(&self) -> [u8; BINDING_BYTES] {
        let mut hash = Sha256::new();
        let filters = self.query.filters();
        let filters = filters.iter().flat_map(|(name, value)| [*name, *value]);
        for part in [self.path].into_iter().chain(filters) {
            // Each with its length: a value may hold any character that could stand between.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let mut binding = [0; BINDING_BYTES];
        binding.iter_mut().zip(hash.finalize()).for_each(|(slot, byte)| *slot = byte);
        binding
    }
}

/// 400: the cursor is malformed, or of another path or filter.
pub fn invalid_cursor() -> Problem {
    let detail = "This cursor is not of this list with these filters; start again without one.";
    Problem::field("invalid_cursor", "?cursor".to_owned(), detail)
}

fn invalid_limit() -> Problem {
    let detail = format!("`limit` is an integer from 1 to {PAGE_MAX_ITEMS}.");
    Problem::field("invalid_limit", "?limit".to_owned(), detail)
}

fn limit(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|_| digits)?;
    (1..=PAGE_MAX_ITEMS).contains(&limit).then_some(limit)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn takes(query: &str, cursor: &str) -> bool {
        let query = format!("{query}&cursor={cursor}");
        let query = Query::parse(&query, &["cursor", "q", "status"]).unwrap();
        Page::parse("/v1/auctions", &query).is_ok()
    }

    #[test]
    fn a_cursor_of_other_filters_is_refused_whatever_stands_in_them() {
        let lists = ["q=b", "q=b&status=a", "q=b%00status%00a", "q=", "status=b"];
        for own in lists {
            let query = Query::parse(own, &["q", "status"]).unwrap();
            let cursor = Page::parse("/v1/auctions", &query).unwrap().sealed(b"7");
            for other in lists {
                assert_eq!(takes(other, &cursor), own == other, "{own} {other}");
            }
        }
    }
}
