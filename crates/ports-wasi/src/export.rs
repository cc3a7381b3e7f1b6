//! Exports: [`export_service!`](crate::export_service) and the conversions that it expands to.

use kernel::Timestamp;
use ports::{Delivery, Message, PublicEvent};

use crate::bindings::exports::ecomauction::edge::{consumer, http, socket};

/// Exports a service as `ecomauction:edge` handlers. The functions are generic over the ports:
/// `async fn handle(&P, web::Request) -> web::Response`, `async fn consume(&P, Vec<Message>) ->
/// Vec<Delivery>`, `async fn migrate(&P) -> Result<(), String>`, and where there are jobs `async fn
/// run(&P, &str, Timestamp) -> Result<(), String>`. A module `sockets` has `open`, `tell`,
/// `message` and `time` of `web::live`.
#[macro_export]
macro_rules! export_service {
    ($handle:path, $consume:path, $migrate:path) => {
        $crate::export_service!($handle, $consume, $migrate, $crate::no_jobs);
    };
    ($handle:path, $consume:path, $migrate:path, $run:path) => {
        /// A service without sockets: what asks for one is an ordinary request.
        mod without_sockets {
            #[allow(unused_imports, reason = "the handler may be one of the crate's own")]
            use super::*;

            pub(super) async fn open(
                ports: &$crate::WasiPorts,
                request: $crate::web::Request,
            ) -> Result<$crate::web::live::Opened, $crate::web::Response> {
                Err($handle(ports, request).await)
            }
            pub(super) use $crate::nothing_told as tell;
            pub(super) use $crate::no_messages as message;
            pub(super) use $crate::no_time as time;
        }
        $crate::export_service!($handle, $consume, $migrate, $run, sockets: without_sockets);
    };
    ($handle:path, $consume:path, $migrate:path, $run:path, sockets: $sockets:ident) => {
        struct Component;

        impl $crate::bindings::exports::ecomauction::edge::http::Guest for Component {
            fn handle(
                request: $crate::bindings::exports::ecomauction::edge::http::Request,
            ) -> $crate::bindings::exports::ecomauction::edge::http::Response {
                $crate::said($crate::ready($handle(&$crate::WasiPorts, $crate::heard(request))))
            }
        }

        impl $crate::bindings::exports::wasi::http::handler::Guest for Component {
            async fn handle(
                request: $crate::bindings::wasi::http::types::Request,
            ) -> Result<
                $crate::bindings::wasi::http::types::Response,
                $crate::bindings::wasi::http::types::ErrorCode,
            > {
                let service = $crate::Service {
                    migrate: || $crate::ready($migrate(&$crate::WasiPorts)),
                    handle: |request| $crate::ready($handle(&$crate::WasiPorts, request)),
                    tell: |key, events| $sockets::tell(key, events, &[]),
                    consume: |batch| $crate::ready($consume(&$crate::WasiPorts, batch)),
                    run: |job, slot| $crate::ready($run(&$crate::WasiPorts, job, slot)),
                };
                $crate::streamed(request, service).await
            }
        }

        impl $crate::bindings::exports::ecomauction::edge::socket::Guest for Component {
            fn open(
                request: $crate::bindings::exports::ecomauction::edge::http::Request,
            ) -> Result<
                $crate::bindings::exports::ecomauction::edge::socket::Opened,
                $crate::bindings::exports::ecomauction::edge::http::Response,
            > {
                let opened = $sockets::open(&$crate::WasiPorts, $crate::heard(request));
                $crate::ready(opened).map($crate::opened).map_err($crate::said)
            }

            fn tell(
                key: String,
                events: Vec<$crate::bindings::ecomauction::edge::entities::PublicEvent>,
                sent: Vec<$crate::bindings::exports::ecomauction::edge::socket::Sent>,
            ) -> $crate::bindings::exports::ecomauction::edge::socket::Told {
                let events: Vec<_> = events.into_iter().map($crate::public_event).collect();
                let sent: Vec<_> = sent.into_iter().map($crate::sent).collect();
                $crate::told($sockets::tell(&key, &events, &sent))
            }

            fn message(
                context: String,
                text: String,
                received_at: i64,
            ) -> $crate::bindings::exports::ecomauction::edge::socket::Answered {
                let at = $crate::Timestamp::from_ms(received_at);
                let answered = $sockets::message(&$crate::WasiPorts, &context, &text, at);
                $crate::answered($crate::ready(answered))
            }

            fn time() -> Option<String> {
                $sockets::time($crate::now())
            }
        }

        impl $crate::bindings::exports::ecomauction::edge::consumer::Guest for Component {
            fn consume(
                batch: Vec<$crate::bindings::exports::ecomauction::edge::consumer::Message>,
            ) -> Vec<$crate::bindings::exports::ecomauction::edge::consumer::Outcome> {
                let batch = batch.into_iter().map($crate::message).collect();
                let deliveries = $crate::ready($consume(&$crate::WasiPorts, batch));
                deliveries.into_iter().map($crate::delivered).collect()
            }
        }

        impl $crate::bindings::exports::ecomauction::edge::lifecycle::Guest for Component {
            fn migrate() -> Result<(), String> {
                $crate::ready($migrate(&$crate::WasiPorts))
            }
        }

        impl $crate::bindings::exports::ecomauction::edge::schedule::Guest for Component {
            fn run(job: String, slot: i64) -> Result<(), String> {
                let slot = $crate::Timestamp::from_ms(slot);
                $crate::ready($run(&$crate::WasiPorts, &job, slot))
            }
        }

        $crate::bindings::export_bindings!(Component with_types_in $crate::bindings);
    };
}

/// The request as the service's manners know it.
pub fn heard(request: http::Request) -> web::Request {
    let http::Request { method, target, headers, body } = request;
    web::Request { method, target, headers: web::Fields::new(headers.text, headers.ends), body }
}

/// The service's response on its way out.
pub fn said(response: web::Response) -> http::Response {
    let headers = response.headers.iter().map(|(name, value)| (*name, &**value));
    let (text, ends) = headers.collect::<web::Fields>().into_parts();
    http::Response {
        status: response.status,
        headers: http::Fields { text, ends },
        body: response.body,
        live: response.live.map(following),
    }
}

fn following(following: web::live::Following) -> http::Following {
    let web::live::Following { machine, key, after } = following;
    http::Following { machine, key, after }
}

/// A socket that may be opened, on its way out.
pub fn opened(opened: web::live::Opened) -> socket::Opened {
    let web::live::Opened { hello, principal, expires_at, ends_at, closes_with, context, .. } =
        opened;
    let following = following(opened.following);
    socket::Opened { following, hello, principal, expires_at, ends_at, closes_with, context }
}

/// What a decision sent, on its way in.
pub fn sent(sent: socket::Sent) -> web::live::Sent {
    let socket::Sent { topic, body } = sent;
    web::live::Sent { topic, body }
}

/// What is told, on its way out.
pub fn told(told: web::live::Told) -> socket::Told {
    let web::live::Told { events, whispers, ends_at, is_gone } = told;
    let telling = |web::live::Telling { seq, frame, piece }| socket::Telling { seq, frame, piece };
    let whisper = |web::live::Whisper { principal, frame }| socket::Whisper { principal, frame };
    let events = events.into_iter().map(telling).collect();
    let whispers = whispers.into_iter().map(whisper).collect();
    socket::Told { events, whispers, ends_at, is_gone }
}

/// The answer to a client's message, on its way out.
pub fn answered(answered: web::live::Answered) -> socket::Answered {
    let web::live::Answered { frames, closes_with } = answered;
    socket::Answered { frames, closes_with }
}

/// A service without sockets has nothing to tell.
pub fn nothing_told(_: &str, _: &[PublicEvent], _: &[web::live::Sent]) -> web::live::Told {
    web::live::Told::default()
}

/// A service without sockets gets no messages.
pub async fn no_messages<P>(_: &P, _: &str, _: &str, _: Timestamp) -> web::live::Answered {
    web::live::Answered::default()
}

/// A service without sockets tells nobody the time.
pub const fn no_time(_: Timestamp) -> Option<String> {
    None
}

/// A message on its way in.
pub fn message(message: consumer::Message) -> Message {
    let consumer::Message { id, source, topic, key, time, body } = message;
    Message { id, source, topic, key, time, body }
}

/// The jobs of a service that has none.
pub async fn no_jobs<P>(_ports: &P, job: &str, _slot: Timestamp) -> Result<(), String> {
    Err(format!("there is no job {job}"))
}

/// What became of it on its way out.
pub fn delivered(delivery: Delivery) -> consumer::Outcome {
    match delivery {
        Delivery::Ack => consumer::Outcome::Ack,
        Delivery::Retry(why) => consumer::Outcome::Retry(why),
    }
}
