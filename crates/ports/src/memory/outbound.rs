//! Other servers, as functions.

use std::cell::RefCell;

use crate::{HttpRequest, HttpResponse, OutboundError};

type Server = Box<dyn Fn(&HttpRequest) -> Result<HttpResponse, OutboundError>>;

/// What stands in for the servers that a test needs.
#[derive(Default)]
pub struct MemoryOutbound {
    server: RefCell<Option<Server>>,
}

impl MemoryOutbound {
    /// Answers every request from here on.
    pub fn serve(
        &self,
        server: impl Fn(&HttpRequest) -> Result<HttpResponse, OutboundError> + 'static,
    ) {
        *self.server.borrow_mut() = Some(Box::new(server));
    }

    pub(super) fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        let server = self.server.borrow();
        let nobody = || OutboundError::Forbidden(request.url.clone());
        server.as_ref().ok_or_else(nobody)?(request)
    }
}
