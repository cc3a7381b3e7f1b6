//! Requests to other servers, and to other components of the application.

/// Sends requests to hosts that the manifest allows.
///
/// `http://ID.spin.internal/…` is the component ID of the same application, which answers without a
/// network in between (docs/adr/0049). It asks no other one meanwhile, and none asks itself.
pub trait Outbound {
    /// Sends a request and waits for the whole response. Redirects are not followed.
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError>;
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpRequest {
    /// Method, upper case.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// Body bytes.
    pub body: Vec<u8>,
}

/// The component that a host of the form `ID.spin.internal` stands for.
///
/// ```
/// assert_eq!(ports::neighbour("identity.spin.internal"), Some("identity"));
/// assert_eq!(ports::neighbour("identity.example.com"), None);
/// ```
pub fn neighbour(host: &str) -> Option<&str> {
    let (id, domain) = host.split_once('.')?;
    (domain == "spin.internal").then_some(id)
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body bytes.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The deployer must allow the host in the manifest, or there is no component of that name.
    #[error("the manifest does not allow this host: {0}")]
    Forbidden(String),
    /// No connection, no answer in time, or one that is too large; try again later.
    #[error("no response: {0}")]
    Unavailable(String),
}

#[cfg(test)]
mod tests {
    use super::neighbour;

    #[test]
    fn only_a_name_right_below_the_domain_is_a_component() {
        assert_eq!(neighbour("identity.spin.internal"), Some("identity"));
        for host in ["spin.internal", "a.b.spin.internal", "a.spin.internal.evil.test", "a", ""] {
            assert_eq!(neighbour(host), None, "{host}");
        }
    }
}
