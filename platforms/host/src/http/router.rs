//! Which component a path belongs to.

use std::sync::Arc;

use composition::Pattern;

use crate::services::Service;

/// The route table of the manifest.
pub(crate) struct Router {
    routes: Vec<(Pattern, Arc<Service>)>,
}

impl Router {
    /// Sorts the routes so that the one that takes a path is found first.
    pub(crate) fn new(routes: impl Iterator<Item = (String, Arc<Service>)>) -> Self {
        let mut routes: Vec<_> =
            routes.map(|(pattern, service)| (Pattern::parse(&pattern), service)).collect();
        routes.sort_by_key(|(pattern, _)| pattern.precedence());
        Self { routes }
    }

    /// The service of a path.
    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Service>> {
        self.routes.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, service)| service)
    }
}
