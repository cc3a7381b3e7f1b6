//! Going through an archive: every command is decided again and must give what the archive says;
//! after every event the entity is asked how it stands.

use ::archive::{End, Header, Next, Reader};
use anyhow::{Context as _, bail, ensure};
use journal::{Event, Record};
use kernel::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::record;
use crate::chain::Chain;
use crate::machines::{MachineImage, Replay, Retelling};

/// An archive on its way through its machine.
pub(super) struct Walk<'a> {
    header: &'a Header,
    chain: Chain,
    commits: u64,
    replay: Replay<MachineImage>,
    retelling: Retelling,
    price: Option<Value>,
    rule: Option<Rule>,
}

/// One event, and the entity after it.
#[derive(Serialize)]
pub(super) struct Step<'a> {
    /// Position in the log.
    pub(super) seq: u64,
    /// When it was decided.
    pub(super) time: Timestamp,
    /// Its name.
    pub(super) event: String,
    /// Who gave the command; none for the platform itself.
    pub(super) principal: Option<&'a str>,
    /// The command's idempotency key.
    pub(super) command_id: &'a str,
    /// How the entity stands.
    #[serde(flatten)]
    pub(super) state: State,
    /// What set the price that stands, if the machine explained it.
    pub(super) rule: Option<Rule>,
    /// The event's public members.
    pub(super) data: Box<RawValue>,
    /// Chain head after it.
    pub(super) head: Digest,
    /// The command as the machine got it.
    pub(super) command: Option<&'a RawValue>,
    /// What anybody would be told of the entity.
    #[serde(skip)]
    pub(super) view: Vec<u8>,
}

/// How an entity stands, as far as it has such members. Null is an answer, too.
#[derive(Default, Serialize)]
pub(super) struct State {
    /// Where it is in its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<Value>,
    /// What it would cost now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) price: Option<Value>,
    /// Who leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leader: Option<Value>,
}

/// A machine's explanation.
#[derive(Clone, Serialize)]
pub(super) struct Rule {
    /// The event that it explains.
    pub(super) seq: u64,
    /// Its number.
    pub(super) rule: String,
    /// In words.
    pub(super) text: String,
}

/// The canonical body of an event.
#[derive(Deserialize)]
struct Public {
    data: Box<RawValue>,
    event: String,
    time: Timestamp,
}

/// How a machine's reply explains itself, where it does.
#[derive(Deserialize)]
struct Explanation {
    rule: String,
    text: String,
}

impl<'a> Walk<'a> {
    /// Before the first event.
    pub(super) fn new(header: &'a Header, image: &MachineImage) -> anyhow::Result<Self> {
        Ok(Self {
            header,
            chain: Chain::genesis(&header.key),
            commits: 0,
            replay: Replay::new(image)?,
            retelling: Retelling::new(image, &header.key)?,
            price: None,
            rule: None,
        })
    }

    /// Reads on to the end and shows every event; the error names the first thing that differs.
    pub(super) fn run(
        mut self,
        reader: &mut Reader<impl std::io::BufRead>,
        mut show: impl FnMut(&Step<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<End> {
        loop {
            let seq = self.chain.seq;
            match reader.read().with_context(|| format!("after seq {seq}"))? {
                Next::Commit(commit) => {
                    let Header { machine, key, .. } = self.header;
                    let record = record::record(*commit, machine, key).map_err(|why| {
                        anyhow::anyhow!("after seq {seq}: line {}: {why}", reader.line())
                    })?;
                    self.commit(&record, &mut show)?;
                }
                Next::End(end) => {
                    self.end(&end)?;
                    return Ok(end);
                }
                Next::Cut => bail!("after seq {seq}: the file was cut, its last line is missing"),
            }
        }
    }

    fn commit(
        &mut self,
        record: &Record,
        show: &mut impl FnMut(&Step<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        record.events.iter().try_for_each(|event| self.chain.follow(event))?;
        let reply = self.replay.record(record)?;
        let explained = explanation(&reply, record);
        for event in &record.events {
            let step = self.step(record, event, explained.as_ref());
            show(&step.with_context(|| format!("seq {}", event.seq))?)?;
        }
        self.commits += 1;
        Ok(())
    }

    fn step<'r>(
        &mut self,
        record: &'r Record,
        event: &Event,
        explained: Option<&Rule>,
    ) -> anyhow::Result<Step<'r>> {
        self.retelling.apply(&event.fact)?;
        let view = self.retelling.ask(record.envelope.now, VIEW)?;
        let Public { data, event: name, time } =
            serde_json::from_slice(&event.public).context("its public text")?;
        let state = State::of(&view, &data);
        if let Some(rule) = explained.filter(|rule| rule.seq == event.seq) {
            self.rule = Some(rule.clone());
        } else if state.price != self.price {
            // Whatever moved the price now, it is not what moved it before.
            self.rule = None;
        }
        self.price.clone_from(&state.price);
        Ok(Step {
            seq: event.seq,
            time,
            event: name,
            principal: record.envelope.principal.as_deref(),
            command_id: &record.envelope.command_id,
            state,
            rule: self.rule.clone(),
            data,
            head: Digest::from_bytes(event.head),
            command: serde_json::from_slice(&record.envelope.body).ok(),
            view,
        })
    }

    fn end(&self, end: &End) -> anyhow::Result<()> {
        let is = (self.commits, self.chain.seq, Digest::from_bytes(self.chain.head));
        let Header { commits, events, head, .. } = self.header;
        for (place, said) in
            [("first", (*commits, *events, *head)), ("last", (end.commits, end.events, end.head))]
        {
            let (commits, events, head) = is;
            ensure!(
                said == is,
                "after seq {events}: the {place} line says {} commits, {} events, head {}, but \
                 there are {commits}, {events}, {head}",
                said.0,
                said.1,
                said.2
            );
        }
        Ok(())
    }
}

impl State {
    /// What the entity says of itself, or else the event.
    fn of(view: &[u8], data: &RawValue) -> Self {
        let view = serde_json::from_slice(view).unwrap_or(Value::Null);
        let data = serde_json::from_str(data.get()).unwrap_or(Value::Null);
        let find = |name| {
            let found = holder(&view, name).or_else(|| holder(&data, name))?;
            found.get(name).cloned()
        };
        Self { status: find("status"), price: find("price"), leader: find("leader") }
    }
}

/// The explanation in a reply, wherever it is. It belongs to the event whose seq stands beside it,
/// or to the first one.
fn explanation(reply: &[u8], record: &Record) -> Option<Rule> {
    let reply: Value = serde_json::from_slice(reply).ok()?;
    let holder = holder(&reply, "explanation")?;
    let Explanation { rule, text } = Explanation::deserialize(holder.get("explanation")?).ok()?;
    let beside = holder.get("seq").and_then(Value::as_u64);
    let beside = beside.filter(|seq| record.events.iter().any(|event| event.seq == *seq));
    let seq = beside.or_else(|| record.events.first().map(|event| event.seq))?;
    Some(Rule { seq, rule, text })
}

/// The outermost object that has such a member.
fn holder<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let mut level = vec![value];
    while !level.is_empty() {
        if let Some(found) = level.iter().find(|value| value.get(name).is_some()) {
            return Some(found);
        }
        let members = |value: &&'v Value| -> Vec<&'v Value> {
            match value {
                Value::Object(members) => members.values().collect(),
                Value::Array(items) => items.iter().collect(),
                _ => Vec::new(),
            }
        };
        level = level.iter().flat_map(members).collect();
    }
    None
}

/// The question that machines answer with their public view. What another machine makes of it is
/// shown as well: members that it lacks stay empty.
const VIEW: &[u8] = b"\"view\"";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::super::record::tests::example;
    use super::*;

    #[test]
    fn the_outermost_member_of_a_name_is_found() {
        let value = json!({"a": {"b": [{"price": 1}]}, "c": {"price": 2}, "price_list": 3});
        assert_eq!(holder(&value, "price"), Some(&json!({"price": 2})));
        assert_eq!(holder(&value, "status"), None);
    }

    #[test]
    fn a_state_comes_from_the_view_then_from_the_event_and_may_lack() {
        let data = RawValue::from_string(r#"{"price":1,"leader":"b"}"#.to_owned()).unwrap();
        let state = State::of(br#"{"row":{"status":"open","price":null}}"#, &data);
        let shown = serde_json::to_value(&state).unwrap();
        assert_eq!(shown, json!({"status": "open", "price": null, "leader": "b"}));
        let none = State::of(b"nonsense", RawValue::NULL);
        assert_eq!(serde_json::to_value(&none).unwrap(), json!({}));
    }

    #[test]
    fn an_explanation_belongs_to_the_event_whose_seq_stands_beside_it() {
        let mut record = example(b"{}", b"{}");
        let mut second = record.events.first().unwrap().clone();
        second.seq = 2;
        record.events.push(second);
        let of = |reply: Value| {
            explanation(reply.to_string().as_bytes(), &record).map(|rule| (rule.seq, rule.rule))
        };
        let said = json!({"rule": "B1", "text": "t"});
        assert_eq!(of(json!({"x": {"seq": 2, "explanation": said}})), Some((2, "B1".to_owned())));
        assert_eq!(of(json!({"x": {"seq": 9, "explanation": said}})), Some((1, "B1".to_owned())));
        assert_eq!(of(json!({"explanation": said})), Some((1, "B1".to_owned())));
        assert_eq!(of(json!({"explanation": "words"})), None);
        assert_eq!(of(json!({"seq": 1})), None);
    }
}
