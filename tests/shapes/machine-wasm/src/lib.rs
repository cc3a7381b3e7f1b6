//! shapes_machine.wasm: the counter behind `ecomauction:machine`, importing nothing.

use std::cell::RefCell;

use shapes_counter::machine::Counter;

use exports::ecomauction::machine::machine as contract;

wit_bindgen::generate!({ path: "../../../wit/machine", world: "machine-component" });

struct Component;

struct Entity {
    key: String,
    state: RefCell<Counter>,
}

impl contract::Guest for Component {
    type Entity = Entity;
}

impl contract::GuestEntity for Entity {
    fn new(key: String) -> Self {
        let state = RefCell::new(Counter::new(&key));
        Self { key, state }
    }

    fn restore(key: String, snapshot: Vec<u8>) -> Result<contract::Entity, String> {
        let state = Counter::restore(&snapshot).map_err(|error| error.to_string())?;
        Ok(contract::Entity::new(Self { key, state: RefCell::new(state) }))
    }

    fn handle(&self, command: contract::Envelope) -> contract::Decision {
        let decision = self.state.borrow_mut().handle(&command.command_id, &command.body);
        let mut events = Vec::new();
        let mut effects = Vec::new();
        if let Some(event) = decision.event {
            events.push(contract::Event {
                seq: event.seq,
                prev: vec![0; 32],
                head: vec![0; 32],
                public: event.fact.clone(),
                fact: event.fact,
            });
            effects.push(contract::Effect::Send(contract::Message {
                topic: "counter.added".to_owned(),
                key: self.key.clone(),
                body: decision.reply.clone(),
            }));
        }
        contract::Decision { events, reply: decision.reply, effects, wake: None }
    }

    fn apply(&self, fact: Vec<u8>) -> Result<(), String> {
        self.state.borrow_mut().apply(&fact).map_err(|error| error.to_string())
    }

    fn query(&self, _question: contract::Envelope) -> Vec<u8> {
        self.state.borrow().query()
    }

    fn next_wake(&self) -> Option<contract::Wake> {
        None
    }

    fn snapshot(&self) -> Vec<u8> {
        self.state.borrow().snapshot()
    }
}

export!(Component);
