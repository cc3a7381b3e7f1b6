//! The manifest's components, ready for requests, and the routes that lead to them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use composition::Pattern;
use http::{Request, Response, StatusCode};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::handler::{Grants, Instances};
use super::headers::{self, Matched};
use super::manifest::{Manifest, StaticResponse, Target};
use super::outward::Surroundings;
use super::sqlite::Databases;
use super::{component, files};
use crate::data::private_folder;

/// What handles the requests of one component.
pub(super) type Handler = ProxyHandler<Instances>;

/// All components and their routes.
pub(super) struct Application {
    routes: Vec<(Pattern, String, Target)>,
    around: Arc<Surroundings>,
}

impl Application {
    /// Composes and compiles every component that has a trigger.
    pub(super) fn new(manifest: Manifest, state_dir: &Path) -> anyhow::Result<Self> {
        let cache = state_dir.join("compiled");
        private_folder(&cache)?;
        let engine = component::engine()?;
        let around = Arc::new(Surroundings::new()?);
        let mut handlers = BTreeMap::new();
        for (id, component) in manifest.components {
            if !manifest.triggered.contains(&id) {
                continue;
            }
            let made = component::linked(&engine, &id, &component, &cache).and_then(|pre| {
                let grants = grants(&id, component, &manifest.base, state_dir)?;
                let instances = Instances::new(ServicePre::new(pre)?, grants, Arc::clone(&around));
                anyhow::Ok(ProxyHandler::new(instances))
            });
            let made = made.with_context(|| format!("component {id}"))?;
            handlers.insert(id, made);
        }
        around.fill(handlers);
        let mut routes = Vec::new();
        for (route, target) in manifest.routes {
            // As in Spin, the last of two equal routes counts.
            routes.retain(|(_, other, _): &(_, String, _)| *other != route);
            routes.push((Pattern::parse(&route), route, target));
        }
        routes.sort_by_key(|(pattern, _, _)| pattern.precedence());
        Ok(Self { routes, around })
    }

    /// Routes and where they lead, for people.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.routes.iter().map(|(_, route, target)| match target {
            Target::Component(id) => (route.as_str(), id.as_str()),
            Target::Static(_) => (route.as_str(), "static response"),
        })
    }

    /// The answer to a client. An error ends its connection.
    pub(super) async fn answer(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> anyhow::Result<Response<WasiBody>> {
        headers::strip(&mut request);
        let path = request.uri().path().to_owned();
        if let Some(known) = path.strip_prefix(WELL_KNOWN) {
            return Ok(match known {
                "health" => super::plain(StatusCode::OK, Bytes::from_static(b"OK")),
                _ => super::plain(StatusCode::NOT_FOUND, Bytes::new()),
            });
        }
        let found = self.routes.iter().find_map(|(pattern, route, target)| {
            pattern.caught(&path).map(|caught| (route, target, caught))
        });
        let Some((route, target, caught)) = found else {
            return Ok(super::plain(StatusCode::NOT_FOUND, Bytes::new()));
        };
        match target {
            Target::Component(id) => {
                let names = caught.names.into_iter();
                let names = names.map(|(name, value)| (name, value.to_owned())).collect();
                let matched = Matched { route: route.clone(), names, rest: caught.rest };
                self.around.ask(id, request, &matched, client).await
            }
            Target::Static(response) => {
                headers::address(&mut request)?;
                fixed(response)
            }
        }
    }
}

fn grants(
    id: &str,
    component: super::manifest::Component,
    base: &Path,
    state_dir: &Path,
) -> anyhow::Result<Grants> {
    let mounted = state_dir.join("files").join(id);
    let has_files = !component.files.is_empty();
    if has_files {
        files::copy(&component.files, &component.exclude_files, base, &mounted)?;
    }
    Ok(Grants {
        component: id.into(),
        files: has_files.then_some(mounted),
        environment: component.environment,
        variables: Arc::new(component.variables),
        databases: Databases::new(state_dir, &component.sqlite_databases)?,
        allowed: Arc::new(component.allowed),
    })
}

fn fixed(fixed: &StaticResponse) -> anyhow::Result<Response<WasiBody>> {
    let mut response = Response::builder().status(fixed.status_code);
    for (name, value) in &fixed.headers {
        response = response.header(name, value);
    }
    let body = Bytes::from(fixed.body.clone().unwrap_or_default());
    Ok(response.body(super::whole(body))?)
}

const WELL_KNOWN: &str = "/.well-known/spin/";
