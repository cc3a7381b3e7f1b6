//! What a synchronous port means under `wasi:http/handler@0.3.0`: the call works, and the instance
//! serves one such call at a time, so a transaction inside a call is never interleaved with another
//! request of the same instance. Parallel requests need further instances.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::Empty;
use shapes::artefacts;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p3::{Request, Response, bindings::Service};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

mod ports {
    #![allow(missing_docs, clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        inline: "
            package shapes:host;
            world ports { import ecomauction:edge/entities@0.1.0; }
        ",
        path: [
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-clocks",
            "../../wit/deps/wasi-random",
            "../../wit/deps/wasi-cli",
            "../../wit/deps/wasi-http",
            "../../wit/edge",
        ],
        world: "shapes:host/ports",
        imports: { default: async },
    });
}

use ports::ecomauction::edge::entities;

/// A port that gives every other task a hundred chances to run while it waits.
struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoNetwork,
    waiting: Arc<AtomicUsize>,
    waiting_max: Arc<AtomicUsize>,
}

struct NoNetwork;

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

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

impl entities::Host for State {
    async fn engine(
        &mut self,
        _machine: String,
    ) -> Result<entities::EngineVersion, entities::Error> {
        Err(entities::Error::NotGranted)
    }

    async fn call(
        &mut self,
        _machine: String,
        _key: String,
        _command_id: String,
        _principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, entities::Error> {
        Ok(body)
    }

    async fn query(
        &mut self,
        _machine: String,
        _key: String,
        _principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, entities::Error> {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.waiting_max.fetch_max(waiting, Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        Ok(body)
    }

    async fn events(
        &mut self,
        _machine: String,
        _key: String,
        _after: u64,
        _limit: u32,
    ) -> Result<Vec<entities::PublicEvent>, entities::Error> {
        Ok(Vec::new())
    }
}

fn request() -> Request {
    let request = http::Request::get("http://shapes/count/apples");
    let request = request.body(Empty::<Bytes>::new());
    Request::from_http(&mut NoNetwork, request.unwrap()).0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_serves_one_synchronous_port_call_at_a_time() {
    let bytes = artefacts::guest("shapes-service-wasm", artefacts::WASIP2).unwrap();
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    let component = Component::new(&engine, std::fs::read(bytes).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
    wasmtime_wasi_http::p3::add_to_linker(&mut linker).unwrap();
    entities::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).unwrap();

    let waiting_max = Arc::<AtomicUsize>::default();
    let state = State {
        table: ResourceTable::new(),
        wasi: WasiCtx::default(),
        http: WasiHttpCtx::new(),
        hooks: NoNetwork,
        waiting: Arc::default(),
        waiting_max: Arc::clone(&waiting_max),
    };
    let mut store = Store::new(&engine, state);
    let service = Service::instantiate_async(&mut store, &component, &linker).await.unwrap();
    let answers = store
        .run_concurrent(async |store| {
            let one = service.handle(store, request());
            let two = service.handle(store, request());
            tokio::join!(one, two)
        })
        .await
        .unwrap();
    let status = |response: Response| response.status;
    assert_eq!(status(answers.0.unwrap().unwrap()), 200);
    assert_eq!(status(answers.1.unwrap().unwrap()), 200);
    assert_eq!(waiting_max.load(Ordering::SeqCst), 1);
}
