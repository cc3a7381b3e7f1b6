use std::panic::{AssertUnwindSafe, catch_unwind};

use kernel::{ChainHead, Timestamp};
use ports::{PublicEvent, Sql as _, Value, contract, ready};

use super::*;
use crate::outbox::Outbox;
use crate::testing::{Death, File, Here, Site};
use crate::world::Connection;

type Replied = Result<String, EntityError>;

fn call(edge: &Edge<Here>, key: &str, id: &str, body: &str) -> Replied {
    let reply = ready(edge.call("counter", key, id, None, body.as_bytes().to_vec()))?;
    Ok(serde_json::from_slice(&reply).unwrap())
}

fn add(edge: &Edge<Here>, key: &str, id: &str) -> Replied {
    call(edge, key, id, r#"{"add":1}"#)
}

fn ring(edge: &Edge<Here>, key: &str, at: &[i64]) {
    call(edge, key, "ring", &format!(r#"{{"ring":{at:?}}}"#)).unwrap();
}

/// The total, and when it rang.
fn ask(edge: &Edge<Here>, key: &str) -> Result<(u64, Vec<i64>), EntityError> {
    let question = b"\"all\"".to_vec();
    let answer = ready(Entities::query(edge, "counter", key, None, question))?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

fn events(edge: &Edge<Here>, key: &str, after: u64, limit: u32) -> Vec<PublicEvent> {
    ready(edge.events("counter", key, after, limit)).unwrap()
}

/// Panics unless the log of an entity is gap-free and chained; how long it is.
fn chained(edge: &Edge<Here>, key: &str) -> usize {
    let log = events(edge, key, 0, u32::MAX);
    let mut head = ChainHead::genesis(key);
    for (seq, event) in (1..).zip(&log) {
        assert_eq!((event.seq, event.prev.as_slice()), (seq, &head.digest().as_bytes()[..]));
        head = head.extend(&event.public);
        assert_eq!(event.head, head.digest().as_bytes());
    }
    log.len()
}

/// Writes what it gets into a table.
struct Noted;

impl Outbox<File> for Noted {
    fn send(&self, file: &File, messages: Vec<Sent>, now: Timestamp) -> Result<(), StoreError> {
        for Sent { id, source, topic, key, body, .. } in messages {
            let sql = "insert into noted (id, source, topic, key, body, at) \
                       values (?1, ?2, ?3, ?4, ?5, ?6)";
            let cells = [id, source, topic, key].map(Value::from);
            let rest = [body.into(), now.as_ms().into()];
            file.execute(sql, &cells.into_iter().chain(rest).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

fn noting(site: &Site) -> Edge<Here> {
    let mut edge = site.edge();
    edge.outbox = Box::new(Noted);
    site.run(
        "create table if not exists noted (id text primary key, source text, topic text, \
         key text, body blob, at integer)",
    );
    edge
}

#[test]
fn entities_and_randomness_keep_the_contract() {
    let edge = Site::new().edge();
    ready(contract::entities(&edge));
    contract::random(&edge);
}

#[test]
fn a_command_is_answered_logged_and_remembered() {
    let site = Site::new();
    let edge = site.edge();
    assert_eq!(add(&edge, "k", "a"), Ok("1".to_owned()));
    assert_eq!(add(&edge, "k", "b"), Ok("2".to_owned()));
    assert_eq!(add(&site.edge(), "k", "a"), Ok("again".to_owned()));
    assert_eq!(ask(&edge, "k"), Ok((2, vec![])));
    assert_eq!(ask(&edge, "never seen"), Ok((0, vec![])));
    assert_eq!(chained(&edge, "k"), 2);
    assert_eq!(events(&edge, "k", 1, 5).len(), 1);
    assert_eq!(events(&edge, "k", 0, 1).len(), 1);
    assert_eq!(events(&edge, "k", u64::MAX, 5), []);
}

#[test]
fn what_is_refused_writes_nothing() {
    let site = Site::new();
    let edge = site.edge();
    assert_eq!(call(&edge, "k", "a", r#"{"add":0}"#), Ok("nothing to add".to_owned()));
    assert!(call(&edge, "k", "a", "nonsense").unwrap().contains("expected"));
    assert_eq!(site.number("select count(*) from edge_entities"), 0);
    assert_eq!(site.number("select count(*) from edge_events"), 0);
}

#[test]
fn a_machine_that_is_granted_but_not_linked_in_is_a_fault() {
    let mut edge = Site::new().edge();
    edge.grants.entities.insert("other".to_owned());
    let reply = ready(edge.call("other", "k", "a", None, Vec::new()));
    assert!(matches!(reply, Err(EntityError::MachineFault(_))), "{reply:?}");
}

#[test]
fn instances_that_alternate_see_each_others_events() {
    let site = Site::new();
    let (left, right) = (site.edge(), site.edge());
    for n in 0..50_u64 {
        let edge = if n % 2 == 0 { &left } else { &right };
        assert_eq!(add(edge, "k", &n.to_string()), Ok((n + 1).to_string()));
        assert_eq!(ask(&left, "k"), Ok((n + 1, vec![])));
        assert_eq!(ask(&right, "k"), Ok((n + 1, vec![])));
    }
    assert_eq!(chained(&left, "k"), 50);
}

#[test]
fn an_entity_is_loaded_from_its_snapshot_and_a_bounded_tail() {
    let site = Site::new();
    for n in 0..80_u64 {
        add(&site.edge(), "k", &n.to_string()).unwrap();
        let tail = site.number("select seq - snapshot_seq from edge_entities");
        assert!(tail.unsigned_abs() < log::SNAPSHOT_EVERY, "{tail} events after the snapshot");
    }
    site.run("delete from edge_events where seq <= 32");
    assert_eq!(ask(&site.edge(), "k"), Ok((80, vec![])), "old events are not needed");
}

#[test]
fn a_snapshot_of_another_version_is_made_again_from_the_log() {
    let site = Site::new();
    for n in 0..40_u64 {
        add(&site.edge(), "k", &n.to_string()).unwrap();
    }
    site.run("update edge_snapshots set snapshot = x'07'");
    assert_eq!(add(&site.edge(), "k", "next"), Ok("41".to_owned()));
    site.run("delete from edge_snapshots");
    assert_eq!(ask(&site.edge(), "k"), Ok((41, vec![])));
}

#[test]
fn a_log_that_does_not_fit_is_a_fault_and_stays_as_it_is() {
    let site = Site::new();
    for n in 0..3 {
        add(&site.edge(), "k", &n.to_string()).unwrap();
    }
    site.run("update edge_events set fact = x'00' where seq = 2");
    let edge = site.edge();
    for _ in 0..2 {
        assert!(matches!(add(&edge, "k", "x"), Err(EntityError::MachineFault(_))));
        assert!(matches!(ask(&edge, "k"), Err(EntityError::MachineFault(_))));
    }
    assert_eq!(site.number("select max(seq) from edge_events"), 3);
}

#[test]
fn sixteen_instances_at_once_lose_nothing_and_refuse_nobody() {
    let site = Site::new();
    site.edge();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let site = &site;
            scope.spawn(move || {
                let edge = site.edge();
                for n in 0..8 {
                    add(&edge, "k", &format!("{thread}/{n}")).unwrap();
                }
            });
        }
    });
    let edge = site.edge();
    assert_eq!(ask(&edge, "k"), Ok((128, vec![])));
    assert_eq!(chained(&edge, "k"), 128);
}

#[test]
fn an_instance_that_dies_before_the_commit_leaves_nothing_behind() {
    for how in [Death::Failing, Death::Panic] {
        let mut said = false;
        for after in 0..30 {
            let site = Site::new();
            let edge = noting(&site);
            ring(&edge, "k", &[2_000]);
            add(&edge, "k", "before").unwrap();
            site.clock(2_000);
            edge.world.death.set(Some((after, how)));
            let reply = catch_unwind(AssertUnwindSafe(|| add(&edge, "k", "dies")));
            said = matches!(reply, Ok(Ok(_)));
            let (length, notes) = if said { (4, 4) } else { (2, 2) };
            assert_eq!(chained(&site.edge(), "k"), length, "{how:?} after {after}");
            assert_eq!(site.number("select count(*) from noted"), notes, "{how:?} after {after}");
            let total = if said { 2 } else { 1 };
            edge.world.death.set(None);
            if how == Death::Failing {
                assert_eq!(add(&edge, "k", "then"), Ok((total + 1).to_string()), "it goes on");
            }
            drop(edge);
            let length = if how == Death::Failing { length.max(3) + 1 } else { length };
            assert_eq!(chained(&site.edge(), "k"), length, "{how:?} after {after}");
            assert_eq!(add(&noting(&site), "k", "last").map(|_| ()), Ok(()));
            assert_eq!(ask(&site.edge(), "k").unwrap().1, [2_000], "it rang once");
            if said {
                break;
            }
        }
        assert!(said, "thirty statements are enough");
    }
}

#[test]
fn messages_are_durable_with_the_decision_and_have_stable_ids() {
    let site = Site::new();
    let edge = noting(&site);
    add(&edge, "k", "a").unwrap();
    add(&edge, "k", "a").unwrap();
    call(&edge, "k", "b", r#"{"add":0}"#).unwrap();
    add(&edge, "k", "c").unwrap();
    let text = |row: &Vec<Value>| row[0].as_text().unwrap().to_owned();
    let ids: Vec<_> = site.run("select id from noted order by id").iter().map(text).collect();
    assert_eq!(ids, ["counter/k/1/0", "counter/k/2/0"]);
    let sql = "select distinct source || ' ' || topic || ' ' || key || ' ' || at from noted";
    assert_eq!(site.run(sql), [["/machines/counter counted.v1 k 1000".into()]]);
    // A message that cannot be written down takes its decision with it.
    site.run("create trigger refuse before insert on noted begin select raise(abort, 'no'); end");
    assert!(matches!(add(&edge, "k", "d"), Err(EntityError::Unavailable(_))));
    assert_eq!(chained(&edge, "k"), 2);
    site.run("drop trigger refuse");
    assert_eq!(add(&edge, "k", "d"), Ok("3".to_owned()), "memory did not keep what was undone");
}

#[test]
fn messages_of_a_batch_go_with_it() {
    let site = Site::new();
    let edge = noting(&site);
    let outgoing =
        || ports::Outgoing { topic: "probe.v1", key: "k".to_owned(), body: b"{}".to_vec() };
    let create = ports::Statement::new("CREATE TABLE probe_t (id INTEGER PRIMARY KEY)", []);
    let insert = ports::Statement::new("INSERT INTO probe_t VALUES (1)", []);
    ready(edge.batch_and_send(vec![create, insert.clone()], vec![outgoing(), outgoing()])).unwrap();
    assert!(ready(edge.batch_and_send(vec![insert], vec![outgoing()])).is_err());
    let sql = "select count(distinct id), min(length(id)), min(source) from noted";
    assert_eq!(site.run(sql), [[2.into(), 32.into(), "/components/probe".into()]]);
}

#[test]
fn a_wake_that_is_due_is_run_before_a_command_once() {
    let site = Site::new();
    let edge = site.edge();
    ring(&edge, "k", &[2_000, 2_500, 9_000]);
    site.clock(3_000);
    add(&edge, "k", "a").unwrap();
    assert_eq!(ask(&edge, "k"), Ok((1, vec![3_000, 3_000])));
    assert_eq!(ask(&site.edge(), "k"), Ok((1, vec![3_000, 3_000])));
    let names: Vec<_> = events(&edge, "k", 0, 9).into_iter().map(|event| event.public).collect();
    let names = names.iter().map(|body| serde_json::from_slice::<serde_json::Value>(body).unwrap());
    let names: Vec<_> = names.map(|body| body["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["set", "rang", "rang", "added"]);
    assert_eq!(edge.wake_due(9), Ok(0), "nothing is left to be woken");
}

#[test]
fn a_wake_that_is_due_is_run_before_a_question_once() {
    let site = Site::new();
    let edge = site.edge();
    ring(&edge, "k", &[2_000]);
    assert_eq!(ask(&edge, "k"), Ok((0, vec![])));
    site.clock(2_000);
    assert_eq!(ask(&edge, "k"), Ok((0, vec![2_000])));
    site.clock(4_000);
    assert_eq!(ask(&site.edge(), "k"), Ok((0, vec![2_000])));
    assert_eq!(chained(&edge, "k"), 2);
}

#[test]
fn wakes_that_never_end_do_not_hold_a_command_up() {
    let site = Site::new();
    let edge = site.edge();
    ring(&edge, "k", &[2_000; 200]);
    site.clock(3_000);
    assert_eq!(add(&edge, "k", "a"), Ok("1".to_owned()));
    assert_eq!(chained(&edge, "k"), 2 + WAKES_MAX);
}

#[test]
fn the_earliest_is_woken_first() {
    let site = Site::new();
    let edge = noting(&site);
    for (key, at) in [("late", 4_000), ("early", 2_000), ("later", 9_000), ("middle", 3_000)] {
        ring(&edge, key, &[at]);
    }
    site.clock(5_000);
    assert_eq!(edge.wake_due(2), Ok(2));
    let rung = |key| ask_asleep(&site, key);
    assert_eq!(["early", "middle", "late", "later"].map(rung), [1, 1, 0, 0]);
    assert_eq!(edge.wake_due(9), Ok(1));
    assert_eq!(edge.wake_due(9), Ok(0));
    assert_eq!(["early", "middle", "late", "later"].map(rung), [1, 1, 1, 0]);
    assert_eq!(edge.take_troubles(), [""; 0]);
}

#[test]
fn entities_that_sleep_cost_nothing_when_others_are_woken() {
    let site = Site::new();
    let explain = format!("explain query plan {}", log::due(2));
    let nothing = [Value::Null, Value::Null, Value::Null];
    let plan = site.edge().store.look(|file| file.execute(&explain, &nothing)).unwrap().rows;
    let [step] = plan.as_slice() else { panic!("more than one step: {plan:?}") };
    assert!(step[3].as_text().unwrap().contains("INDEX edge_entities_by_wake"), "{step:?}");
}

/// How often it rang, without waking it.
fn ask_asleep(site: &Site, key: &str) -> i64 {
    let sql = "select count(*) from edge_events where key = ";
    site.number(&format!("{sql}'{key}' and public like '%rang%'"))
}

#[test]
fn an_entity_that_cannot_be_woken_stops_no_other() {
    let site = Site::new();
    let edge = site.edge();
    ring(&edge, "broken", &[2_000]);
    call(&edge, "jammed", "a", "\"jam\"").unwrap();
    ring(&edge, "well", &[3_000]);
    site.run("update edge_events set fact = x'00' where key = 'broken'");
    site.run("delete from edge_snapshots where key = 'broken'");
    site.clock(5_000);
    let edge = site.edge();
    assert_eq!(edge.wake_due(9), Ok(1));
    assert_eq!(ask_asleep(&site, "well"), 1);
    let troubles = edge.take_troubles();
    assert_eq!(troubles.len(), 2, "{troubles:?}");
    assert!(troubles[0].starts_with("counter jammed: "), "{troubles:?}");
    assert!(troubles[1].starts_with("counter broken: "), "{troubles:?}");
    site.clock(5_000 + LEFT_ALONE_MS - 1);
    assert_eq!((edge.wake_due(9), edge.take_troubles().len()), (Ok(0), 0), "left alone");
    site.clock(5_000 + LEFT_ALONE_MS);
    assert_eq!((edge.wake_due(9), edge.take_troubles().len()), (Ok(0), 2), "and tried again");
}

#[test]
fn an_entity_whose_messages_are_refused_stops_no_other() {
    let site = Site::new();
    let edge = noting(&site);
    ring(&edge, "mute", &[2_000]);
    ring(&edge, "well", &[3_000]);
    site.run(
        "create trigger refuse before insert on noted when new.key = 'mute' \
         begin select raise(abort, 'no'); end",
    );
    site.clock(5_000);
    assert_eq!(edge.wake_due(9), Ok(1));
    assert_eq!(["mute", "well"].map(|key| ask_asleep(&site, key)), [0, 1]);
    assert_eq!(edge.take_troubles().len(), 1);
}

#[test]
fn a_store_that_fails_wakes_nobody_and_says_so() {
    let site = Site::new();
    let edge = site.edge();
    ring(&edge, "k", &[2_000]);
    site.clock(2_000);
    for after in 0..12 {
        edge.world.death.set(Some((after, Death::Failing)));
        assert!(edge.wake_due(9).is_err());
        edge.world.death.set(None);
        // What was put off before it was tried is due again.
        site.clock(2_000 + i64::try_from(after + 1).unwrap() * 10_000);
    }
    assert_eq!(edge.wake_due(9), Ok(1));
}

#[test]
fn a_wake_that_ends_its_instance_is_not_the_first_again() {
    let site = Site::new();
    let edge = site.edge();
    ring(&edge, "deadly", &[2_000]);
    ring(&edge, "well", &[3_000]);
    site.clock(5_000);
    // After the put-off of the first wake: it dies where it is loaded.
    edge.world.death.set(Some((6, Death::Panic)));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| edge.wake_due(9))).unwrap_err();
    assert_eq!(["deadly", "well"].map(|key| ask_asleep(&site, key)), [0, 0]);
    let next = site.edge();
    assert_eq!(next.wake_due(9), Ok(1));
    assert_eq!(["deadly", "well"].map(|key| ask_asleep(&site, key)), [0, 1]);
    site.clock(15_000);
    assert_eq!(next.wake_due(9), Ok(1));
    assert_eq!(ask_asleep(&site, "deadly"), 1);
}

#[test]
fn two_instances_wake_an_entity_once() {
    let site = Site::new();
    let keys: Vec<_> = (0..12).map(|n| format!("k{n}")).collect();
    for key in &keys {
        ring(&site.edge(), key, &[2_000]);
    }
    site.clock(2_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| site.edge().wake_due(12).unwrap());
        }
    });
    assert!(keys.iter().all(|key| ask_asleep(&site, key) == 1));
}

#[test]
fn memory_is_bounded() {
    let site = Site::new();
    let edge = site.edge();
    for n in 0..70 {
        add(&edge, &n.to_string(), "a").unwrap();
    }
    for n in 0..70 {
        assert_eq!(add(&edge, &n.to_string(), "b"), Ok("2".to_owned()));
    }
    assert_eq!(edge.cache.borrow().len(), 64);
}
