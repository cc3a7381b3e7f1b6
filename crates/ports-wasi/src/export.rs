//! Exports: [`export_service!`](crate::export_service) and the conversions that it expands to.

use ports::{Delivery, Message};

use crate::bindings::exports::ecomauction::edge::{consumer, http};

/// Exports a service as `ecomauction:edge` handlers. The functions are generic over the ports:
/// `async fn handle(&P, web::Request) -> web::Response`, `async fn consume(&P, Vec<Message>) ->
/// Vec<Delivery>`, `async fn migrate(&P) -> Result<(), String>`.
#[macro_export]
macro_rules! export_service {
    ($handle:path, $consume:path, $migrate:path) => {
        struct Component;

        impl $crate::bindings::exports::ecomauction::edge::http::Guest for Component {
            fn handle(
                request: $crate::bindings::exports::ecomauction::edge::http::Request,
            ) -> $crate::bindings::exports::ecomauction::edge::http::Response {
                $crate::said($crate::ready($handle(&$crate::WasiPorts, $crate::heard(request))))
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
    let consumer::Message { id, topic, key, body } = message;
    Message { id, topic, key, body }
}

/// What became of it on its way out.
pub fn delivered(delivery: Delivery) -> consumer::Outcome {
    match delivery {
        Delivery::Ack => consumer::Outcome::Ack,
        Delivery::Retry(why) => consumer::Outcome::Retry(why),
    }
}
