//! shapes_edge.wasm: the `entities` port over `spin:sqlite`. A command takes the write lock, loads
//! the entity's events, decides and appends, in one transaction. Deciding first and retrying a lost
//! race starves writers of a hot entity: of 128 commands by 16 clients, 3 lost 8 races in a row.
//!
//! The port's functions are synchronous, and a synchronous export may not wait for an asynchronous
//! import, so this uses the synchronous forms of `spin:sqlite`.

use shapes_counter::machine::Counter;

use exports::ecomauction::edge::entities::{EngineVersion, Error, Guest, PublicEvent};
use spin::sqlite::sqlite::{Connection, QueryResult, Value};

wit_bindgen::generate!({
    path: [
        "../../../wit/deps/wasi-config",
        "../../../wit/deps/wasi-clocks",
        "../../../wit/deps/wasi-random",
        "../../../wit/deps/wasi-cli",
        "../../../wit/deps/wasi-http",
        "../../../wit/deps/spin-sqlite",
        "../../../wit/edge",
    ],
    inline: "
        package shapes:edge;
        world edge {
            import spin:sqlite/sqlite@3.1.0;
            export ecomauction:edge/entities@0.1.0;
        }
    ",
    world: "shapes:edge/edge",
    generate_all,
});

struct Component;

impl Guest for Component {
    fn call(
        machine: String,
        key: String,
        command_id: String,
        _principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let store = Store::open(&machine)?;
        // A connection that is dropped without a commit rolls back.
        store.execute("begin immediate", &[])?;
        let mut counter = store.load(&key)?;
        let decision = counter.handle(&command_id, &body);
        if let Some(event) = decision.event {
            store.append(&key, event.seq, event.fact)?;
            store.execute("commit", &[])?;
        }
        Ok(decision.reply)
    }

    fn query(
        machine: String,
        key: String,
        _principal: Option<String>,
        _body: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        Ok(Store::open(&machine)?.load(&key)?.query())
    }

    fn events(
        _machine: String,
        _key: String,
        _after: u64,
        _limit: u32,
    ) -> Result<Vec<PublicEvent>, Error> {
        Ok(Vec::new())
    }

    fn engine(_machine: String) -> Result<EngineVersion, Error> {
        Ok(EngineVersion { component_sha256: None, version: String::new() })
    }
}

struct Store(Connection);

impl Store {
    fn open(machine: &str) -> Result<Self, Error> {
        if machine != "counter" {
            return Err(Error::NotGranted);
        }
        let store = Self(Connection::open("default").map_err(unavailable)?);
        store.execute(
            "create table if not exists shapes_events \
             (key text, seq integer, fact blob, primary key (key, seq)) without rowid",
            &[],
        )?;
        Ok(store)
    }

    fn load(&self, key: &str) -> Result<Counter, Error> {
        let sql = "select fact from shapes_events where key = ?1 order by seq";
        let log = self.execute(sql, &[Value::Text(key.to_owned())])?;
        let mut counter = Counter::new(key);
        for fact in log.rows.into_iter().flat_map(|row| row.values) {
            if let Value::Blob(fact) = fact {
                counter.apply(&fact).map_err(|error| Error::MachineFault(error.to_string()))?;
            }
        }
        Ok(counter)
    }

    fn append(&self, key: &str, seq: u64, fact: Vec<u8>) -> Result<(), Error> {
        let seq = i64::try_from(seq).map_err(unavailable)?;
        let parameters = [Value::Text(key.to_owned()), Value::Integer(seq), Value::Blob(fact)];
        let sql = "insert into shapes_events (key, seq, fact) values (?1, ?2, ?3)";
        self.execute(sql, &parameters).map(drop)
    }

    fn execute(&self, sql: &str, parameters: &[Value]) -> Result<QueryResult, Error> {
        self.0.execute(sql, parameters).map_err(unavailable)
    }
}

fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::Unavailable(error.to_string())
}

export!(Component);
