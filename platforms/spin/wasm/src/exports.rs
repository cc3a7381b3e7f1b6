//! The ports, exported.

use ports::{
    Claims, Entities as _, EntityError, HttpRequest, HttpResponse, Limits as _, Mail as _,
    MailError, OutboundError, PasswordError, Policy, Sql as _, SqlError, ready,
};

use crate::Component;
use crate::bindings::exports::ecomauction::edge::{entities, limits, mail, outbound, sql, vault};
use crate::conversions as converted;
use crate::instance::{edge, note};

impl entities::Guest for Component {
    fn call(
        machine: String,
        key: String,
        command_id: String,
        principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, entities::Error> {
        let called = edge(EntityError::Unavailable, |edge| {
            ready(edge.call(&machine, &key, &command_id, principal.as_deref(), body))
        });
        called.map_err(converted::entity_error)
    }

    fn query(
        machine: String,
        key: String,
        principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, entities::Error> {
        let asked = edge(EntityError::Unavailable, |edge| {
            let asked = ports::Entities::query(edge, &machine, &key, principal.as_deref(), body);
            ready(asked)
        });
        asked.map_err(converted::entity_error)
    }

    fn events(
        machine: String,
        key: String,
        after: u64,
        limit: u32,
    ) -> Result<Vec<entities::PublicEvent>, entities::Error> {
        let events =
            edge(EntityError::Unavailable, |edge| ready(edge.events(&machine, &key, after, limit)));
        let events = events.map_err(converted::entity_error)?.into_iter();
        Ok(events.map(converted::public_event).collect())
    }

    fn engine(machine: String) -> Result<entities::EngineVersion, entities::Error> {
        let told = edge(EntityError::Unavailable, |edge| ready(edge.engine(&machine)));
        let ports::Engine { component_sha256, version } = told.map_err(converted::entity_error)?;
        let component_sha256 = component_sha256.map(|digest| digest.as_bytes().to_vec());
        Ok(entities::EngineVersion { component_sha256, version })
    }
}

impl sql::Guest for Component {
    fn query(statement: sql::Statement) -> Result<sql::Outcome, sql::Error> {
        let statement = converted::statement(statement);
        let asked = edge(SqlError::Unavailable, |edge| ready(ports::Sql::query(edge, statement)));
        asked.map(converted::outcome).map_err(converted::sql_error)
    }

    fn batch(
        statements: Vec<sql::Statement>,
        messages: Vec<sql::Outgoing>,
    ) -> Result<Vec<sql::Outcome>, sql::Error> {
        let statements = statements.into_iter().map(converted::statement).collect();
        let messages = messages.into_iter().map(converted::outgoing).collect();
        let done = edge(SqlError::Unavailable, |edge| edge.batch_and_tell(statements, messages));
        let outcomes = done.map_err(converted::sql_error)?.into_iter();
        Ok(outcomes.map(converted::outcome).collect())
    }

    fn project(key: String, statement: sql::Statement) -> Result<(), sql::Error> {
        let statement = converted::statement(statement);
        let done = edge(SqlError::Unavailable, |edge| ready(edge.project(&key, statement)));
        done.map_err(converted::sql_error)
    }
}

impl vault::Guest for Component {
    fn sign_access_token(claims: vault::Claims) -> Result<String, String> {
        let vault::Claims { subject, name, roles, expires_at } = claims;
        let claims = Claims { subject, name, roles, expires_at };
        edge(|why| why, |edge| edge.sign(&claims))
    }

    fn verify_access_token(token: String) -> Option<vault::Claims> {
        let verified = edge(|why| why, |edge| Ok(edge.verify(&token)));
        let Claims { subject, name, roles, expires_at } = noted(verified)??;
        Some(vault::Claims { subject, name, roles, expires_at })
    }

    fn public_keys() -> String {
        let keys = edge(|why| why, |edge| Ok(edge.public_keys()));
        noted(keys).unwrap_or_else(|| NO_KEYS.to_owned())
    }

    fn hash_password(password: String) -> Result<String, vault::PasswordError> {
        let hashed = edge(PasswordError::Failed, |edge| edge.hash_password(&password));
        hashed.map_err(converted::password_error)
    }

    fn verify_password(
        password: String,
        stored: Option<String>,
    ) -> Result<vault::Comparison, vault::PasswordError> {
        let compared =
            edge(PasswordError::Failed, |edge| edge.verify_password(&password, stored.as_deref()));
        let ports::Comparison { matches, outdated } =
            compared.map_err(converted::password_error)?;
        Ok(vault::Comparison { matches, outdated })
    }

    fn mac(purpose: String, message: Vec<u8>) -> Vec<u8> {
        // Nothing is better than a digest that anybody could make: who asked traps.
        let made = edge(|why| why, |edge| edge.mac(&purpose, &message));
        noted(made).map(Vec::from).unwrap_or_default()
    }

    fn sign_proof(at: i64, message: Vec<u8>) -> Result<vault::ProofSignature, String> {
        let at = kernel::Timestamp::from_ms(at);
        let ports::ProofSignature { key_id, signature } =
            edge(|why| why, |edge| edge.sign_proof(at, &message))?;
        Ok(vault::ProofSignature { key_id, signature })
    }

    fn proof_keys() -> String {
        let keys = edge(|why| why, |edge| Ok(edge.proof_keys()));
        noted(keys).unwrap_or_else(|| NO_KEYS.to_owned())
    }
}

impl mail::Guest for Component {
    fn send(key: String, letter: mail::Letter) -> Result<(), mail::Error> {
        let letter = converted::letter(letter);
        let sent =
            edge(MailError::Unavailable, |edge| ready(ports::Mail::send(edge, &key, &letter)));
        sent.map_err(|error| match error {
            MailError::Rejected(why) => mail::Error::Rejected(why),
            MailError::Unavailable(why) => mail::Error::Unavailable(why),
        })
    }

    fn captured(to: Option<String>, limit: u32) -> Vec<mail::CapturedLetter> {
        let kept = edge(|why| why, |edge| Ok(ready(edge.captured(to.as_deref(), limit))));
        let kept = noted(kept).unwrap_or_default().into_iter();
        kept.map(converted::captured).collect()
    }
}

impl limits::Guest for Component {
    fn take(bucket: String, policy: limits::Policy) -> Result<(), u64> {
        let limits::Policy { capacity, refill_ms } = policy;
        // A store that does not answer refuses: a rate that is not counted is none.
        edge(
            |_| u64::from(refill_ms),
            |edge| ready(edge.take(&bucket, Policy { capacity, refill_ms })),
        )
    }
}

impl outbound::Guest for Component {
    fn send(request: outbound::Request) -> Result<outbound::Response, outbound::Error> {
        let outbound::Request { method, url, headers, body } = request;
        let request = HttpRequest { method, url, headers, body };
        let sent =
            edge(OutboundError::Unavailable, |edge| ready(ports::Outbound::send(edge, &request)));
        let HttpResponse { status, headers, body } = sent.map_err(|error| match error {
            OutboundError::Forbidden(why) => outbound::Error::Forbidden(why),
            OutboundError::Unavailable(why) => outbound::Error::Unavailable(why),
        })?;
        Ok(outbound::Response { status, headers, body })
    }
}

/// Says on the log why there is nothing.
fn noted<T>(result: Result<T, String>) -> Option<T> {
    result.inspect_err(|why| note(why)).ok()
}

const NO_KEYS: &str = r#"{"keys":[]}"#;
