//! The route table: one list per service feeds the router, the API document and the access matrix.

use crate::Problem;

/// One route of a service.
#[derive(Debug, Clone, Copy)]
pub struct Route<O> {
    /// Method; GET answers HEAD too.
    pub method: Method,
    /// Path template, `/v1/auctions/{id}`.
    pub path: &'static str,
    /// Operation id, unique within the API.
    pub operation: &'static str,
    /// Who may call.
    pub auth: Auth,
    /// Largest body; 0 where the operation takes none.
    pub body_max_bytes: usize,
    /// What the service does, one of its own enumeration.
    pub handler: O,
}

/// A method that routes know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET, and HEAD.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Anybody; a token is not looked at.
    Ignored,
    /// Anybody; a token that is sent must be valid.
    Optional,
    /// Only with a valid token.
    Required,
    /// Only with a valid token of an account that is not suspended: whatever changes something.
    Active,
    /// Only with a valid token of an administrator.
    Admin,
}

/// What the path parameters hold, in the order of the template.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parameters<'r> {
    values: [(&'static str, &'r str); PARAMETERS_MAX],
    count: usize,
}

/// Most parameters of a path template.
const PARAMETERS_MAX: usize = 3;

impl Method {
    /// The method on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn accepts(self, method: &str) -> bool {
        self.as_str() == method || (self == Self::Get && method == "HEAD")
    }
}

impl<'r> Parameters<'r> {
    pub(crate) fn value(&self, name: &str) -> Option<&'r str> {
        let known = self.values.iter().take(self.count);
        known.into_iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn push(&mut self, name: &'static str, value: &'r str) {
        if let Some(slot) = self.values.get_mut(self.count) {
            *slot = (name, value);
            self.count += 1;
        }
    }
}

/// What the table says about a request.
pub(crate) enum Found<'t, 'r, O> {
    Route(&'t Route<O>, Parameters<'r>),
    /// An OPTIONS request: the value of `allow`.
    Options(String),
}

/// The route of a request: 404 when no path matches, 405 when one does but not its method. A path
/// that names all its segments comes before one that leaves some open (OpenAPI 3.1, Paths Object).
pub(crate) fn find<'t, 'r, O>(
    routes: &'t [Route<O>],
    method: &str,
    path: &'r str,
) -> Result<Found<'t, 'r, O>, Problem> {
    let fitting =
        routes.iter().filter_map(|route| Some((route.path, parameters(route.path, path)?)));
    let closest = fitting.min_by_key(|(_, parameters)| parameters.count);
    let (template, parameters) = closest.ok_or_else(Problem::not_found)?;
    let there = routes.iter().filter(|route| route.path == template);
    if let Some(route) = there.clone().find(|route| route.method.accepts(method)) {
        return Ok(Found::Route(route, parameters));
    }
    let allow = allow(there);
    if method == "OPTIONS" {
        return Ok(Found::Options(allow));
    }
    let detail = format!("This path knows {allow}.");
    Err(Problem::new(405, "method_not_allowed", detail).with_header("allow", allow))
}

/// The parameters of a path that fits the template.
fn parameters<'r>(template: &'static str, path: &'r str) -> Option<Parameters<'r>> {
    let mut parameters = Parameters::default();
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        let segment = segments.next()?;
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => parameters.push(name, segment),
            None if wanted == segment => {}
            Some(_) | None => return None,
        }
    }
    segments.next().is_none().then_some(parameters)
}

fn allow<'t, O: 't>(routes: impl Iterator<Item = &'t Route<O>>) -> String {
    let mut allow = String::new();
    for route in routes {
        allow.push_str(route.method.as_str());
        allow.push_str(if route.method == Method::Get { ", HEAD, " } else { ", " });
    }
    allow.push_str("OPTIONS");
    allow
}
