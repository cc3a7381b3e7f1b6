//! Everything that somebody could change in an archive, and what the replay must say to it.

use conformance::usd;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// An archive under the hands of somebody who knows its format: what is changed is sealed again,
/// unless said otherwise.
pub(super) struct Forger {
    lines: Vec<Value>,
    sealed: bool,
    cut: usize,
}

type Forgery = (&'static str, fn(&mut Forger), &'static str);

/// Seq 1 is the opening; each of the bids 2, 4 and 6 moved the end in 3, 5 and 7. Lines 0 to 5 are
/// header, opening, three bids and end.
pub(super) const FORGERIES: &[Forgery] = &[
    (
        "another amount in a command",
        |forger| forger.bid(3, 3_300),
        "seq 4: public is {\"data\":{\"amount\":{\"amount\":3200",
    ),
    (
        "an amount that would be refused",
        |forger| forger.bid(3, 1),
        "decides no such event, it replies {\"refused\":{\"code\":\"bid_too_low\"",
    ),
    (
        "another bidder",
        |forger| {
            let ben = forger.lines[2]["commit"]["envelope"]["principal"].clone();
            forger.lines[3]["commit"]["envelope"]["principal"] = ben;
        },
        "seq 4: the machine decides no such event",
    ),
    (
        "a later bid",
        |forger| {
            let now = forger.lines[3]["commit"]["envelope"]["now"].as_i64().unwrap();
            forger.lines[3]["commit"]["envelope"]["now"] = json!(now + 1);
        },
        "seq 4: public is …",
    ),
    (
        "another seed",
        |forger| forger.lines[2]["commit"]["envelope"]["seed"] = json!("07".repeat(32)),
        "seq 2: public is …",
    ),
    (
        "another idempotency key, which is hidden",
        |forger| forger.lines[3]["commit"]["envelope"]["command_id"] = json!("other"),
        "seq 4: fact is not what the machine decides",
    ),
    ("a dropped line", |forger| drop(forger.lines.remove(3)), "seq 4: it says that it is seq 6"),
    ("swapped lines", |forger| forger.lines.swap(2, 3), "seq 2: it says that it is seq 4"),
    (
        "a line twice",
        |forger| {
            let twice = forger.lines[3].clone();
            forger.lines.insert(3, twice);
        },
        "seq 6: it says that it is seq 4",
    ),
    (
        "another public text",
        |forger| forger.event(3, 0)["public"]["data"]["leader"] = json!("bidder-2"),
        "seq 4: its public text has the head ",
    ),
    (
        "another public text, chained again to the end",
        |forger| {
            forger.event(3, 0)["public"]["data"]["leader"] = json!("bidder-2");
            forger.chain();
        },
        "bidder-2\",\"next_minimum\"",
    ),
    (
        "another head",
        |forger| forger.event(2, 0)["head"] = json!("07".repeat(32)),
        "seq 2: its public text has the head ",
    ),
    (
        "another head before",
        |forger| forger.event(2, 1)["prev"] = json!("07".repeat(32)),
        "seq 3: prev is not the head before it",
    ),
    (
        "another hidden fact",
        |forger| forger.event(4, 0)["fact"] = json!("AQID"),
        "seq 6: fact is not what the machine decides",
    ),
    (
        "a fact that is no base64",
        |forger| forger.event(4, 0)["fact"] = json!("?"),
        "after seq 5: line 5: seq 6: its fact is not base64",
    ),
    (
        "an event less",
        |forger| {
            forger.lines[4]["commit"]["events"].as_array_mut().unwrap().pop();
            forger.fit(true);
        },
        "seq 7: the machine decides one more event: {\"data\":{\"cause_seq\":6",
    ),
    (
        "other effects",
        |forger| forger.lines[3]["commit"]["effects"] = json!([]),
        "seq 4: the machine decides other effects of its command",
    ),
    (
        "another wake",
        |forger| forger.lines[3]["commit"]["wake"]["at"] = json!(1),
        "seq 4: wake is Some((1, \"close\")), but the machine decides ",
    ),
    (
        "another auction",
        |forger| forger.lines[0]["header"]["key"] = json!("auc_00000000000000000000000000"),
        "seq 1: prev is not the head before it",
    ),
    (
        "the last commit gone, and the end made to fit",
        |forger| {
            forger.lines.remove(4);
            forger.fit(false);
        },
        "after seq 5: the first line says 4 commits, 7 events",
    ),
    (
        "another count at the end",
        |forger| forger.lines[5]["end"]["commits"] = json!(5),
        "after seq 7: the last line says 5 commits",
    ),
    (
        "another head in the header",
        |forger| forger.lines[0]["header"]["head"] = json!("07".repeat(32)),
        "after seq 7: the first line says 4 commits, 7 events, head 0707",
    ),
    ("no last line", |forger| drop(forger.lines.pop()), "after seq 7: the file was cut"),
    ("a cut within the last line", |forger| forger.cut = 20, "after seq 7: the file was cut"),
    ("a cut within a commit", |forger| forger.cut = 500, "after seq 5: the file was cut"),
    (
        "a change that no rule sees",
        |forger| {
            forger.lines[0]["header"]["written"] = json!("2026-01-01T00:00:00.000Z");
            forger.sealed = false;
        },
        "after seq 7: the file was changed: its lines have the sha256 ",
    ),
];

impl Forger {
    pub(super) fn new(text: &str) -> Self {
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        Self { lines: lines.collect(), sealed: true, cut: 0 }
    }

    /// What became of it.
    pub(super) fn text(mut self) -> String {
        let Some(mut end) = self.lines.pop_if(|line| line.get("end").is_some()) else {
            return written(&self.lines);
        };
        let before = written(&self.lines);
        if self.sealed {
            end["end"]["sha256"] = json!(hex(&Sha256::digest(&before)));
        }
        let mut whole = before + &written(&[end]);
        whole.truncate(whole.len() - self.cut);
        whole
    }

    fn bid(&mut self, line: usize, amount: i64) {
        let body = &mut self.lines[line]["commit"]["envelope"]["body"];
        body["json"]["place_bid"]["amount"] = usd(amount);
    }

    fn event(&mut self, line: usize, event: usize) -> &mut Value {
        &mut self.lines[line]["commit"]["events"][event]
    }

    /// Makes heads fit the public texts again, up to the header.
    fn chain(&mut self) {
        let key = self.lines[0]["header"]["key"].as_str().unwrap();
        let mut head = Sha256::digest(key);
        for commit in self.lines.iter_mut().filter_map(|line| line.get_mut("commit")) {
            for event in commit["events"].as_array_mut().unwrap() {
                event["prev"] = json!(hex(&head));
                head = Sha256::new()
                    .chain_update(head)
                    .chain_update(event["public"].to_string())
                    .finalize();
                event["head"] = json!(hex(&head));
            }
        }
        self.fit(true);
    }

    /// Makes the last line fit the commits, and the header if that is wanted.
    fn fit(&mut self, header_too: bool) {
        let commits = self.lines.iter().filter_map(|line| line.get("commit"));
        let commits: Vec<&Value> = commits.collect();
        let events = commits.iter().flat_map(|commit| commit["events"].as_array().unwrap());
        let events: Vec<&Value> = events.collect();
        let head = events.last().unwrap()["head"].clone();
        let fitting =
            [("commits", json!(commits.len())), ("events", json!(events.len())), ("head", head)];
        for (name, value) in fitting {
            self.lines.last_mut().unwrap()["end"][name] = value.clone();
            if header_too {
                self.lines[0]["header"][name] = value;
            }
        }
    }
}

fn written(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
