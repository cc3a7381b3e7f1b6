//! Imports of a service's streaming face, which this host never calls.
//!
//! A service that is also made for other hosts exports `wasi:http/handler@0.3` and imports what
//! that needs. This host serves its buffered face, so those imports are linked as traps. Every
//! other unknown import stays an error at start: a missing port must not surface at midnight.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use super::guest::Guest;
use crate::engine::lift;

/// Links the WASI 0.3 imports of the component as traps.
pub(super) fn streaming_face(
    linker: &mut Linker<Guest>,
    engine: &Engine,
    component: &Component,
) -> anyhow::Result<()> {
    let component_type = component.component_type();
    for (name, import) in component_type.imports(engine) {
        let is_streaming = name.starts_with("wasi:") && name.contains("@0.3.")
            || name.starts_with("ecomauction:edge/work@");
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        if !is_streaming {
            continue;
        }
        let mut stub = lift(linker.instance(name))?;
        for (item, export) in instance.exports(engine) {
            lift(link_trap(&mut stub, name, item, &export.ty))?;
        }
    }
    Ok(())
}

fn link_trap(
    stub: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    item: &str,
    kind: &ComponentItem,
) -> wasmtime::Result<()> {
    let why = format!("{interface}#{item} is part of the streaming face, which is not served here");
    match kind {
        ComponentItem::ComponentFunc(function) if function.async_() => {
            stub.func_new_concurrent(item, move |_, _, _, _| {
                let why = why.clone();
                Box::pin(async move { Err(wasmtime::Error::msg(why)) })
            })
        }
        ComponentItem::ComponentFunc(_) => {
            stub.func_new(item, move |_, _, _, _| Err(wasmtime::Error::msg(why.clone())))
        }
        ComponentItem::Resource(_) => {
            stub.resource(item, ResourceType::host::<()>(), |_, _| Ok(()))
        }
        _ => Ok(()),
    }
}
