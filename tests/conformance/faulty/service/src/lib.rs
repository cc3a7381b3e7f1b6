//! faulty_service.wasm: does what no component should, when it is asked to.
//!
//! `/faulty/ok` answers, `/faulty/trap`, `/faulty/spin` and `/faulty/eat` do not;
//! `/faulty/machine/KEY` hands a POST's body to the faulty machine as a command and answers a GET
//! with what the machine says about the entity. What it does with messages and jobs is in
//! [`messages`].

mod messages;

use ports::{Entities, EntityError, Ports};
use web::{Request, Response};

ports_wasi::export_service!(handle, messages::consume, messages::migrate, messages::run);

async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    match request.path() {
        "/faulty/ok" => Response::json_bytes(200, b"{\"ok\":true}".to_vec()),
        "/faulty/trap" => panic!("asked to trap"),
        "/faulty/spin" => spin(),
        "/faulty/eat" => eat(),
        "/faulty/send" => messages::send(ports, &request.body).await,
        "/faulty/heal" => messages::heal(ports).await,
        "/faulty/got" => messages::shown(ports, messages::GOT).await,
        "/faulty/sent" => messages::shown(ports, messages::SENT).await,
        "/faulty/runs" => messages::shown(ports, messages::RUNS).await,
        path => match path.strip_prefix("/faulty/machine/") {
            Some(key) => machine(ports, key, &request).await,
            None => Response::empty(404),
        },
    }
}

async fn machine<P: Ports>(ports: &P, key: &str, request: &Request) -> Response {
    let body = request.body.clone();
    let answer = if request.method == "POST" {
        let command_id = request.header("idempotency-key").unwrap_or_default();
        ports.call("faulty", key, command_id, None, body).await
    } else {
        Entities::query(ports, "faulty", key, None, b"null".to_vec()).await
    };
    match answer {
        Ok(reply) => Response::json_bytes(200, reply),
        Err(EntityError::MachineFault(_)) => Response::empty(500),
        Err(EntityError::Unavailable(_) | EntityError::NotGranted) => Response::empty(503),
    }
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = core::hint::black_box(turns.wrapping_add(1));
    }
}

fn eat() -> ! {
    let mut eaten = Vec::new();
    loop {
        eaten.push(core::hint::black_box(vec![1_u8; 1 << 20]));
    }
}
