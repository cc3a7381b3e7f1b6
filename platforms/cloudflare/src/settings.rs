//! What is the same for the whole Worker: the manifest, the keys, variables.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use auction_machine::Auction;
use composition::{Composition, CompositionError};
use edge::{Machines, Vault};
use worker::Env;

/// The manifest that all platforms read.
const MANIFEST: &str = include_str!("../../../spin.toml");

/// The machine that is linked in, as a component; `cargo xtask build` says it.
const AUCTION_SHA256: Option<&str> = option_env!("AUCTION_MACHINE_SHA256");

thread_local! {
    static COMPOSITION: Composition = parsed(MANIFEST);
    static VAULT: OnceCell<Rc<Vault>> = const { OnceCell::new() };
    static MIGRATED: RefCell<BTreeSet<String>> = RefCell::default();
}

/// A manifest that cannot be read is found by its tests; without one nothing is served.
fn parsed(text: &str) -> Composition {
    let read = |error: CompositionError| crate::fault::note(&format!("spin.toml: {error}"));
    Composition::parse(text).map_err(read).unwrap_or_default()
}

/// Asks the manifest.
pub(crate) fn composition<T>(ask: impl FnOnce(&Composition) -> T) -> T {
    COMPOSITION.with(ask)
}

/// A manifest of one's own, to change it.
pub(crate) fn own_composition() -> Composition {
    parsed(MANIFEST)
}

/// All machines.
pub(crate) fn machines() -> Machines {
    Machines::default().with_component::<Auction>("auction", AUCTION_SHA256)
}

/// A variable of the Worker, or a secret, or else what the manifest says; empty ones count as none.
pub(crate) fn variable(env: &Env, name: &str) -> Option<String> {
    // The binding is a text; whatever else has that name is none.
    let set = env.var(name).ok().map(|value| value.to_string());
    let default = || composition(|manifest| manifest.default_of(name).map(str::to_owned));
    set.or_else(default).filter(|value| !value.is_empty())
}

/// The keys, which follow from a secret.
pub(crate) fn vault(env: &Env) -> Rc<Vault> {
    VAULT.with(|vault| {
        let opened = || {
            let secrets = variable(env, "platform_secret");
            Rc::new(Vault::of(secrets.as_deref(), variable(env, "tick_token")))
        };
        Rc::clone(vault.get_or_init(opened))
    })
}

/// Were the tables of a component brought up to date by this isolate?
pub(crate) fn is_migrated(component: &str) -> bool {
    MIGRATED.with_borrow(|migrated| migrated.contains(component))
}

/// They were.
pub(crate) fn mark_migrated(component: &str) {
    MIGRATED.with_borrow_mut(|migrated| migrated.insert(component.to_owned()));
}
