//! A second opinion on an auction: does its public log follow the rules, as far as public data
//! determine that (api.md §5)?
//!
//! Written after the rules and apart from the machine, with which it shares no line: a mistake
//! there is not repeated here. What hidden amounts decide, and the log does not show, it says
//! instead of guessing.
//!
//! ```
//! let report = auction_verifier::verify(br#"{"auction_id": "auc_1", "events": []}"#);
//! let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
//! assert_eq!(report["ok"], false);
//! assert_eq!(report["first_bad"]["what"], "the log has no event");
//! ```

mod beside;
mod bidding;
mod book;
mod commitments;
mod ending;
mod english;
mod prices;
mod report;
mod request;
mod retraction;
mod said;
mod sealed;
mod signed;
mod terms;
mod walk;

/// Checks a public log. The request and the report are JSON; docs/guide/proof.md has both.
pub fn verify(request: &[u8]) -> Vec<u8> {
    let report = match request::read(request) {
        Ok(request) => walk::run(&request),
        Err(flaw) => report::Report::refused(flaw),
    };
    report.to_json()
}
