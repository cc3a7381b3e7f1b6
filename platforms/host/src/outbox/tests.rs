//! What the outbox promises.

use super::*;

fn outbox(compact: bool) -> Outbox {
    Outbox::new(std::iter::once(("c".to_owned(), Consumer::new("t", compact))))
}

fn push(outbox: &Outbox, position: u64, key: &str, is_durable: IsDurable<'_>) {
    let sending = Sending { position, machine: &"m".into(), time: 7 };
    outbox.push(sending, &send(key), is_durable);
}

fn send(key: &str) -> Vec<Effect> {
    vec![Effect::Send { topic: "t".to_owned(), key: key.to_owned(), body: Vec::new() }]
}

fn positions(batch: &[Message]) -> Vec<u64> {
    batch.iter().map(|message| message.position).collect()
}

#[test]
fn a_lost_record_takes_its_own_message_along_and_no_other() {
    let outbox = outbox(false);
    (1..=3).for_each(|position| push(&outbox, position, "k", &|_| false));
    let queue = &outbox.queues()[0];
    assert_eq!(outbox.published(3, &[], &|position| position == 3), 2);
    assert_eq!(outbox.published(3, &[], &|_| false), 3, "no mark stands at a lost record");
    let batch = queue.sift(queue.take(10), &|position| position != 2);
    assert_eq!(positions(&batch), [1, 3]);
    queue.done(&batch);
    assert_eq!(outbox.len(), 0);
}

#[test]
fn a_lost_message_does_not_take_the_one_before_it_along() {
    let outbox = outbox(true);
    let is_durable = |position| position == 1 || position == 4;
    (1..=3).for_each(|position| push(&outbox, position, "a", &is_durable));
    let queue = &outbox.queues()[0];
    let batch = queue.sift(queue.take(1), &is_durable);
    assert_eq!(positions(&batch), [1]);
    push(&outbox, 4, "a", &is_durable);
    push(&outbox, 5, "a", &is_durable);
    queue.again(batch);
    assert_eq!(outbox.settled(4, &is_durable), 0);
    assert_eq!(positions(&queue.sift(queue.take(1), &is_durable)), [4]);
}

#[test]
fn what_is_not_acknowledged_comes_again_in_its_order() {
    let outbox = outbox(false);
    (1..=4).for_each(|position| push(&outbox, position, "k", &|_| true));
    let queue = &outbox.queues()[0];
    let batch = queue.take(3);
    queue.again(batch);
    assert_eq!(positions(&queue.take(10)), [1, 2, 3, 4]);
}

#[test]
fn a_mark_never_passes_a_message_that_waits_or_flies() {
    let outbox = outbox(true);
    push(&outbox, 5, "a", &|_| true);
    push(&outbox, 9, "b", &|_| true);
    let settled = || outbox.settled(20, &|_| true);
    assert_eq!(settled(), 4);
    let queue = &outbox.queues()[0];
    let batch = queue.take(1);
    assert_eq!((positions(&batch), settled()), (vec![5], 4));
    queue.done(&batch);
    assert_eq!(settled(), 8);
    queue.done(&queue.take(1));
    assert_eq!(settled(), 20);
}

#[test]
fn a_mark_never_passes_a_message_that_is_put_back() {
    let outbox = outbox(false);
    (1..=64).for_each(|position| push(&outbox, position, "k", &|_| true));
    let queue = &outbox.queues()[0];
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            (0..20_000).for_each(|_| queue.again(queue.take(64)));
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
            assert_eq!(outbox.published(64, &[], &|_| true), 0);
        }
    });
}

#[tokio::test]
async fn messages_for_the_bus_wait_for_company_and_a_crowd_does_not() {
    let outbox = outbox(false);
    let queue = &outbox.queues()[0];
    push(&outbox, 1, "k", &|_| true);
    let started = Instant::now();
    let gathering = queue.batch(CROWD);
    let coming = async {
        tokio::task::yield_now().await;
        push(&outbox, 2, "k", &|_| true);
    };
    let (batch, ()) = tokio::join!(gathering, coming);
    assert_eq!(positions(&batch), [1, 2]);
    assert!(started.elapsed() >= Duration::from_millis(BUS_LINGER_MS));
    (1..=CROWD as u64).for_each(|position| push(&outbox, position, "k", &|_| true));
    let waker = std::task::Waker::noop();
    let mut gathering = Box::pin(queue.batch(CROWD));
    let polled = gathering.as_mut().poll(&mut std::task::Context::from_waker(waker));
    assert!(polled.is_ready(), "it is enough");
}

#[test]
fn a_compacting_queue_keeps_the_newest_message_of_a_key() {
    let outbox = outbox(true);
    push(&outbox, 1, "a", &|_| true);
    push(&outbox, 2, "a", &|_| true);
    let queue = &outbox.queues()[0];
    assert_eq!(positions(&queue.sift(queue.take(10), &|_| true)), [2]);
    assert_eq!(outbox.settled(2, &|position| position == 2), 1);
}

#[test]
fn the_bus_gets_a_message_once_however_many_take_it() {
    let consumers = ["a", "b", "c"].map(|id| (id.to_owned(), Consumer::new("t", id == "c")));
    let outbox = Outbox::new(consumers.into_iter());
    push(&outbox, 3, "k", &|_| true);
    let takers: Vec<&Taker> = outbox.queues().iter().map(|queue| &queue.taker).collect();
    assert_eq!(takers, [&Taker::Bus, &Taker::Component("c".to_owned())]);
    for queue in outbox.queues() {
        let event = queue.take(10)[0].event(queue.topic());
        let expected = Event {
            id: "3-0".to_owned(),
            source: "/machines/m".to_owned(),
            topic: "t".to_owned(),
            key: "k".to_owned(),
            time: 7,
            body: Vec::new(),
        };
        assert_eq!(event, expected);
    }
}

#[test]
fn the_bus_and_the_components_have_marks_of_their_own() {
    let consumers = [true, false].map(|compact| ("c".to_owned(), Consumer::new("t", compact)));
    let outbox = Outbox::new(consumers.into_iter());
    let again = |position| {
        let sending = Sending { position, machine: &"m".into(), time: 7 };
        outbox.push_again(sending, &send("k"), Marks { settled: 5, published: 3 });
    };
    (2..=6).for_each(again);
    let [component, bus] = outbox.queues() else { panic!("two queues") };
    assert_eq!(component.taker, Taker::Component("c".to_owned()));
    assert_eq!(positions(&component.take(10)), [6]);
    let batch = bus.take(2);
    assert_eq!(positions(&batch), [4, 5]);
    assert_eq!(outbox.settled(9, &|_| true), 5);
    assert_eq!(outbox.published(9, &[], &|_| true), 3);
    assert_eq!(outbox.published(9, &batch, &|_| true), 5);
}
