//! Types of the ports and types of the bindings, member by member.

use ports::{
    Captured, EntityError, Letter, Outcome, PasswordError, PublicEvent, SqlError, Statement, Value,
};

use crate::bindings::exports::ecomauction::edge::{entities, mail, sql, vault};

pub(crate) fn entity_error(error: EntityError) -> entities::Error {
    match error {
        EntityError::NotGranted => entities::Error::NotGranted,
        EntityError::MachineFault(why) => entities::Error::MachineFault(why),
        EntityError::Unavailable(why) => entities::Error::Unavailable(why),
    }
}

pub(crate) fn public_event(event: PublicEvent) -> entities::PublicEvent {
    let PublicEvent { seq, prev, head, public } = event;
    entities::PublicEvent { seq, prev, head, public }
}

pub(crate) fn statement(statement: sql::Statement) -> Statement {
    let parameters = statement.parameters.into_iter().map(inward).collect();
    Statement { sql: statement.sql, parameters }
}

pub(crate) fn outgoing(message: sql::Outgoing) -> edge::Outgoing {
    let sql::Outgoing { topic, key, body } = message;
    edge::Outgoing { topic, key, body }
}

pub(crate) fn outcome(outcome: Outcome) -> sql::Outcome {
    let Outcome { columns, rows, changes } = outcome;
    let rows = rows.into_iter().map(|row| row.into_iter().map(outward).collect()).collect();
    sql::Outcome { columns, rows, changes }
}

fn inward(value: sql::Value) -> Value {
    match value {
        sql::Value::Null => Value::Null,
        sql::Value::Integer(integer) => Value::Integer(integer),
        sql::Value::Real(real) => Value::Real(real),
        sql::Value::Text(text) => Value::Text(text),
        sql::Value::Blob(bytes) => Value::Blob(bytes),
    }
}

fn outward(value: Value) -> sql::Value {
    match value {
        Value::Null => sql::Value::Null,
        Value::Integer(integer) => sql::Value::Integer(integer),
        Value::Real(real) => sql::Value::Real(real),
        Value::Text(text) => sql::Value::Text(text),
        Value::Blob(bytes) => sql::Value::Blob(bytes),
    }
}

pub(crate) fn sql_error(error: SqlError) -> sql::Error {
    match error {
        SqlError::Constraint(why) => sql::Error::Constraint(why),
        SqlError::Invalid(why) => sql::Error::Invalid(why),
        SqlError::Unavailable(why) => sql::Error::Unavailable(why),
    }
}

pub(crate) fn password_error(error: PasswordError) -> vault::PasswordError {
    match error {
        PasswordError::Busy => vault::PasswordError::Busy,
        PasswordError::Failed(why) => vault::PasswordError::Failed(why),
    }
}

pub(crate) fn letter(letter: mail::Letter) -> Letter {
    let mail::Letter { to, subject, text, html, headers } = letter;
    Letter { to, subject, text, html, headers }
}

pub(crate) fn captured(captured: Captured) -> mail::CapturedLetter {
    let Captured { id, letter, sent_at } = captured;
    let Letter { to, subject, text, html, headers } = letter;
    let letter = mail::Letter { to, subject, text, html, headers };
    mail::CapturedLetter { id, letter, sent_at }
}
