//! What happens between requests on a platform where nothing runs between requests: the face looks
//! after its responses whether something waits, and does it.

use std::cell::Cell;

use kernel::Timestamp;
use ports::{Clock as _, Delivery, Message};

use crate::WasiPorts;
use crate::bindings::ecomauction::edge::work;
use crate::bindings::wasi::http::client;
use crate::bindings::wasi::http::types::{Fields, Method, Request, RequestOptions, Scheme};
use crate::bindings::wit_future;
use crate::streaming::Service;

/// Why the face looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Something was read. Then it is enough to look now and then.
    Read,
    /// Something may have been written.
    Write,
    /// The deployer says that something may be due.
    Tick,
    /// Another component says that something is due.
    Told,
}

/// Does what waits, a bounded number of leases; then tells others.
pub(crate) async fn attend(service: Service, occasion: Occasion) {
    if occasion == Occasion::Read && !is_time() {
        return;
    }
    let most = match occasion {
        Occasion::Tick | Occasion::Told => LEASES_OF_TICK_MAX,
        Occasion::Read | Occasion::Write => LEASES_MAX,
    };
    let mut leases = 0;
    while leases < most {
        // Each port call holds the instance: others get their turn in between.
        wit_bindgen::yield_async().await;
        let Some(work::Lease { id, task }) = work::next() else { break };
        work::settle(&id, &outcomes(service, task));
        leases += 1;
    }
    if occasion == Occasion::Told && leases == 0 {
        // What is due cannot be taken now. Two that tell each other so would never end.
        return;
    }
    wit_bindgen::yield_async().await;
    for work::Call { url, token } in work::others() {
        // Who does not hear it looks by itself at its next request.
        if let Err(error) = tell(&url, &token).await {
            eprintln!("{url} is not told that something is due: {error}");
        }
    }
}

/// Says that something is due. The other one answers before it begins.
async fn tell(url: &str, token: &str) -> Result<(), String> {
    let (authority, target) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_at_checked(rest.find('/')?))
        .ok_or("not an address")?;
    let authorization = ("authorization".to_owned(), format!("Bearer {token}").into_bytes());
    let fields = Fields::from_list(&[authorization]).map_err(|error| error.to_string())?;
    let (_, trailers) = wit_future::new(|| Ok(None));
    let options = RequestOptions::new();
    // One that does not answer at once has its hands full, and others wait to be told. Where a
    // time-out cannot be set it is Spin's own.
    let _ = options.set_connect_timeout(Some(TOLD_WITHIN_NS));
    let _ = options.set_first_byte_timeout(Some(TOLD_WITHIN_NS));
    let (request, _sent) = Request::new(fields, None, trailers, Some(options));
    let set = request
        .set_method(&Method::Post)
        .and_then(|()| request.set_scheme(Some(&Scheme::Http)))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(target)));
    set.map_err(|()| "not a request that can be sent".to_owned())?;
    let response = client::send(request).await.map_err(|error| error.to_string())?;
    match response.get_status_code() {
        202 => Ok(()),
        status => Err(format!("it answers {status}")),
    }
}

fn outcomes(service: Service, task: work::Task) -> Vec<work::Outcome> {
    match task {
        work::Task::Consume(batch) => {
            let batch = batch.into_iter().map(message).collect();
            (service.consume)(batch).into_iter().map(outcome).collect()
        }
        work::Task::Run(work::Slot { job, at }) => {
            vec![match (service.run)(&job, Timestamp::from_ms(at)) {
                Ok(()) => work::Outcome::Ack,
                Err(why) => work::Outcome::Retry(why),
            }]
        }
    }
}

fn message(message: work::Message) -> Message {
    let work::Message { id, source, topic, key, time, body } = message;
    Message { id, source, topic, key, time, body }
}

fn outcome(delivery: Delivery) -> work::Outcome {
    match delivery {
        Delivery::Ack => work::Outcome::Ack,
        Delivery::Retry(why) => work::Outcome::Retry(why),
    }
}

/// Once in a while, by the clock of this instance.
fn is_time() -> bool {
    thread_local! {
        static LOOKED_AT_MS: Cell<i64> = const { Cell::new(0) };
    }
    let now = WasiPorts.now().as_ms();
    // A clock that was turned back is no reason to wait for it.
    let is_time = (now - LOOKED_AT_MS.get()).unsigned_abs() >= LOOK_EVERY_MS;
    if is_time {
        LOOKED_AT_MS.set(now);
    }
    is_time
}

/// How often an instance that only reads looks whether something waits.
const LOOK_EVERY_MS: u64 = 250;
const TOLD_WITHIN_NS: u64 = 2_000_000_000;
/// Leases that one request does the work of.
const LEASES_MAX: usize = 16;
const LEASES_OF_TICK_MAX: usize = 256;
