//! The ports of `wit/edge`, given by this host.

use super::bindings::config::wasi::config::store as config;
use super::bindings::imports::ecomauction::edge::{entities, sql};
use super::guest::Guest;
use crate::machines::EntityError;
use crate::sql::{Outgoing, SqlError, Statement, Value, check};

impl Guest {
    fn granted(&self, machine: &str) -> Result<(), entities::Error> {
        if self.platform.granted.contains(machine) {
            Ok(())
        } else {
            Err(entities::Error::NotGranted)
        }
    }

    /// Tables, letters and other servers are outside of the request: they hear nothing that the
    /// disk does not have.
    pub(super) async fn settle(&mut self) -> Result<(), String> {
        self.gate.open(&self.platform).await.map_err(|error| error.to_string())
    }
}

impl entities::Host for Guest {
    async fn call(
        &mut self,
        machine: String,
        key: String,
        command_id: String,
        principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, entities::Error> {
        self.granted(&machine)?;
        let machines = &self.platform.machines;
        let called = machines.call(&machine, &key, &command_id, principal.as_deref(), &body).await;
        let answer = called.map_err(entity_error)?;
        self.gate.saw(answer.after);
        Ok(answer.reply)
    }

    async fn query(
        &mut self,
        machine: String,
        key: String,
        principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, entities::Error> {
        self.granted(&machine)?;
        let machines = &self.platform.machines;
        let asked = machines.query(&machine, &key, principal.as_deref(), &body).await;
        let answer = asked.map_err(entity_error)?;
        self.gate.saw(answer.after);
        Ok(answer.reply)
    }

    async fn events(
        &mut self,
        machine: String,
        key: String,
        after: u64,
        limit: u32,
    ) -> Result<Vec<entities::PublicEvent>, entities::Error> {
        self.granted(&machine)?;
        let machines = std::sync::Arc::clone(&self.platform.machines);
        let read =
            tokio::task::spawn_blocking(move || machines.events(&machine, &key, after, limit));
        let events = read.await.map_err(|error| entities::Error::Unavailable(error.to_string()))?;
        let outward = |event: crate::machines::PublicEvent| entities::PublicEvent {
            seq: event.seq,
            prev: event.prev.to_vec(),
            head: event.head.to_vec(),
            public: event.public,
        };
        Ok(events.map_err(entity_error)?.into_iter().map(outward).collect())
    }

    async fn engine(
        &mut self,
        machine: String,
    ) -> Result<entities::EngineVersion, entities::Error> {
        self.granted(&machine)?;
        let digest = self.platform.engines.get(&machine).ok_or(entities::Error::NotGranted)?;
        let component_sha256 = Some(digest.as_bytes().to_vec());
        Ok(entities::EngineVersion { component_sha256, version: self.platform.version.clone() })
    }
}

impl sql::Host for Guest {
    async fn query(&mut self, statement: sql::Statement) -> Result<sql::Outcome, sql::Error> {
        self.settle().await.map_err(sql::Error::Unavailable)?;
        let outcome = self.platform.sql.query(inward(statement)).await;
        outcome.map(outcome_outward).map_err(sql_error)
    }

    async fn batch(
        &mut self,
        statements: Vec<sql::Statement>,
        messages: Vec<sql::Outgoing>,
    ) -> Result<Vec<sql::Outcome>, sql::Error> {
        self.settle().await.map_err(sql::Error::Unavailable)?;
        let statements = statements.into_iter().map(inward).collect();
        let messages = messages.into_iter().map(message_inward).collect();
        let outcomes = self.platform.sql.batch(statements, messages).await.map_err(sql_error)?;
        Ok(outcomes.into_iter().map(outcome_outward).collect())
    }

    async fn project(&mut self, key: String, statement: sql::Statement) -> Result<(), sql::Error> {
        let statement = inward(statement);
        check(&statement).map_err(sql_error)?;
        self.gate.hold(key, statement);
        Ok(())
    }
}

impl config::Host for Guest {
    fn get(&mut self, key: String) -> Result<Option<String>, config::Error> {
        Ok(self.platform.variables.get(&key).cloned())
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, config::Error> {
        Ok(self.platform.variables.clone().into_iter().collect())
    }
}

fn entity_error(error: EntityError) -> entities::Error {
    match error {
        EntityError::NoMachine(_) => entities::Error::NotGranted,
        EntityError::Machine(why) => entities::Error::MachineFault(why),
        EntityError::Unavailable(why) => entities::Error::Unavailable(why),
    }
}

fn sql_error(error: SqlError) -> sql::Error {
    match error {
        SqlError::Constraint(why) => sql::Error::Constraint(why),
        SqlError::Invalid(why) => sql::Error::Invalid(why),
        SqlError::Unavailable(why) => sql::Error::Unavailable(why),
    }
}

fn inward(statement: sql::Statement) -> Statement {
    let value = |value| match value {
        sql::Value::Null => Value::Null,
        sql::Value::Integer(integer) => Value::Integer(integer),
        sql::Value::Real(real) => Value::Real(real),
        sql::Value::Text(text) => Value::Text(text),
        sql::Value::Blob(blob) => Value::Blob(blob),
    };
    let parameters = statement.parameters.into_iter().map(value).collect();
    Statement { sql: statement.sql, parameters }
}

fn message_inward(message: sql::Outgoing) -> Outgoing {
    let sql::Outgoing { topic, key, body } = message;
    Outgoing { topic, key, body }
}

fn outcome_outward(outcome: crate::sql::Outcome) -> sql::Outcome {
    let value = |value| match value {
        Value::Null => sql::Value::Null,
        Value::Integer(integer) => sql::Value::Integer(integer),
        Value::Real(real) => sql::Value::Real(real),
        Value::Text(text) => sql::Value::Text(text),
        Value::Blob(blob) => sql::Value::Blob(blob),
    };
    let row = |row: Vec<Value>| row.into_iter().map(value).collect();
    let crate::sql::Outcome { columns, rows, changes } = outcome;
    sql::Outcome { columns, rows: rows.into_iter().map(row).collect(), changes }
}
