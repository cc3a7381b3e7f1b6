//! Imports: every port trait over its WIT interface.

use std::time::{SystemTime, UNIX_EPOCH};

use kernel::{Digest, Timestamp};
use ports::{
    Captured, Claims, Clock, Comparison, Engine, Entities, EntityError, HttpRequest, HttpResponse,
    Letter, Limits, Mail, MailError, Object, ObjectError, Objects, Outbound, OutboundError,
    Outcome, Outgoing, PasswordError, Policy, ProofSignature, PublicEvent, Random, Sql, SqlError,
    Statement, Value, Variables, Vault,
};

use crate::bindings::ecomauction::edge::{entities, limits, mail, objects, outbound, sql, vault};
use crate::bindings::wasi::config::store;

/// The platform around the component.
#[derive(Debug, Clone, Copy, Default)]
pub struct WasiPorts;

impl Entities for WasiPorts {
    async fn call(
        &self,
        machine: &str,
        key: &str,
        command_id: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        entities::call(machine, key, command_id, principal, &body).map_err(entity_error)
    }

    async fn query(
        &self,
        machine: &str,
        key: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        entities::query(machine, key, principal, &body).map_err(entity_error)
    }

    async fn events(
        &self,
        machine: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicEvent>, EntityError> {
        let events = entities::events(machine, key, after, limit).map_err(entity_error)?;
        Ok(events.into_iter().map(public_event).collect())
    }

    async fn engine(&self, machine: &str) -> Result<Engine, EntityError> {
        let entities::EngineVersion { component_sha256, version } =
            entities::engine(machine).map_err(entity_error)?;
        let component_sha256 = match component_sha256.map(<[u8; Digest::LEN]>::try_from) {
            None => None,
            Some(Ok(bytes)) => Some(Digest::from_bytes(bytes)),
            Some(Err(_)) => {
                return Err(EntityError::MachineFault("its digest is none".to_owned()));
            }
        };
        Ok(Engine { component_sha256, version })
    }
}

impl Sql for WasiPorts {
    async fn query(&self, statement: Statement) -> Result<Outcome, SqlError> {
        sql::query(&guest_statement(statement)).map(outcome).map_err(sql_error)
    }

    async fn batch_and_send(
        &self,
        statements: Vec<Statement>,
        messages: Vec<Outgoing>,
    ) -> Result<Vec<Outcome>, SqlError> {
        let statements: Vec<_> = statements.into_iter().map(guest_statement).collect();
        let outgoing = |Outgoing { topic, key, body }| {
            let topic = topic.to_owned();
            sql::Outgoing { topic, key, body }
        };
        let messages: Vec<_> = messages.into_iter().map(outgoing).collect();
        let outcomes = sql::batch(&statements, &messages).map_err(sql_error)?;
        Ok(outcomes.into_iter().map(outcome).collect())
    }

    async fn project(&self, key: &str, statement: Statement) -> Result<(), SqlError> {
        sql::project(key, &guest_statement(statement)).map_err(sql_error)
    }
}

impl Vault for WasiPorts {
    async fn sign_access_token(&self, claims: &Claims) -> Result<String, String> {
        let Claims { subject, name, roles, expires_at } = claims.clone();
        vault::sign_access_token(&vault::Claims { subject, name, roles, expires_at })
    }

    async fn verify_access_token(&self, token: &str) -> Option<Claims> {
        let vault::Claims { subject, name, roles, expires_at } = vault::verify_access_token(token)?;
        Some(Claims { subject, name, roles, expires_at })
    }

    async fn public_keys(&self) -> String {
        vault::public_keys()
    }

    async fn hash_password(&self, password: &str) -> Result<String, PasswordError> {
        vault::hash_password(password).map_err(password_error)
    }

    async fn verify_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        let compared = vault::verify_password(password, stored).map_err(password_error)?;
        let vault::Comparison { matches, outdated } = compared;
        Ok(Comparison { matches, outdated })
    }

    #[allow(clippy::expect_used, reason = "a platform that breaks the contract is better trapped")]
    async fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        vault::mac(purpose, message).try_into().expect("a mac has 32 bytes")
    }

    async fn sign_proof(&self, at: Timestamp, message: &[u8]) -> Result<ProofSignature, String> {
        let vault::ProofSignature { key_id, signature } = vault::sign_proof(at.as_ms(), message)?;
        Ok(ProofSignature { key_id, signature })
    }

    async fn proof_keys(&self) -> String {
        vault::proof_keys()
    }
}

impl Mail for WasiPorts {
    async fn send(&self, key: &str, letter: &Letter) -> Result<(), MailError> {
        let Letter { to, subject, text, html, headers } = letter.clone();
        let letter = mail::Letter { to, subject, text, html, headers };
        mail::send(key, &letter).map_err(|error| match error {
            mail::Error::Rejected(why) => MailError::Rejected(why),
            mail::Error::Unavailable(why) => MailError::Unavailable(why),
        })
    }

    async fn captured(&self, to: Option<&str>, limit: u32) -> Vec<Captured> {
        let captured = mail::captured(to, limit).into_iter();
        let inward = |mail::CapturedLetter { id, letter, sent_at }| {
            let mail::Letter { to, subject, text, html, headers } = letter;
            Captured { id, letter: Letter { to, subject, text, html, headers }, sent_at }
        };
        captured.map(inward).collect()
    }
}

impl Limits for WasiPorts {
    async fn take(&self, bucket: &str, policy: Policy) -> Result<(), u64> {
        let Policy { capacity, refill_ms } = policy;
        limits::take(bucket, limits::Policy { capacity, refill_ms })
    }
}

impl Outbound for WasiPorts {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        let HttpRequest { method, url, headers, body } = request.clone();
        let sent = outbound::send(&outbound::Request { method, url, headers, body });
        let outbound::Response { status, headers, body } = sent.map_err(|error| match error {
            outbound::Error::Forbidden(why) => OutboundError::Forbidden(why),
            outbound::Error::Unavailable(why) => OutboundError::Unavailable(why),
        })?;
        Ok(HttpResponse { status, headers, body })
    }
}

impl Objects for WasiPorts {
    async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        objects::put(key, content_type, &bytes).map_err(object_error)
    }

    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        let found = objects::get(key).map_err(object_error)?;
        Ok(found.map(|objects::Object { content_type, bytes }| Object { content_type, bytes }))
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        objects::delete(key).map_err(object_error)
    }
}

impl Clock for WasiPorts {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 cannot be told from one that was never set.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The wall clock.
pub fn now() -> Timestamp {
    WasiPorts.now()
}

impl Random for WasiPorts {
    #[allow(clippy::expect_used, reason = "without randomness ids would repeat: better to trap")]
    fn id_bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).expect("wasi:random answers");
        bytes
    }

    #[allow(clippy::expect_used, reason = "a secret that can be guessed is worse than a trap")]
    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("wasi:random answers");
        bytes
    }
}

impl Variables for WasiPorts {
    fn variable(&self, name: &str) -> Option<String> {
        // A store that fails is read as "not set": every switch is off by default.
        store::get(name).ok().flatten()
    }
}

/// An event of a log, on its way in.
pub fn public_event(event: entities::PublicEvent) -> PublicEvent {
    let entities::PublicEvent { seq, prev, head, public } = event;
    PublicEvent { seq, prev, head, public }
}

fn entity_error(error: entities::Error) -> EntityError {
    match error {
        entities::Error::NotGranted => EntityError::NotGranted,
        entities::Error::MachineFault(why) => EntityError::MachineFault(why),
        entities::Error::Unavailable(why) => EntityError::Unavailable(why),
    }
}

fn guest_statement(statement: Statement) -> sql::Statement {
    let parameters = statement.parameters.into_iter().map(guest_value).collect();
    sql::Statement { sql: statement.sql, parameters }
}

fn guest_value(value: Value) -> sql::Value {
    match value {
        Value::Null => sql::Value::Null,
        Value::Integer(integer) => sql::Value::Integer(integer),
        Value::Real(real) => sql::Value::Real(real),
        Value::Text(text) => sql::Value::Text(text),
        Value::Blob(bytes) => sql::Value::Blob(bytes),
    }
}

fn outcome(outcome: sql::Outcome) -> Outcome {
    let rows = outcome.rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect();
    Outcome { columns: outcome.columns, rows, changes: outcome.changes }
}

fn value(value: sql::Value) -> Value {
    match value {
        sql::Value::Null => Value::Null,
        sql::Value::Integer(integer) => Value::Integer(integer),
        sql::Value::Real(real) => Value::Real(real),
        sql::Value::Text(text) => Value::Text(text),
        sql::Value::Blob(bytes) => Value::Blob(bytes),
    }
}

fn sql_error(error: sql::Error) -> SqlError {
    match error {
        sql::Error::Constraint(why) => SqlError::Constraint(why),
        sql::Error::Invalid(why) => SqlError::Invalid(why),
        sql::Error::Unavailable(why) => SqlError::Unavailable(why),
    }
}

fn object_error(error: objects::Error) -> ObjectError {
    match error {
        objects::Error::Invalid(why) => ObjectError::Invalid(why),
        objects::Error::Unavailable(why) => ObjectError::Unavailable(why),
    }
}

fn password_error(error: vault::PasswordError) -> PasswordError {
    match error {
        vault::PasswordError::Busy => PasswordError::Busy,
        vault::PasswordError::Failed(why) => PasswordError::Failed(why),
    }
}
