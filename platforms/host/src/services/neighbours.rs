//! The components of the application, to each other: `http://ID.spin.internal/…` is answered in
//! this process (docs/adr/0049).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use http::Request;
use tokio::task::JoinSet;

use super::pool::Service;
use crate::http::answer_within;
use crate::outbound::{Answer, OutboundError, whole};

/// All components by their ids. They are made one after the other, and each has this from the
/// start, so it is filled when the last one is there; it keeps none of them.
#[derive(Clone, Default)]
pub(crate) struct Neighbours(Arc<OnceLock<BTreeMap<String, Weak<Service>>>>);

/// Who asks.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    /// Component id.
    pub(super) component: &'a str,
    /// Does another component wait for it?
    pub(super) is_asked: bool,
}

impl Neighbours {
    /// From now on these are the components that can be asked.
    pub(crate) fn fill(&self, services: &HashMap<String, Arc<Service>>) {
        let weak = |(id, service): (&String, &Arc<Service>)| (id.clone(), Arc::downgrade(service));
        let _ = self.0.set(services.iter().map(weak).collect());
    }

    /// The answer of a component to another one, which the manifest allows to ask it.
    pub(super) async fn ask(
        &self,
        asking: Asking<'_>,
        id: &str,
        request: Request<Bytes>,
    ) -> Result<Answer, OutboundError> {
        let service = self.find(asking, id).inspect_err(|error| {
            tracing::warn!(component = asking.component, id, ?error, "a neighbour is not asked");
        })?;
        // wasmtime runs no store from within the run of another one, so this is a task of its own.
        // Dropping the set ends it: nobody waits for its answer then.
        let mut task = JoinSet::new();
        task.spawn(async move { answer_within(&service, request).await });
        let unavailable = |why: &str| Err(OutboundError::Unavailable(why.to_owned()));
        match task.join_next().await {
            Some(Ok(Some(response))) => whole(response).await,
            Some(Ok(None)) => unavailable("the answer is a stream"),
            Some(Err(_)) | None => unavailable("the component gave no answer"),
        }
    }

    /// Whoever is asked asks nobody: what waits for an instance then waits for some that wait for
    /// none, and no circle begins.
    fn find(&self, asking: Asking<'_>, id: &str) -> Result<Arc<Service>, OutboundError> {
        let forbidden = |why: String| Err(OutboundError::Forbidden(why));
        if asking.is_asked {
            return forbidden(format!("{} is being asked and asks nobody", asking.component));
        }
        if asking.component == id {
            return forbidden(format!("{id} does not ask itself"));
        }
        let known = self.0.get().and_then(|all| all.get(id)).and_then(Weak::upgrade);
        known.map_or_else(|| forbidden(format!("there is no component {id}")), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_asks_who_is_not_there_nor_itself_nor_while_it_is_asked() {
        let neighbours = Neighbours::default();
        neighbours.fill(&HashMap::new());
        for (component, is_asked, id, word) in [
            ("pages", false, "auctions", "no component auctions"),
            ("pages", false, "pages", "itself"),
            ("auctions", true, "identity", "asks nobody"),
        ] {
            let found = neighbours.find(Asking { component, is_asked }, id).err();
            let Some(OutboundError::Forbidden(why)) = found else { panic!("{id} is asked") };
            assert!(why.contains(word), "{why}");
        }
    }
}
