//! Which component a path belongs to: Spin's route syntax.

use std::sync::Arc;

use crate::services::Service;

/// The route table of the manifest.
pub(crate) struct Router {
    routes: Vec<(Pattern, Arc<Service>)>,
}

/// A parsed route.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    segments: Vec<Segment>,
    open_end: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Any,
}

impl Router {
    /// Sorts the routes so that the most specific one is found first.
    pub(crate) fn new(routes: impl Iterator<Item = (String, Arc<Service>)>) -> Self {
        let mut routes: Vec<_> =
            routes.map(|(pattern, service)| (Pattern::parse(&pattern), service)).collect();
        routes.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.rank()));
        Self { routes }
    }

    /// The service of a path.
    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Service>> {
        self.routes.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, service)| service)
    }
}

impl Pattern {
    fn parse(route: &str) -> Self {
        let (route, open_end) = match route.strip_suffix("/...") {
            Some(prefix) => (prefix, true),
            None => (route, false),
        };
        let segment = |text: &str| {
            if text.starts_with(':') { Segment::Any } else { Segment::Literal(text.to_owned()) }
        };
        Self { segments: split(route).map(segment).collect(), open_end }
    }

    fn matches(&self, path: &str) -> bool {
        let mut parts = split(path);
        for segment in &self.segments {
            match (segment, parts.next()) {
                (Segment::Literal(literal), Some(part)) if literal == part => {}
                (Segment::Any, Some(part)) if !part.is_empty() => {}
                _ => return false,
            }
        }
        self.open_end || parts.next().is_none()
    }

    /// More literals first, then more segments, then exact before open.
    fn rank(&self) -> (usize, usize, bool) {
        let literals = self.segments.iter().filter(|s| matches!(s, Segment::Literal(_))).count();
        (literals, self.segments.len(), !self.open_end)
    }
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    let trimmed = path.strip_prefix('/').unwrap_or(path);
    let parts = if trimmed.is_empty() { None } else { Some(trimmed.split('/')) };
    parts.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_match_like_in_spin() {
        let rows = [
            ("/v1/auctions/...", "/v1/auctions", true),
            ("/v1/auctions/...", "/v1/auctions/a/bids", true),
            ("/v1/auctions/...", "/v1/auctionsx", false),
            ("/a/:id", "/a/1", true),
            ("/a/:id", "/a/", false),
            ("/a/:id", "/a/1/b", false),
            ("/a/:id/b", "/a/1/b", true),
            ("/", "/", true),
            ("/...", "/anything/at/all", true),
            ("/a", "/a/", false),
        ];
        for (route, path, expected) in rows {
            assert_eq!(Pattern::parse(route).matches(path), expected, "{route} {path}");
        }
    }

    #[test]
    fn the_most_specific_route_ranks_first() {
        let rank = |route| Pattern::parse(route).rank();
        assert!(rank("/a/b") > rank("/a/..."));
        assert!(rank("/a/b/...") > rank("/a/:id"));
        assert!(rank("/a/:id") > rank("/..."));
    }
}
