//! What a queue promises.

mod dead_letters;

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

/// A clock that tests turn.
pub(super) struct Clock(pub(super) AtomicI64);

impl World for Clock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn fill(&self, _bytes: &mut [u8]) -> std::io::Result<()> {
        Ok(())
    }
}

/// One queue over a file that lives as long as this.
struct Bench {
    folder: tempfile::TempDir,
    clock: Arc<Clock>,
    queues: Option<Queues>,
}

pub(super) const TAKING: Taking =
    Taking { limit: 10, visibility_ms: 1_000, max_receives: 3, suspects: true };

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(Clock(AtomicI64::new(1_000_000)));
        let mut bench = Self { folder: tempfile::tempdir().unwrap(), clock, queues: None };
        bench.restart();
        bench
    }

    fn restart(&mut self) {
        self.queues = None;
        let world = Arc::clone(&self.clock) as Arc<dyn World>;
        let names = ["q".to_owned(), "other".to_owned()];
        self.queues =
            Some(Queues::open(&self.folder.path().join("queues.db"), names, world).unwrap());
    }

    fn queues(&self) -> &Queues {
        self.queues.as_ref().unwrap()
    }

    fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    async fn push(&self, messages: &[(&str, &str)]) {
        let batch = messages.iter().map(|(id, key)| ("q".to_owned(), event(id, key)));
        self.queues().push(batch.collect(), None).await.unwrap();
    }

    /// Ids of what can be taken, and the taking.
    async fn take(&self) -> (Vec<String>, Taken) {
        let taken = self.queues().take("q", TAKING).await.unwrap();
        (taken.messages.iter().map(|message| message.event.id.clone()).collect(), taken)
    }

    async fn settle(&self, taken: &Taken, verdict: &Verdict) {
        let verdicts = taken.messages.iter().map(|message| (message.seq, verdict.clone()));
        let (lease, max) = (taken.lease, TAKING.max_receives);
        self.queues().settle("q", lease, max, verdicts.collect()).await.unwrap();
    }

    /// Takes and refuses until nothing is left to take.
    async fn refuse_all(&self) {
        loop {
            let (ids, taken) = self.take().await;
            if ids.is_empty() {
                return;
            }
            self.settle(&taken, &self.refused()).await;
        }
    }

    fn refused(&self) -> Verdict {
        Verdict::Refused { why: "not today".to_owned(), at: self.clock.now_ms() }
    }

    async fn stats(&self) -> Stats {
        let stats = self.queues().stats().await.unwrap();
        stats.into_iter().find(|stats| stats.name == "q").unwrap()
    }

    async fn dead(&self) -> Vec<DeadLetter> {
        self.queues().dead_letters("q", 0, 100).await.unwrap().unwrap()
    }
}

pub(super) fn event(id: &str, key: &str) -> Event {
    Event {
        id: id.to_owned(),
        source: "/machines/m".to_owned(),
        topic: "t".to_owned(),
        key: key.to_owned(),
        time: 5,
        body: format!("{{\"id\":\"{id}\"}}").into_bytes(),
    }
}

#[tokio::test]
async fn a_taken_message_is_hidden_until_its_time_is_over_and_gone_when_acknowledged() {
    let bench = Bench::new();
    bench.push(&[("1", "a")]).await;
    let (ids, first) = bench.take().await;
    assert_eq!(ids, ["1"]);
    bench.pass(999);
    let (ids, nothing) = bench.take().await;
    assert_eq!((ids.len(), nothing.next_at), (0, Some(1_001_000)));
    bench.pass(1);
    let (ids, second) = bench.take().await;
    assert_eq!(ids, ["1"]);
    assert_eq!(second.messages[0].receives, 2);
    // Who held it before has nothing to say any more.
    bench.settle(&first, &Verdict::Done).await;
    assert_eq!(bench.stats().await.depth, 1);
    bench.settle(&second, &Verdict::Done).await;
    let stats = bench.stats().await;
    assert_eq!((stats.depth, stats.delivered, stats.oldest_at), (0, 1, None));
    bench.pass(10_000);
    assert_eq!(bench.take().await.1.next_at, None);
}

#[tokio::test]
async fn a_key_keeps_its_order_and_holds_no_other_up() {
    let bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "a"), ("3", "b"), ("4", "c"), ("5", "a")]).await;
    let (ids, taken) = bench.take().await;
    assert_eq!(ids, ["1", "3", "4"], "the oldest of each key");
    assert_eq!(bench.take().await.0.len(), 0, "its key is held");
    let at = 1_000_500;
    let verdicts = taken.messages.iter().map(|message| {
        let refused = Verdict::Refused { why: "later".to_owned(), at };
        (message.seq, if message.event.key == "a" { refused } else { Verdict::Done })
    });
    bench.queues().settle("q", taken.lease, 3, verdicts.collect()).await.unwrap();
    bench.push(&[("6", "b"), ("7", "a")]).await;
    assert_eq!(bench.take().await.0, ["6"], "`a` waits for its oldest");
    bench.pass(500);
    for expected in ["1", "2", "5", "7"] {
        let (ids, taken) = bench.take().await;
        assert_eq!(ids, [expected]);
        bench.settle(&taken, &Verdict::Done).await;
    }
}

#[tokio::test]
async fn who_never_answers_is_a_dead_letter_too_but_not_for_its_company() {
    let bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "b")]).await;
    let mut seen = vec![bench.take().await.0];
    for _ in 0..5 {
        bench.pass(1_000);
        let (ids, taken) = bench.take().await;
        if ids == ["2"] {
            bench.settle(&taken, &Verdict::Done).await;
        }
        seen.push(ids);
    }
    assert_eq!(seen, [vec!["1", "2"], vec!["1"], vec!["2"], vec!["1"], vec![], vec![]]);
    let dead = bench.dead().await;
    assert_eq!((dead.len(), dead[0].receives), (1, 3));
    assert!(dead[0].error.as_ref().unwrap().contains("visibility"), "{dead:?}");
}

#[tokio::test]
async fn what_may_have_broken_its_batch_travels_alone() {
    let bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "b")]).await;
    let (_, taken) = bench.take().await;
    bench.settle(&taken, &Verdict::Unclear { why: "trap".to_owned() }).await;
    bench.push(&[("3", "c")]).await;
    let clean = Taking { suspects: false, ..TAKING };
    let others = bench.queues().take("q", clean).await.unwrap();
    assert_eq!(others.messages[0].event.id, "3");
    let (ids, first) = bench.take().await;
    assert_eq!(ids, ["1"]);
    let at = bench.clock.now_ms() + 100;
    bench.settle(&first, &Verdict::Broke { why: "trap".to_owned(), at }).await;
    assert_eq!(bench.take().await.0, ["2"], "a neighbour waits for nobody");
}

#[tokio::test]
async fn the_same_message_is_put_into_a_queue_once() {
    let bench = Bench::new();
    bench.push(&[("1", "a"), ("1", "a")]).await;
    bench.push(&[("1", "a")]).await;
    assert_eq!(bench.stats().await.depth, 1);
    bench.refuse_all().await;
    bench.push(&[("1", "a")]).await;
    let stats = bench.stats().await;
    assert_eq!((stats.depth, stats.dead), (0, 1), "nor beside its dead letter");
}

#[tokio::test]
async fn a_batch_comes_whole_or_not_at_all() {
    let bench = Bench::new();
    let batch = vec![("q".to_owned(), event("1", "a")), ("nobody".to_owned(), event("1", "a"))];
    assert!(bench.queues().push(batch, Some(7)).await.is_err());
    assert_eq!((bench.stats().await.depth, bench.queues().published().unwrap()), (0, None));
}

#[tokio::test]
async fn a_restart_ends_leases_and_forgets_nothing() {
    let mut bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "b"), ("3", "c")]).await;
    let taken = bench.queues().take("q", Taking { limit: 2, ..TAKING }).await.unwrap();
    let acknowledged = vec![(taken.messages[0].seq, Verdict::Done)];
    bench.queues().settle("q", taken.lease, 3, acknowledged).await.unwrap();
    bench.restart();
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.extend(bench.take().await.0);
    }
    ids.sort();
    assert_eq!(ids, ["2", "3"]);
}

#[tokio::test]
async fn a_start_waits_for_no_clock_that_ran_ahead() {
    let mut bench = Bench::new();
    bench.push(&[("1", "a")]).await;
    // Little enough that nobody would call it a step.
    bench.pass(-60_000);
    bench.restart();
    assert_eq!(bench.take().await.0, ["1"]);
}

#[tokio::test]
async fn a_writer_that_dies_keeps_nobody_waiting() {
    let bench = Bench::new();
    let writer = &bench.queues().writer;
    let died = writer.ask(|_, _| -> rusqlite::Result<()> { panic!("asked to panic") });
    assert!(died.await.is_err());
    assert!(bench.queues().push(vec![("q".to_owned(), event("1", "a"))], None).await.is_err());
    assert!(bench.queues().stats().await.is_err());
}

#[tokio::test]
async fn a_clock_that_is_turned_back_hides_nothing_for_long() {
    let bench = Bench::new();
    bench.push(&[("1", "a")]).await;
    bench.pass(-10_000_000);
    assert_eq!(bench.take().await.0, ["1"]);
}

#[tokio::test]
async fn a_crowd_behind_one_key_costs_the_others_nothing() {
    let bench = Bench::new();
    let crowd: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    let crowd: Vec<(&str, &str)> = crowd.iter().map(|id| (id.as_str(), "poison")).collect();
    bench.push(&crowd).await;
    bench.push(&[("x", "b")]).await;
    let began = std::time::Instant::now();
    assert_eq!(bench.take().await.0, ["0", "x"]);
    for n in 0..50 {
        let id = format!("y{n}");
        bench.push(&[(&id, "c")]).await;
        let (ids, taken) = bench.take().await;
        assert_eq!(ids, [id]);
        bench.settle(&taken, &Verdict::Done).await;
    }
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_slot_begins_once_over_all_lives() {
    let mut bench = Bench::new();
    assert_eq!(bench.queues().last_slot("c", "j").await.unwrap(), 1_000_000, "no past");
    bench.pass(5_000);
    assert!(bench.queues().begin_slot("c", "j", 1_002_000).await.unwrap());
    bench.restart();
    assert!(!bench.queues().begin_slot("c", "j", 1_002_000).await.unwrap());
    assert!(!bench.queues().begin_slot("c", "j", 1_001_000).await.unwrap());
    assert_eq!(bench.queues().last_slot("c", "j").await.unwrap(), 1_002_000);
    assert_eq!(bench.queues().last_slot("c", "other").await.unwrap(), 1_005_000);
}

#[tokio::test]
async fn the_mark_of_the_journal_is_kept_with_the_messages_and_never_falls() {
    let mut bench = Bench::new();
    for (id, through, expected) in [("1", Some(7), 7), ("2", None, 7), ("3", Some(5), 7)] {
        let batch = vec![("q".to_owned(), event(id, "a"))];
        bench.queues().push(batch, through).await.unwrap();
        bench.restart();
        assert_eq!(bench.queues().published().unwrap(), Some(expected));
    }
    bench.queues().push(vec![], Some(9)).await.unwrap();
    assert_eq!(bench.queues().published().unwrap(), Some(9));
}
