//! `ecomauction verify`, asked about auctions of every platform.

use serde_json::Value;

use crate::Client;
use crate::archives::{run, tool};
use crate::platform::files::scratch;

/// Checks the public log of an auction by its address: the report.
///
/// # Panics
/// When there is no report.
pub async fn verify(client: &Client, auction: &str, beside: &[(&str, &Value)]) -> Value {
    let url = format!("http://{}/v1/auctions/{auction}", client.address());
    ask(&url, beside).await
}

/// Checks a saved log or an archive: the report.
///
/// # Panics
/// When there is no report.
pub async fn verify_saved(text: &str, beside: &[(&str, &Value)]) -> Value {
    let file = tempfile::NamedTempFile::new_in(scratch()).unwrap();
    std::fs::write(file.path(), text).unwrap();
    ask(&file.path().to_string_lossy(), beside).await
}

async fn ask(what: &str, beside: &[(&str, &Value)]) -> Value {
    let mut command = tool(&["verify", what, "--json"]);
    let mut files = Vec::new();
    for (option, value) in beside {
        let file = tempfile::NamedTempFile::new_in(scratch()).unwrap();
        std::fs::write(file.path(), value.to_string()).unwrap();
        command.arg(option).arg(file.path());
        files.push(file);
    }
    let (worked, report, said) = run(&mut command).await;
    let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(report["ok"] == true, worked, "the status says what the report says: {report}");
    report
}
