//! Requests to other servers.

/// Sends requests to hosts that the manifest allows.
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
    /// The deployer must allow the host in the manifest.
    #[error("the manifest does not allow this host: {0}")]
    Forbidden(String),
    /// No connection, no answer in time, or one that is too large; try again later.
    #[error("no response: {0}")]
    Unavailable(String),
}
