//! Is there something to do? Looks that cost a few steps down an index each.

use composition::{Composition, Consumer, Tool};
use kernel::Timestamp;

use crate::cells::Cells;
use crate::jobs;
use crate::store::Store;
use crate::world::{Connection, StoreError};

/// Has this component something to do: wakes of entities, a slot of a job, messages?
pub(crate) fn has_due<C: Connection>(
    store: &Store<C>,
    composition: &Composition,
    component: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    store.read(|connection| {
        let sql = "select exists (select 1 from edge_entities where wake_at <= ?1)";
        let wakes = connection.execute(sql, &[now.as_ms().into()])?;
        let wakes = wakes.rows.into_iter().next().unwrap_or_default();
        if Cells::of(wakes).truth()? {
            return Ok(true);
        }
        composition.of(component).map_or(Ok(false), |tool| waits(connection, component, tool, now))
    })
}

/// Other components for which messages or slots of jobs are due. Wakes of entities are run by
/// whoever comes first.
pub(crate) fn others<C: Connection>(
    store: &Store<C>,
    composition: &Composition,
    component: &str,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    store.read(|connection| {
        let mut others = Vec::new();
        for (id, tool) in &composition.components {
            if id != component && waits(connection, id, tool, now)? {
                others.push(id.clone());
            }
        }
        Ok(others)
    })
}

/// Messages of a component.
pub(crate) struct Messages<'a> {
    /// Who takes them.
    pub(crate) component: &'a str,
    /// Of which topics.
    pub(crate) consumers: &'a [Consumer],
}

impl Messages<'_> {
    /// Is one due that nobody has?
    pub(crate) fn look<C: Connection>(
        &self,
        connection: &C,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.consumers.is_empty() {
            return Ok(false);
        }
        let topics: Vec<&str> = self.consumers.iter().map(|one| one.topic.as_str()).collect();
        // What is taken is due when its lease runs out.
        let sql = "select exists (select 1 from json_each(?2) as one where exists \
            (select 1 from edge_messages where head = 1 and consumer = ?1 \
            and topic = one.value and due_at <= ?3))";
        let topics = serde_json::json!(topics).to_string();
        let parameters = [self.component.into(), topics.into(), now.as_ms().into()];
        let found = connection.execute(sql, &parameters)?;
        Cells::of(found.rows.into_iter().next().unwrap_or_default()).truth()
    }
}

fn waits<C: Connection>(
    connection: &C,
    component: &str,
    tool: &Tool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let messages = Messages { component, consumers: &tool.consumers };
    Ok(messages.look(connection, now)? || jobs::has_due(connection, component, &tool.crons, now)?)
}
