use archive::{Component, FORMAT, Header, VERSION, Writer};
use kernel::{ChainHead, Digest, Timestamp};
use ports::{Entities as _, ready};
use serde_json::{Value as Json, json};

use super::*;
use crate::testing::{Death, Here, Site};

/// A counter that was told several things, one of them twice, and rang.
fn counted(site: &Site) -> Edge<Here> {
    let edge = site.edge();
    let call = |id: &str, body: Json| {
        let body = body.to_string().into_bytes();
        ready(edge.call("counter", "c_1", id, Some("usr_1"), body)).unwrap();
    };
    call("one", json!({"add": 1}));
    call("one", json!({"add": 1}));
    call("none", json!({"add": 0}));
    call("ring", json!({"ring": [2_000, 3_000]}));
    site.clock(5_000);
    assert_eq!(edge.wake_due(8), Ok(1));
    call("two", json!({"add": 2}));
    edge
}

fn commits(edge: &Edge<Here>, limit: usize) -> Vec<Commit> {
    let (at, mut all, mut after) = (Address { machine: "counter", key: "c_1" }, Vec::new(), 0);
    loop {
        let page = edge.store.read(|connection| page(connection, at, after, limit)).unwrap();
        let Page { items, next_cursor } = page.unwrap().unwrap();
        assert!(items.len() <= limit);
        all.extend(items);
        match next_cursor {
            Some(cursor) => after = cursor.parse().unwrap(),
            None => return all,
        }
    }
}

fn archived(commits: Vec<Commit>) -> Vec<u8> {
    let events = commits.iter().flat_map(|commit| &commit.events);
    let head = events.clone().last().map_or(*ChainHead::genesis("c_1").digest(), |last| last.head);
    let (count, events) = (commits.len() as u64, events.count() as u64);
    let component = Component {
        sha256: Digest::of(&[]),
        contract: "c".to_owned(),
        application: "a".to_owned(),
        version: None,
    };
    let mut writer = Writer::new(Vec::new());
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        machine: "counter".to_owned(),
        key: "c_1".to_owned(),
        component,
        written: Timestamp::from_ms(0),
        commits: count,
        events,
        head,
    };
    writer.header(header).unwrap();
    commits.into_iter().try_for_each(|commit| writer.commit(commit)).unwrap();
    writer.end(count, events, head).unwrap()
}

#[test]
fn a_log_is_told_in_pages_and_decided_again() {
    let site = Site::new();
    let edge = counted(&site);
    let lines = |limit| -> Vec<String> {
        let line = |commit: &Commit| serde_json::to_string(commit).unwrap();
        commits(&edge, limit).iter().map(line).collect()
    };
    let all = lines(100);
    // What led to nothing is not there, nor what was told again.
    let ids: Vec<_> = commits(&edge, 100).into_iter().map(|c| c.envelope.command_id).collect();
    assert_eq!(ids, ["one", "ring", "wake", "wake", "two"]);
    for limit in 1..7 {
        assert_eq!(lines(limit), all, "by {limit}");
    }
    let told = edge.operate("GET", "/_edge/archives/counter/c_1", b"").unwrap();
    let told: Json = serde_json::from_slice(&told).unwrap();
    assert_eq!((told["items"].as_array().unwrap().len(), &told["next_cursor"]), (5, &Json::Null));

    let archive = archived(commits(&edge, 2));
    let done = edge.operate("POST", "/_edge/archives", &archive).unwrap();
    let done: Json = serde_json::from_slice(&done).unwrap();
    let head = site.run("select head from edge_entities where key = 'c_1'");
    let head = Cells::of(head.into_iter().next().unwrap()).digest().unwrap();
    assert_eq!(
        done,
        json!({"machine": "counter", "key": "c_1", "commits": 5, "events": 5, "head": head})
    );
}

#[test]
fn what_was_changed_is_not_decided_so() {
    let site = Site::new();
    let edge = counted(&site);
    let replayed = |commits: Vec<Commit>| {
        edge.operate("POST", "/_edge/archives", &archived(commits)).map_err(|no| no.status)
    };
    replayed(commits(&edge, 9)).unwrap();
    for (what, forge) in FORGERIES {
        let mut forged = commits(&edge, 9);
        forge(&mut forged);
        assert_eq!(replayed(forged), Err(422), "{what}");
    }
    // Who cuts and counts anew has a true archive of an earlier moment.
    let mut earlier = commits(&edge, 9);
    earlier.pop();
    replayed(earlier).unwrap();
    let whole = archived(commits(&edge, 9));
    for at in [0, 10, whole.len() / 2, whole.len() - 2] {
        let refused = edge.operate("POST", "/_edge/archives", &whole[..at]).unwrap_err();
        assert_eq!(refused.status, 400, "{}", refused.detail);
    }
}

#[test]
fn an_event_whose_command_was_not_kept_is_told_and_not_passed_over() {
    let site = Site::new();
    let edge = counted(&site);
    site.run("delete from edge_commits where seq = 3");
    let refused = edge.operate("GET", "/_edge/archives/counter/c_1", b"").unwrap_err();
    let told = (refused.status, refused.detail.as_str());
    assert_eq!(told, (409, "After seq 2 a command was not kept."));
}

#[test]
fn a_disk_that_fails_leaves_a_command_with_all_its_events_or_nothing() {
    let site = Site::new();
    counted(&site);
    for after in 0..12 {
        let edge = site.edge();
        edge.world.death.set(Some((after, Death::Failing)));
        let body = json!({"add": 1}).to_string().into_bytes();
        let _ = ready(edge.call("counter", "c_1", &format!("dying-{after}"), None, body));
        drop(edge);
        let edge = site.edge();
        let commits = commits(&edge, 100);
        let stands = site.number("select seq from edge_entities where key = 'c_1'");
        let told = commits.iter().map(|commit| commit.events.len()).sum::<usize>();
        assert_eq!(i64::try_from(told), Ok(stands), "after {after}");
        edge.operate("POST", "/_edge/archives", &archived(commits)).unwrap();
    }
}

#[test]
fn who_may_not_call_a_machine_sees_no_log_of_it() {
    let site = Site::new();
    counted(&site);
    let stranger = site.edge_without_entities("other");
    let refused = stranger.operate("GET", "/_edge/archives/counter/c_1", b"").unwrap_err();
    assert_eq!(refused.status, 404);
}

#[test]
fn what_is_not_there_and_what_is_not_meant_is_refused() {
    let site = Site::new();
    let edge = counted(&site);
    for (method, target, status) in [
        ("GET", "/_edge/archives/counter/c_2", 404),
        ("GET", "/_edge/archives/other/c_1", 404),
        ("GET", "/_edge/archives/counter", 404),
        ("GET", "/_edge/archives/counter/c_1/more", 404),
        ("GET", "/_edge/archives/counter/c_1?limit=1", 400),
        ("GET", "/_edge/archives", 405),
        ("POST", "/_edge/archives/counter/c_1", 405),
        ("POST", "/_edge/archives", 400),
    ] {
        let refused = edge.operate(method, target, b"").unwrap_err();
        assert_eq!(refused.status, status, "{method} {target}");
    }
}

type Forgery = (&'static str, fn(&mut Vec<Commit>));

const FORGERIES: &[Forgery] = &[
    ("another command", |commits| commits[0].envelope.body = Body::of(b"{\"add\":2}")),
    ("another time", |commits| commits[0].envelope.now += 1),
    ("another id", |commits| commits[4].envelope.command_id.push('x')),
    ("no wake", |commits| commits[1].wake = None),
    ("no effects", |commits| commits[0].effects.clear()),
    ("another order", |commits| commits.swap(0, 1)),
    ("one is missing", |commits| drop(commits.remove(2))),
];
