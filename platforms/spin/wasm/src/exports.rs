//! The ports, exported.

use ports::{
    Claims, Comparison, EntityError, Entities as _, HttpRequest, HttpResponse, Letter, Limits as _, Mail as _, MailError,
    Outbound as _, OutboundError, Outgoing, PasswordError, Policy, PublicEvent, Sql as _, SqlError,
    Vault as _, ready,
};

use crate::Component;
use crate::bindings::exports::ecomauction::edge::{entities, limits, mail, outbound, sql, vault};
use crate::conversions::{claims, entity_error, letter, outcome, password_error, sql_error, statement};
use crate::instance::with_edge;

impl entities::Guest for Component {
    fn call(
        machine: String,
        key: String,
        command_id: String,
        principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, entities::Error> {
        let edge = with_edge(|why| EntityError::Unavailable(why), |edge| {
            ready(edge.call(&machine, &key, &command_id, principal.as_deref(), body))
        });
        edge.map_err(entity_error)
    }
}
