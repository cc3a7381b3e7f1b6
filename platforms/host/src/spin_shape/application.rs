//! The manifest's components, composed, linked with Spin's interfaces and ready for requests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::handler::Instances;
use super::manifest::{self, Manifest};
use super::sqlite::Databases;
use super::{sqlite, variables};

/// What handles the requests of one component.
pub(super) type Handler = ProxyHandler<Instances>;

/// All components and their routes.
pub(super) struct Application {
    routes: Vec<(Pattern, Handler)>,
}

/// What one instance of a component owns.
pub(super) struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoNetwork,
    pub(super) table: ResourceTable,
    pub(super) databases: Databases,
    pub(super) variables: Arc<BTreeMap<String, String>>,
}

/// Outbound requests need `allowed_outbound_hosts`, which nothing here grants.
struct NoNetwork;

impl Application {
    /// Composes and compiles every component that has a route.
    pub(super) fn new(manifest: &Manifest, state_dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(state_dir)
            .with_context(|| format!("cannot create {}", state_dir.display()))?;
        let mut config = Config::new();
        config.wasm_component_model(true);
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config)?;
        let mut handlers = BTreeMap::new();
        for (id, component) in &manifest.components {
            let handler = handler(&engine, component, state_dir);
            handlers.insert(id, handler.with_context(|| format!("component {id}"))?);
        }
        let mut routes = Vec::new();
        for (route, id) in &manifest.routes {
            let handler = handlers.get(id).context("checked by the manifest")?;
            routes.push((Pattern::parse(route), handler.clone()));
        }
        routes.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.rank()));
        Ok(Self { routes })
    }

    /// The handler of a path: the most specific route wins.
    pub(super) fn find(&self, path: &str) -> Option<&Handler> {
        self.routes.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, handler)| handler)
    }
}

impl State {
    /// A fresh instance's state.
    pub(super) fn new(
        environment: &BTreeMap<String, String>,
        variables: Arc<BTreeMap<String, String>>,
        databases: Databases,
    ) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.inherit_stdout().inherit_stderr();
        for (name, value) in environment {
            wasi.env(name, value);
        }
        Self {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: NoNetwork,
            table: ResourceTable::new(),
            databases,
            variables,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

impl WasiHttpHooks for NoNetwork {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }
}

/// A response and what became of the request's transmission.
type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

fn handler(
    engine: &Engine,
    component: &manifest::Component,
    state_dir: &Path,
) -> anyhow::Result<Handler> {
    let bytes = composed(component)?;
    let compiled = Component::new(engine, &bytes)?;
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    sqlite::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    variables::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    let pre = linker.instantiate_pre(&compiled)?;
    let databases = Databases::new(state_dir, &component.sqlite_databases)?;
    Ok(ProxyHandler::new(Instances::new(
        ServicePre::new(pre)?,
        component.environment.clone(),
        Arc::new(component.variables.clone()),
        databases,
    )))
}

/// The component with its dependencies, as Spin composes them: flat.
fn composed(component: &manifest::Component) -> anyhow::Result<Vec<u8>> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}; build it", path.display()))
    };
    let source = read(&component.source)?;
    let dependencies = component
        .dependencies
        .iter()
        .map(|(name, path)| Ok((name.as_str(), read(path)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if dependencies.is_empty() {
        return Ok(source);
    }
    let borrowed: Vec<_> =
        dependencies.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let composed = compose::compose(("component", &source), &borrowed)?;
    let mut left = compose::imports_of(&composed)?;
    left.retain(|import| !PROVIDED.iter().any(|prefix| import.starts_with(prefix)));
    if !left.is_empty() {
        bail!("Spin does not provide {}, and no dependency exports it", left.join(", "));
    }
    Ok(composed)
}

/// A route in Spin's syntax.
struct Pattern {
    segments: Vec<String>,
    open_end: bool,
}

impl Pattern {
    fn parse(route: &str) -> Self {
        let (route, open_end) = match route.strip_suffix("/...") {
            Some(prefix) => (prefix, true),
            None => (route, false),
        };
        Self { segments: split(route).map(str::to_owned).collect(), open_end }
    }

    fn matches(&self, path: &str) -> bool {
        let mut parts = split(path);
        let all = self.segments.iter().all(|segment| {
            parts.next().is_some_and(|part| segment.starts_with(':') || segment == part)
        });
        all && (self.open_end || parts.next().is_none())
    }

    /// Closed before open, long before short, literal before wild.
    fn rank(&self) -> (bool, usize, usize) {
        let literal = self.segments.iter().filter(|segment| !segment.starts_with(':')).count();
        (!self.open_end, self.segments.len(), literal)
    }
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// What Spin 4.1 gives to guests and this shape links.
const PROVIDED: [&str; 8] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:config/store@0.2.0-draft-2024-09-27",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "spin:sqlite/sqlite@3.1.0",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_match_as_in_spin() {
        let open = Pattern::parse("/v1/things/...");
        assert!(open.matches("/v1/things") && open.matches("/v1/things/a/b"));
        assert!(!open.matches("/v1/thing"));
        let exact = Pattern::parse("/v1/things/:id");
        assert!(exact.matches("/v1/things/a") && !exact.matches("/v1/things/a/b"));
        assert!(exact.rank() > open.rank());
    }
}
