//! What all objects have in common: an edge over their own store, opened when it is first needed,
//! and an alarm for what will be due.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use composition::Composition;
use edge::{Edge, Machines};
use kernel::Timestamp;
use worker::js_sys::Date;
use worker::{Env, ScheduledTime, State};

use crate::fault::note;
use crate::wire;
use crate::world::ObjectWorld;

/// An object's inside.
pub(crate) struct Inside {
    pub(crate) state: State,
    pub(crate) env: Env,
    edge: RefCell<Option<Rc<Edge<ObjectWorld>>>>,
    /// When the alarm rings, as far as this instance knows.
    armed: Cell<Option<i64>>,
    /// When something is due that the edge does not know of.
    pub(crate) also: Cell<Option<i64>>,
}

impl Inside {
    pub(crate) fn new(state: State, env: Env) -> Self {
        Self { state, env, edge: RefCell::default(), armed: Cell::default(), also: Cell::default() }
    }

    /// The edge; `made` says which machines and what manifest it has, and as which component it
    /// runs.
    pub(crate) fn edge(
        &self,
        made: impl FnOnce() -> (Machines, Composition, String),
    ) -> Result<Rc<Edge<ObjectWorld>>, String> {
        if let Some(edge) = self.edge.borrow().as_ref() {
            return Ok(Rc::clone(edge));
        }
        let (machines, composition, component) = made();
        let world = ObjectWorld::of(&self.env, &self.state.storage());
        let edge = Edge::open(world, machines, composition, &component);
        let edge = Rc::new(edge.map_err(|error| error.to_string())?);
        self.edge.replace(Some(Rc::clone(&edge)));
        Ok(edge)
    }

    /// Is the edge open? Then its store has tables.
    pub(crate) fn is_open(&self) -> bool {
        self.edge.borrow().is_some()
    }

    /// Sets the alarm to what is due next, but not before `earliest`.
    pub(crate) async fn arm(&self, edge: &Edge<ObjectWorld>, earliest: Option<Timestamp>) {
        tell_troubles(edge);
        let due = match edge.next_due() {
            Ok(due) => due,
            Err(error) => {
                note(&format!("what is due cannot be read: {error}"));
                Some(wire::now().plus_ms(AFTER_FAULT_MS))
            }
        };
        let due = due.map(|due| earliest.map_or(due, |earliest| due.max(earliest)));
        let also = self.also.get().map(Timestamp::from_ms);
        let Some(due) = [due, also].into_iter().flatten().min() else { return };
        // One that rings earlier was asked for, or does no harm.
        if self.armed.get().is_none_or(|armed| armed > due.as_ms()) {
            self.ring_at(due).await;
        }
    }

    /// Lets the alarm ring as soon as may be.
    pub(crate) async fn ring_now(&self) {
        self.ring_at(wire::now()).await;
    }

    /// The alarm has rung: there is none now.
    pub(crate) fn rung(&self) {
        self.armed.set(None);
    }

    /// Sets the alarm.
    #[allow(clippy::cast_precision_loss, reason = "instants are below 2^53")]
    pub(crate) async fn ring_at(&self, at: Timestamp) {
        let ms = at.as_ms().max(0);
        self.armed.set(Some(ms));
        let date = Date::new(&(ms as f64).into());
        let set = self.state.storage().set_alarm(ScheduledTime::new(date)).await;
        if let Err(error) = set {
            self.armed.set(None);
            note(&format!("the alarm cannot be set: {error}"));
        }
    }
}

/// What went wrong in nobody's request.
pub(crate) fn tell_troubles(edge: &Edge<ObjectWorld>) {
    edge.take_troubles().iter().for_each(|trouble| note(trouble));
}

/// When a store that failed is asked again.
const AFTER_FAULT_MS: i64 = 5_000;
