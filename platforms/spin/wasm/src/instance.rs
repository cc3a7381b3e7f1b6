//! The edge of this instance, opened when it is first needed.

use std::cell::RefCell;
use std::rc::Rc;

use auction_machine::Auction;
use composition::Composition;
use edge::{Edge, Machines};

use crate::world::Spin;

thread_local! {
    static EDGE: RefCell<Option<Rc<Edge<Spin>>>> = const { RefCell::new(None) };
}

/// Does something with the edge; `unavailable` makes the error of a port when it cannot be opened.
pub(crate) fn edge<T, E>(
    unavailable: impl FnOnce(String) -> E,
    work: impl FnOnce(&Edge<Spin>) -> Result<T, E>,
) -> Result<T, E> {
    let edge = match opened() {
        Ok(edge) => edge,
        Err(why) => {
            note(&why);
            return Err(unavailable(why));
        }
    };
    let done = work(&edge);
    edge.take_troubles().iter().for_each(|trouble| note(trouble));
    done
}

/// A line for the operator: Spin keeps what components print.
pub(crate) fn note(what: &str) {
    eprintln!("edge: {what}");
}

/// An error is not kept: the store may answer the next time.
fn opened() -> Result<Rc<Edge<Spin>>, String> {
    if let Some(edge) = EDGE.with_borrow(Clone::clone) {
        return Ok(edge);
    }
    let text = std::fs::read_to_string(MANIFEST).map_err(|error| {
        format!("{MANIFEST}: {error}; the component needs files = [\"spin.toml\"]")
    })?;
    let composition = Composition::parse(&text).map_err(|error| format!("{MANIFEST}: {error}"))?;
    let component = std::env::var(COMPONENT)
        .map_err(|_| format!("the component needs environment = {{ {COMPONENT} = \"its id\" }}"))?;
    let machines = Machines::default().with_component::<Auction>("auction", AUCTION_SHA256);
    let edge = Edge::open(Spin, machines, composition, &component);
    let edge = Rc::new(edge.map_err(|error| error.to_string())?);
    EDGE.set(Some(Rc::clone(&edge)));
    Ok(edge)
}

/// The machine that is linked in, as a component; `cargo xtask build` says it.
const AUCTION_SHA256: Option<&str> = option_env!("AUCTION_MACHINE_SHA256");
const MANIFEST: &str = "/spin.toml";
const COMPONENT: &str = "EDGE_COMPONENT";
