//! `wasi:config/store`: the component's variables.

use super::handler::State;

mod generated {
    #![allow(missing_docs, clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "../../wit/deps/wasi-config",
        world: "wasi:config/imports",
    });
}

pub(super) use generated::wasi::config::store::add_to_linker;
use generated::wasi::config::store::{Error, Host};

impl Host for State {
    fn get(&mut self, key: String) -> Result<Option<String>, Error> {
        Ok(self.variables.get(&key).cloned())
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, Error> {
        Ok(self.variables.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}
