//! What is to be checked, out of files, and what its reader has beside.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use kernel::{Digest, Money};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::options::Verify;

/// What was found.
pub(super) enum Found {
    /// A public log, as the verifier takes it.
    Public(Vec<u8>),
    /// An operator's export.
    Archive(Vec<u8>),
}

/// Why there is no report.
pub(super) enum Wrong {
    /// The question cannot be meant.
    Usage(anyhow::Error),
    /// It cannot be checked, so it is not proven.
    Unproven(anyhow::Error),
}

/// Reads a file: an archive, a saved log, or its events line by line.
pub(super) fn file(options: &Verify) -> Result<Found, Wrong> {
    let path = Path::new(&options.what);
    let read = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let bytes = read.map_err(Wrong::Usage)?;
    if bytes.starts_with(ARCHIVE) {
        return Ok(Found::Archive(bytes));
    }
    match &options.auction {
        Some(auction) => Ok(Found::Public(of_lines(auction, &bytes))),
        None if is_lines(&bytes) => {
            let why = anyhow!("lines of events do not say whose they are: say --auction ID");
            Err(Wrong::Usage(why))
        }
        None => Ok(Found::Public(bytes)),
    }
}

/// Does the first line alone look like an event?
fn is_lines(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first: Option<Value> = serde_json::from_slice(first).ok();
    first.is_some_and(|line| line.get("seq").is_some() && line.get("events").is_none())
}

fn of_lines(auction: &str, bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut log = format!("{{\"auction_id\":{},\"events\":[", json!(auction)).into_bytes();
    log.extend_from_slice(&lines.collect::<Vec<_>>().join(&b','));
    log.extend_from_slice(b"]}");
    log
}

/// Members that the command line adds to a log.
pub(super) fn beside(options: &Verify) -> Result<Vec<(&'static str, String)>, Wrong> {
    members(options).map_err(Wrong::Usage)
}

fn members(options: &Verify) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut members = Vec::new();
    if let Some(keys) = &options.keys {
        let set: Box<RawValue> = read(keys)?;
        members.push(("keys", set.get().to_owned()));
    }
    let mut salts = options.salts.clone();
    for file in &options.salt_files {
        let own: Value = read(file)?;
        let commitments = own.get("commitments").and_then(Value::as_array);
        let commitments = commitments.with_context(|| format!("{}", file.display()));
        salts.extend(commitments.context("it has no `commitments`")?.iter().cloned());
    }
    if !salts.is_empty() {
        members.push(("salts", Value::from(salts).to_string()));
    }
    let mut receipts = Vec::new();
    for file in &options.receipts {
        let reply: Value = read(file)?;
        receipts.push(reply.get("receipt").cloned().unwrap_or(reply));
    }
    if !receipts.is_empty() {
        members.push(("receipts", Value::from(receipts).to_string()));
    }
    Ok(members)
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// The log with those members instead of its own. The rest of it stays as it was, byte for byte:
/// what is broken must show where it is.
pub(super) fn with(log: &[u8], members: &[(&str, String)]) -> Vec<u8> {
    if members.is_empty() {
        return log.to_vec();
    }
    let Ok(mut all) =
        serde_json::from_slice::<std::collections::BTreeMap<String, Box<RawValue>>>(log)
    else {
        return log.to_vec();
    };
    for (name, json) in members {
        if let Ok(json) = RawValue::from_string(json.clone()) {
            all.insert((*name).to_owned(), json);
        }
    }
    serde_json::to_vec(&all).unwrap_or_else(|_| log.to_vec())
}

/// `SEQ:SALT:AMOUNT:CURRENCY` of a commitment, as the verifier takes it.
pub(super) fn salt(text: &str) -> Result<Value, String> {
    let opened = || {
        let [seq, salt, amount, currency] = text.split(':').collect::<Vec<_>>()[..] else {
            bail!("four parts");
        };
        let seq: u64 = seq.parse().context("SEQ is a number")?;
        let is_salt = Digest::from_hex(salt).is_some();
        ensure!(is_salt, "SALT is 64 lower-case hex digits");
        let amount: i64 = amount.parse().context("AMOUNT counts minor units")?;
        let money = json!({"amount": amount, "currency": currency});
        serde_json::from_value::<Money>(money.clone()).context("AMOUNT:CURRENCY is no money")?;
        Ok(json!({"seq": seq, "salt": salt, "amount": money}))
    };
    opened().map_err(|why| format!("{why:#}; it is SEQ:SALT:AMOUNT:CURRENCY"))
}

/// How every archive begins.
const ARCHIVE: &[u8] = b"{\"header\":{";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_read_or_refused_with_a_sentence() {
        let hex = "ab".repeat(32);
        let read = salt(&format!("7:{hex}:5000:USD")).unwrap();
        let money = json!({"amount": 5_000, "currency": "USD"});
        assert_eq!(read, json!({"seq": 7, "salt": hex, "amount": money}));
        for wrong in ["", "7", &format!("x:{hex}:1:USD"), "7:ab:1:USD", &format!("7:{hex}:-1:USD")]
        {
            assert!(salt(wrong).unwrap_err().contains("SEQ:SALT:AMOUNT:CURRENCY"), "{wrong}");
        }
    }

    #[test]
    fn members_are_put_into_a_log_and_its_text_stays() {
        let log = br#"{"auction_id":"a","events":[{"b":  1}],"keys":{"keys":[]}}"#;
        let more = with(log, &[("keys", "{\"keys\":[1]}".to_owned())]);
        let more = String::from_utf8(more).unwrap();
        assert!(more.contains(r#""events":[{"b":  1}]"#) && more.contains(r#"{"keys":[1]}"#));
        assert_eq!(with(b"{broken", &[("keys", "{}".to_owned())]), b"{broken");
    }

    #[test]
    fn lines_of_events_become_a_log() {
        assert!(is_lines(b"{\"seq\":1}\n{\"seq\":2}\n"));
        assert!(!is_lines(b"{\"auction_id\":\"a\",\"events\":[]}"));
        let log = of_lines("auc_1", b"{\"seq\":1}\n\n{\"seq\":2}\n");
        assert_eq!(log, br#"{"auction_id":"auc_1","events":[{"seq":1},{"seq":2}]}"#);
    }
}
