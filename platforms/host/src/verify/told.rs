//! A report for people.

use std::fmt::Write as _;

use serde_json::Value;

/// The verdict, then what it rests on.
pub(super) fn words(what: &str, report: &Value) -> String {
    let text = |member: &str| report.get(member).and_then(Value::as_str);
    let mut words = String::new();
    let name = text("auction_id").unwrap_or(what);
    let verdict = if report["ok"] == true { "proven" } else { "NOT PROVEN" };
    let _ = writeln!(words, "{name}: {verdict}");
    if let Some(bad) = report.get("first_bad").filter(|bad| !bad.is_null()) {
        let _ = writeln!(words, "  first bad: {}", placed(bad));
    }
    if let (Some(format), Some(status)) = (text("format"), text("status")) {
        let (events, head) = (&report["events"], text("head").unwrap_or_default());
        let _ = writeln!(words, "  {format}, {status}, {events} events, head {head}");
    }
    let items = |member: &str| report.get(member).and_then(Value::as_array).into_iter().flatten();
    for checked in items("checked").filter_map(Value::as_str) {
        let _ = writeln!(words, "  checked    {checked}");
    }
    for undecided in items("undecided") {
        let _ = writeln!(words, "  undecided  {}", placed(undecided));
    }
    words
}

/// What is said of an event, or of none.
fn placed(item: &Value) -> String {
    let what = item.get("what").and_then(Value::as_str).unwrap_or_default();
    match item.get("seq").and_then(Value::as_u64) {
        Some(seq) => format!("seq {seq}: {what}"),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_bad_seq_is_named() {
        let bad = json!({"seq": 7, "what": "no"});
        let report = json!({"ok": false, "auction_id": "auc_1", "first_bad": bad});
        assert_eq!(words("x", &report), "auc_1: NOT PROVEN\n  first bad: seq 7: no\n");
        let report = json!({"ok": true, "format": "english", "status": "open", "events": 2,
            "head": "00", "checked": ["chain"], "undecided": [{"seq": null, "what": "who"}]});
        let told = "x: proven\n  english, open, 2 events, head 00\n  checked    chain\n  \
            undecided  who\n";
        assert_eq!(words("x", &report), told);
    }
}
