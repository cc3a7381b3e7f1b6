//! Spin's route syntax: `/a/:id`, `/a/...`, and which of several routes a path belongs to.

/// A parsed route. Slashes at its ends mean nothing, as in Spin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    segments: Vec<Segment>,
    open_end: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Named(String),
}

/// What a route caught of a path.
#[derive(Debug, PartialEq, Eq)]
pub struct Caught<'path> {
    /// Values of `:name`, in the order of the route.
    pub names: Vec<(String, &'path str)>,
    /// What stands for `/...`, with its leading slash; empty for a closed route.
    pub rest: String,
}

impl Pattern {
    /// Reads a route.
    pub fn parse(route: &str) -> Self {
        let prefix = route.strip_suffix("/...").or_else(|| route.strip_suffix("/*"));
        let segment = |text: &str| match text.strip_prefix(':') {
            Some(name) => Segment::Named(name.to_owned()),
            None => Segment::Literal(text.to_owned()),
        };
        Self {
            segments: split(prefix.unwrap_or(route)).map(segment).collect(),
            open_end: prefix.is_some(),
        }
    }

    /// Does the path belong to the route?
    pub fn matches(&self, path: &str) -> bool {
        let mut parts = split(path);
        let all = self.segments.iter().all(|segment| {
            let part = parts.next();
            part.is_some_and(|part| match segment {
                Segment::Literal(literal) => literal == part,
                Segment::Named(_) => true,
            })
        });
        all && (self.open_end || parts.next().is_none())
    }

    /// What the route catches of a path that belongs to it.
    pub fn caught<'path>(&self, path: &'path str) -> Option<Caught<'path>> {
        if !self.matches(path) {
            return None;
        }
        let mut parts = split(path);
        let mut names = Vec::new();
        for (segment, part) in self.segments.iter().zip(&mut parts) {
            if let Segment::Named(name) = segment {
                names.push((name.clone(), part));
            }
        }
        let mut rest = String::new();
        for part in parts {
            rest.push('/');
            rest.push_str(part);
        }
        // The parts do not tell of a slash at the end, which Spin's guests see.
        if self.open_end && path.ends_with('/') {
            rest.push('/');
        }
        Some(Caught { names, rest })
    }

    /// Of the routes that a path belongs to, the least takes it. Segment by segment a literal comes
    /// before a name and a name before an open end; then the shorter route.
    pub fn precedence(&self) -> impl Ord + use<> {
        let kinds = self.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => Kind::Literal,
            Segment::Named(_) => Kind::Named,
        });
        kinds.chain(self.open_end.then_some(Kind::OpenEnd)).collect::<Vec<_>>()
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Literal,
    Named,
    OpenEnd,
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    let trimmed = path.trim_matches('/');
    let parts = if trimmed.is_empty() { None } else { Some(trimmed.split('/')) };
    parts.into_iter().flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn routes_match_as_in_spin() {
        let rows = [
            ("/v1/auctions/...", "/v1/auctions", true),
            ("/v1/auctions/...", "/v1/auctions/a/bids", true),
            ("/v1/auctions/...", "/v1/auctionsx", false),
            ("/v1/auctions/*", "/v1/auctions/a", true),
            ("/a/:id", "/a/1", true),
            ("/a/:id", "/a/", false),
            ("/a/:id", "/a/1/b", false),
            ("/a/:id/b", "/a/1/b", true),
            ("/a/:id/b", "/a//b", true),
            ("/", "/", true),
            ("/", "/a", false),
            ("/...", "/", true),
            ("/...", "/anything/at/all", true),
            ("/a", "/a/", true),
            ("/a/", "/a", true),
            ("/a", "//a", true),
            ("/.well-known/jwks.json", "/.well-known/jwks.json", true),
            ("/.well-known/jwks.json", "/.well-known/jwksxjson", false),
        ];
        for (route, path, expected) in rows {
            assert_eq!(Pattern::parse(route).matches(path), expected, "{route} {path}");
        }
    }

    #[test]
    fn the_same_route_wins_as_in_spin() {
        // Winner, loser, a path of both.
        for (winner, loser, path) in [
            ("/a/b", "/a/...", "/a/b"),
            ("/a", "/a/...", "/a"),
            ("/a/:id", "/a/...", "/a/b"),
            ("/a/b/...", "/a/:id", "/a/b"),
            ("/a/...", "/:x/b/c", "/a/b/c"),
            ("/a/:id/b", "/a/:id/:c", "/a/1/b"),
            ("/:x", "/...", "/a"),
        ] {
            let (first, second) = (Pattern::parse(winner), Pattern::parse(loser));
            assert!(first.matches(path) && second.matches(path), "{winner} {loser}");
            assert!(first.precedence() < second.precedence(), "{winner} before {loser}");
        }
    }

    #[test]
    fn a_route_catches_names_and_the_rest() {
        let caught = |route: &str, path: &'static str| {
            let caught = Pattern::parse(route).caught(path).unwrap();
            (caught.names, caught.rest)
        };
        let named = |value| vec![("id".to_owned(), value)];
        assert_eq!(caught("/a/:id/...", "/a/7/b/c/"), (named("7"), "/b/c/".to_owned()));
        assert_eq!(caught("/a/:id", "/a/7"), (named("7"), String::new()));
        assert_eq!(caught("/a/...", "/a"), (Vec::new(), String::new()));
        assert_eq!(caught("/a/...", "/a/"), (Vec::new(), "/".to_owned()));
        assert_eq!(caught("/...", "/"), (Vec::new(), "/".to_owned()));
    }
}
