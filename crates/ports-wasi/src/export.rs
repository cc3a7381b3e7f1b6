//! Exports: [`export_service!`](crate::export_service) and the conversions that it expands to.

use kernel::Timestamp;
use ports::{Delivery, Message};

use crate::bindings::exports::ecomauction::edge::{consumer, http};

/// Exports a service as `ecomauction:edge` handlers. The functions are generic over the ports:
/// `async fn handle(&P, web::Request) -> web::Response`, `async fn consume(&P, Vec<Message>) ->
/// Vec<Delivery>`, `async fn migrate(&P) -> Result<(), String>`, and where there are jobs `async fn
/// run(&P, &str, Timestamp) -> Result<(), String>`.
#[macro_export]
macro_rules! export_service {
    ($handle:path, $consume:path, $migrate:path) => {
        $crate::export_service!($handle, $consume, $migrate, $crate::no_jobs);
    };
    ($handle:path, $consume:path, $migrate:path, $run:path) => {
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
                    consume: |batch| $crate::ready($consume(&$crate::WasiPorts, batch)),
                    run: |job, slot| $crate::ready($run(&$crate::WasiPorts, job, slot)),
                };
                $crate::streamed(request, service).await
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
    }
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
