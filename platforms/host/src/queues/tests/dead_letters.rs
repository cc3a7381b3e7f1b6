//! Dead letters: how a message becomes one, and how it comes back.

use super::*;

#[tokio::test]
async fn what_is_refused_too_often_is_a_dead_letter_with_its_history() {
    let bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "a")]).await;
    for _ in 0..3 {
        let (ids, taken) = bench.take().await;
        assert_eq!(ids, ["1"]);
        bench.settle(&taken, &bench.refused()).await;
        bench.pass(10);
    }
    assert_eq!(bench.take().await.0, ["2"], "the next of its key is free");
    let dead = bench.dead().await;
    let expected = DeadLetter {
        seq: 1,
        event: event("1", "a"),
        receives: 3,
        redrives: 0,
        first_at: Some(1_000_000),
        last_at: Some(1_000_020),
        error: Some("not today".to_owned()),
        dead_at: 1_000_020,
    };
    assert_eq!(dead, [expected]);
    let stats = bench.stats().await;
    assert_eq!((stats.depth, stats.in_flight, stats.dead), (1, 1, 1));
    assert_eq!((stats.retried, stats.died), (2, 1));
}

#[tokio::test]
async fn a_redrive_returns_each_once_and_keeps_id_and_history() {
    let bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "b"), ("3", "c")]).await;
    bench.refuse_all().await;
    let chosen = Which::Ids(vec!["2".to_owned(), "2".to_owned(), "unknown".to_owned()]);
    assert_eq!(bench.queues().redrive("q", chosen.clone()).await.unwrap(), Some(1));
    assert_eq!(bench.queues().redrive("q", chosen).await.unwrap(), Some(0));
    assert_eq!(bench.queues().redrive("q", Which::All).await.unwrap(), Some(2));
    assert_eq!(bench.queues().redrive("q", Which::All).await.unwrap(), Some(0));
    assert_eq!(bench.dead().await, []);
    let (ids, taken) = bench.take().await;
    assert_eq!(ids, ["2", "1", "3"]);
    assert_eq!(taken.messages[0].receives, 4, "the history goes on");
    bench.settle(&taken, &bench.refused()).await;
    bench.refuse_all().await;
    let dead = bench.dead().await;
    assert_eq!(
        dead.iter().map(|dead| (dead.receives, dead.redrives)).collect::<Vec<_>>(),
        [(6, 1), (6, 1), (6, 1)]
    );
    assert_eq!(dead[0].first_at, Some(1_000_000));
    let stats = bench.stats().await;
    assert_eq!((stats.depth, stats.dead, stats.died, stats.redriven), (0, 3, 6, 3));
    assert_eq!(bench.queues().redrive("nobody", Which::All).await.unwrap(), None);
}

#[tokio::test]
async fn a_redrive_of_nothing_disturbs_no_other_queue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.db");
    let open = || {
        let names = ["a", "b"].map(str::to_owned);
        Queues::open(&path, names, Arc::new(crate::clock::System)).unwrap()
    };
    let queues = open();
    let push = async |id: &str| {
        queues.push(vec![("b".to_owned(), event(id, id))], None).await.unwrap();
    };
    push("1").await;
    push("2").await;
    assert_eq!(queues.redrive("a", Which::All).await.unwrap(), Some(0));
    push("3").await;
    push("4").await;
    drop(queues);
    let taken = open().take("b", Taking { limit: 10, ..TAKING }).await.unwrap();
    let ids: Vec<&str> = taken.messages.iter().map(|message| message.event.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_redrive_loses_and_doubles_nothing() {
    let mut bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "b"), ("3", "c")]).await;
    bench.refuse_all().await;
    bench.queues = None;
    let path = bench.folder.path().join("queues.db");
    let file = store::open(&path).unwrap();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let id = dead::find(&file, "q").unwrap().unwrap();
    assert_eq!(dead::redrive(&file, id, &Which::All, 7).unwrap(), 3);
    // What the dead process leaves behind, as it lies on the disk.
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(bench.folder.path()).unwrap().flatten() {
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    drop(file);
    bench.folder = copy;
    bench.restart();
    let stats = bench.stats().await;
    assert_eq!((stats.depth, stats.dead, stats.redriven), (0, 3, 0));
    assert_eq!(bench.queues().redrive("q", Which::All).await.unwrap(), Some(3));
    bench.restart();
    assert_eq!((bench.stats().await.depth, bench.dead().await.len()), (3, 0));
}

#[tokio::test]
async fn a_purge_deletes_dead_letters_alone() {
    let bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "b")]).await;
    bench.refuse_all().await;
    bench.push(&[("3", "c")]).await;
    let one = Which::Ids(vec!["1".to_owned()]);
    assert_eq!(bench.queues().purge("q", one).await.unwrap(), Some(1));
    assert_eq!(bench.dead().await.len(), 1);
    assert_eq!(bench.queues().purge("q", Which::All).await.unwrap(), Some(1));
    assert_eq!(bench.queues().purge("other", Which::All).await.unwrap(), Some(0));
    let stats = bench.stats().await;
    assert_eq!((stats.depth, stats.dead, stats.purged), (1, 0, 2));
}

#[tokio::test]
async fn dead_letters_are_read_in_pages() {
    let bench = Bench::new();
    bench.push(&[("1", "a"), ("2", "b"), ("3", "c")]).await;
    bench.refuse_all().await;
    let page = async |after, limit| bench.queues().dead_letters("q", after, limit).await;
    let first = page(0, 2).await.unwrap().unwrap();
    let second = page(first[1].seq, 2).await.unwrap().unwrap();
    let ids = first.iter().chain(&second).map(|dead| dead.event.id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(page(second[0].seq, 2).await.unwrap().unwrap(), []);
    assert!(bench.queues().dead_letters("nobody", 0, 1).await.unwrap().is_none());
}
