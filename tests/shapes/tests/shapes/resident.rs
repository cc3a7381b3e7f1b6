//! Shape one: resident in our host. The machine lives in an engine without concurrency; the service
//! runs buffered on a fiber, and its port call waits for something real before the machine answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Component, Linker, ResourceAny, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use shapes::artefacts;

mod machine {
    #![allow(missing_docs, clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({ path: "../../wit/machine", world: "machine-component" });
}

mod service {
    #![allow(missing_docs, clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        inline: "
            package shapes:host;
            world buffered {
                import ecomauction:edge/entities@0.1.0;
                export ecomauction:edge/http@0.1.0;
            }
        ",
        path: [
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-clocks",
            "../../wit/deps/wasi-random",
            "../../wit/deps/wasi-cli",
            "../../wit/deps/wasi-http",
            "../../wit/edge",
        ],
        world: "shapes:host/buffered",
        imports: { default: async },
        exports: { default: async },
    });
}

use machine::exports::ecomauction::machine::machine::{Decision, Envelope, Guest};
use service::ecomauction::edge::entities::{EngineVersion, Error, Host, PublicEvent};
use service::exports::ecomauction::edge::http::{Fields, Request, Response};

/// A machine instance that is home to several entities.
struct Residents {
    store: Store<()>,
    guest: Guest,
    entities: Vec<ResourceAny>,
}

impl Residents {
    fn new(component_bytes: &[u8], keys: &[&str]) -> Self {
        let mut config = Config::new();
        config.wasm_component_model(true);
        config.concurrency_support(false);
        let engine = Engine::new(&config).unwrap();
        let component = Component::new(&engine, component_bytes).unwrap();
        let mut store = Store::new(&engine, ());
        let linker = Linker::new(&engine);
        let bindings =
            machine::MachineComponent::instantiate(&mut store, &component, &linker).unwrap();
        let guest = bindings.ecomauction_machine_machine().clone();
        let entity = |key: &&str| guest.entity().call_constructor(&mut store, key).unwrap();
        let entities = keys.iter().map(entity).collect();
        Self { store, guest, entities }
    }

    fn handle(&mut self, index: usize, command_id: &str, body: &[u8]) -> Decision {
        let entity = self.entities[index];
        let command = envelope(command_id, body);
        self.guest.entity().call_handle(&mut self.store, entity, &command).unwrap()
    }

    fn query(&mut self, index: usize) -> Vec<u8> {
        let entity = self.entities[index];
        self.guest.entity().call_query(&mut self.store, entity, &envelope("", b"{}")).unwrap()
    }
}

fn envelope(command_id: &str, body: &[u8]) -> Envelope {
    Envelope {
        command_id: command_id.to_owned(),
        principal: None,
        now: 0,
        seed: vec![7; 32],
        body: body.to_vec(),
    }
}

fn machine_component() -> Vec<u8> {
    let core = artefacts::guest("shapes-machine-wasm", artefacts::UNKNOWN).unwrap();
    compose::wrap_machine(&std::fs::read(core).unwrap()).unwrap()
}

#[test]
fn a_machine_component_imports_nothing_and_holds_many_entities() {
    let component = machine_component();
    assert_eq!(compose::imports_of(&component).unwrap(), Vec::<String>::new());
    let mut residents = Residents::new(&component, &["apples", "pears"]);
    assert_eq!(residents.handle(0, "a", br#"{"add":2}"#).reply, br#"{"total":2}"#);
    assert_eq!(residents.handle(1, "a", br#"{"add":3}"#).reply, br#"{"total":3}"#);
    assert!(residents.handle(0, "a", br#"{"add":2}"#).events.is_empty());
    assert_eq!(residents.query(0), br#"{"total":2}"#);

    let entity = residents.entities[0];
    let resource = residents.guest.entity();
    let snapshot = resource.call_snapshot(&mut residents.store, entity).unwrap();
    let restored = resource.call_restore(&mut residents.store, "apples", &snapshot).unwrap();
    residents.entities[0] = restored.unwrap();
    entity.resource_drop(&mut residents.store).unwrap();
    assert_eq!(residents.query(0), br#"{"total":2}"#);
}

/// What the service asks the thread that owns the machine.
enum Ask {
    Call(String, Vec<u8>, oneshot::Sender<Vec<u8>>),
    Query(oneshot::Sender<Vec<u8>>),
}

/// The port: it waits for the machine's thread, which is what parks the service's fiber.
struct Ports {
    wasi: WasiCtx,
    table: ResourceTable,
    asks: mpsc::UnboundedSender<Ask>,
    waiting: Arc<AtomicUsize>,
    waiting_max: Arc<AtomicUsize>,
}

impl Clone for Ports {
    fn clone(&self) -> Self {
        Self {
            wasi: WasiCtx::default(),
            table: ResourceTable::new(),
            asks: self.asks.clone(),
            waiting: Arc::clone(&self.waiting),
            waiting_max: Arc::clone(&self.waiting_max),
        }
    }
}

impl WasiView for Ports {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Ports {
    async fn ask(
        &mut self,
        ask: Ask,
        answer: oneshot::Receiver<Vec<u8>>,
    ) -> Result<Vec<u8>, Error> {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.waiting_max.fetch_max(waiting, Ordering::SeqCst);
        self.asks.send(ask).unwrap();
        let answer = answer.await.map_err(|_| Error::Unavailable("gone".to_owned()));
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

impl Host for Ports {
    async fn engine(&mut self, _machine: String) -> Result<EngineVersion, Error> {
        Err(Error::NotGranted)
    }

    async fn call(
        &mut self,
        _machine: String,
        _key: String,
        command_id: String,
        _principal: Option<String>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Call(command_id, body, reply), answer).await
    }

    async fn query(
        &mut self,
        _machine: String,
        _key: String,
        _principal: Option<String>,
        _body: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Query(reply), answer).await
    }

    async fn events(
        &mut self,
        _machine: String,
        _key: String,
        _after: u64,
        _limit: u32,
    ) -> Result<Vec<PublicEvent>, Error> {
        Ok(Vec::new())
    }
}

/// Answers when `release` says so: with the whole batch that came meanwhile, as group commit does.
fn machine_thread(mut asks: mpsc::UnboundedReceiver<Ask>, batch: usize) {
    let component = machine_component();
    std::thread::spawn(move || {
        let mut residents = Residents::new(&component, &["apples"]);
        let mut answers = Vec::new();
        while let Some(ask) = asks.blocking_recv() {
            answers.push(match ask {
                Ask::Call(id, body, reply) => (reply, residents.handle(0, &id, &body).reply),
                Ask::Query(reply) => (reply, residents.query(0)),
            });
            if answers.len() == batch {
                answers.drain(..).for_each(|(reply, answer)| reply.send(answer).unwrap());
            }
        }
    });
}

struct Service {
    engine: Engine,
    pre: service::BufferedPre<Ports>,
}

impl Service {
    /// Links the entities port and the WASI 0.2 of the standard library. Every other import,
    /// `wasi:http@0.3.0` with its streams, becomes a trap that the buffered face never meets.
    fn new() -> Self {
        let bytes =
            std::fs::read(artefacts::guest("shapes-service-wasm", artefacts::WASIP2).unwrap());
        let mut config = Config::new();
        config.wasm_component_model(true);
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::new(&engine, bytes.unwrap()).unwrap();
        let mut linker: Linker<Ports> = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        service::Buffered::add_to_linker::<_, wasmtime::component::HasSelf<Ports>>(
            &mut linker,
            |ports| ports,
        )
        .unwrap();
        linker.define_unknown_imports_as_traps(&component).unwrap();
        let pre = service::BufferedPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
        Self { engine, pre }
    }

    async fn instance(&self, ports: &Ports) -> (Store<Ports>, service::Buffered) {
        let mut store = Store::new(&self.engine, ports.clone());
        let bindings = self.pre.instantiate_async(&mut store).await.unwrap();
        (store, bindings)
    }
}

async fn send(
    (store, bindings): &mut (Store<Ports>, service::Buffered),
    method: &str,
    command_id: &str,
) -> Response {
    let ends = vec![KEY.len() as u32, (KEY.len() + command_id.len()) as u32];
    let request = Request {
        method: method.to_owned(),
        target: "/count/apples".to_owned(),
        headers: Fields { text: format!("{KEY}{command_id}"), ends },
        body: br#"{"add":2}"#.to_vec(),
    };
    bindings.ecomauction_edge_http().call_handle(store, &request).await.unwrap()
}

fn ports(batch: usize) -> Ports {
    let (asks, inbox) = mpsc::unbounded_channel();
    machine_thread(inbox, batch);
    Ports {
        wasi: WasiCtx::default(),
        table: ResourceTable::new(),
        asks,
        waiting: Arc::default(),
        waiting_max: Arc::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buffered_service_reaches_the_machine_with_every_other_import_a_trap() {
    let service = Service::new();
    let mut instance = service.instance(&ports(1)).await;
    let response = send(&mut instance, "POST", "a").await;
    assert_eq!((response.status, response.body), (200, br#"{"total":2}"#.to_vec()));
    assert_eq!(send(&mut instance, "POST", "a").await.body, br#"{"total":2}"#);
    assert_eq!(send(&mut instance, "POST", "b").await.body, br#"{"total":4}"#);
    assert_eq!(send(&mut instance, "GET", "").await.body, br#"{"total":4}"#);
    assert_eq!(send(&mut instance, "PUT", "").await.status, 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_call_parks_its_fiber_and_not_its_thread() {
    const TOGETHER: usize = 16;
    let service = Service::new();
    // The machine's thread answers nobody before all sixteen wait, on two worker threads.
    let ports = ports(TOGETHER);
    let mut requests = tokio::task::JoinSet::new();
    for index in 0..TOGETHER {
        let mut instance = service.instance(&ports).await;
        requests.spawn(async move { send(&mut instance, "POST", &index.to_string()).await.status });
    }
    assert_eq!(requests.join_all().await, [200; TOGETHER]);
    assert_eq!(ports.waiting_max.load(Ordering::SeqCst), TOGETHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_price_of_a_call_is_reported() {
    const CALLS: u32 = 20_000;
    let mut residents = Residents::new(&machine_component(), &["apples"]);
    residents.handle(0, "warm", br#"{"add":1}"#);
    let started = Instant::now();
    (0..CALLS).for_each(|_| drop(residents.handle(0, "warm", br#"{"add":1}"#)));
    let direct = started.elapsed() / CALLS;

    let service = Service::new();
    let mut instance = service.instance(&ports(1)).await;
    send(&mut instance, "GET", "").await;
    let started = Instant::now();
    for _ in 0..CALLS {
        send(&mut instance, "PUT", "").await;
    }
    let refused = started.elapsed() / CALLS;
    let started = Instant::now();
    for _ in 0..CALLS {
        send(&mut instance, "GET", "").await;
    }
    let mailbox = started.elapsed() / CALLS;
    println!(
        "machine call {direct:?}; service without port {refused:?}, over a thread {mailbox:?}"
    );
}

const KEY: &str = "idempotency-key";
