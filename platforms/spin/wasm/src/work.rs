//! What waits, exported.

use ports::{Delivery, Message};

use crate::Component;
use crate::bindings::exports::ecomauction::edge::work;
use crate::instance::{edge, note};

impl work::Guest for Component {
    fn next() -> Option<work::Lease> {
        let leased = edge(|why| why, |edge| edge.next_work().map_err(|error| error.to_string()));
        let leased = leased.inspect_err(|why| note(why)).ok()??;
        let task = match leased.task {
            edge::Task::Consume(batch) => {
                work::Task::Consume(batch.into_iter().map(message).collect())
            }
            edge::Task::Run { job, at } => work::Task::Run(work::Slot { job, at: at.as_ms() }),
        };
        Some(work::Lease { id: leased.id, task })
    }

    fn settle(lease: String, outcomes: Vec<work::Outcome>) {
        let outcomes: Vec<_> = outcomes.into_iter().map(delivery).collect();
        let settled = edge(
            |why| why,
            |edge| edge.settle_work(&lease, &outcomes).map_err(|error| error.to_string()),
        );
        // What is not settled comes again when its lease is over.
        let _ = settled.inspect_err(|why| note(why));
    }

    fn others() -> Vec<work::Call> {
        let others = edge(|why| why, |edge| edge.others().map_err(|error| error.to_string()));
        // Who is not told looks by itself at its next request.
        let others = others.inspect_err(|why| note(why)).unwrap_or_default().into_iter();
        others.map(|edge::Call { url, token }| work::Call { url, token }).collect()
    }

    fn operate(method: String, target: String, body: Vec<u8>) -> Result<Vec<u8>, work::Refusal> {
        let unavailable = |detail| edge::Refusal { status: 503, code: "unavailable", detail };
        let answer = edge(unavailable, |edge| edge.operate(&method, &target, &body));
        answer.map_err(|edge::Refusal { status, code, detail }| {
            let code = code.to_owned();
            work::Refusal { status, code, detail }
        })
    }

    fn obstacle() -> Option<String> {
        // An edge that cannot be opened is another matter: every port says so by itself.
        edge(|why| why, |edge| Ok(edge.obstacle())).ok().flatten()
    }

    fn admits(token: String) -> bool {
        edge(|why| why, |edge| Ok(edge.admits(&token)))
            .inspect_err(|why| note(why))
            .is_ok_and(|is| is)
    }
}

fn message(message: Message) -> work::Message {
    let Message { id, source, topic, key, time, body } = message;
    work::Message { id, source, topic, key, time, body }
}

fn delivery(outcome: work::Outcome) -> Delivery {
    match outcome {
        work::Outcome::Ack => Delivery::Ack,
        work::Outcome::Retry(why) => Delivery::Retry(why),
    }
}
