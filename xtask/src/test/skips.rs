//! Which tests a platform cannot pass, and why: `tests/conformance/skips.toml`.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use super::platform::Platform;

/// One test on one platform.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skip {
    pub(super) platform: Platform,
    /// The test target, for example `network`.
    pub(super) target: String,
    /// The test in it, for example `sockets::a_watcher_hears_of_a_bid`.
    pub(super) test: String,
    pub(super) reason: String,
}

/// Reads the table.
pub(super) fn read(root: &Path, targets: &[&str]) -> anyhow::Result<Vec<Skip>> {
    let path = root.join("tests/conformance/skips.toml");
    let text = std::fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text, targets).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &str, targets: &[&str]) -> anyhow::Result<Vec<Skip>> {
    let table: toml::Table = text.parse()?;
    let unknown = table.keys().find(|key| *key != "skip");
    ensure!(unknown.is_none(), "there is nothing but [[skip]] in it, not {unknown:?}");
    let entries = match table.get("skip") {
        None => return Ok(Vec::new()),
        Some(entries) => entries.as_array().context("skip is a list: [[skip]]")?,
    };
    entries.iter().map(|entry| skip(entry, targets)).collect()
}

fn skip(entry: &toml::Value, targets: &[&str]) -> anyhow::Result<Skip> {
    let table = entry.as_table().context("a skip is a table")?;
    let unknown = table.keys().find(|key| !KEYS.contains(&key.as_str()));
    ensure!(unknown.is_none(), "a skip has {}, not {unknown:?}", KEYS.join(", "));
    let word = |key: &str| {
        let word = table.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        ensure!(!word.trim().is_empty(), "a skip without {key}: {entry}");
        Ok(word.to_owned())
    };
    let (platform, name, reason) = (word("platform")?, word("test")?, word("reason")?);
    let platform = Platform::named(&platform)
        .with_context(|| format!("{platform} is no platform of the suite"))?;
    let Some((target, test)) = name.split_once("::") else {
        bail!("{name}: a test is named TARGET::MODULE::TEST");
    };
    ensure!(
        targets.contains(&target),
        "{name}: {target} is none of {}, which every platform runs",
        targets.join(", ")
    );
    Ok(Skip { platform, target: target.to_owned(), test: test.to_owned(), reason })
}

const KEYS: [&str; 3] = ["platform", "test", "reason"];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn refused(entry: &str) -> String {
        format!("{:#}", parse(entry, &["network"]).unwrap_err())
    }

    #[test]
    fn a_skip_names_a_platform_a_test_and_a_reason() {
        let text = "[[skip]]\nplatform = \"spin\"\ntest = \"network::a::b\"\nreason = \"no\"\n";
        let skips = parse(text, &["network"]).unwrap();
        let (target, test, reason) = ("network".to_owned(), "a::b".to_owned(), "no".to_owned());
        assert_eq!(skips, [Skip { platform: Platform::Spin, target, test, reason }]);
        assert_eq!(parse("# none\n", &["network"]).unwrap(), []);
        assert!(refused(&text.replace("\"no\"", "\" \"")).contains("without reason"));
        assert!(refused(&text.replace("spin", "moon")).contains("moon is no platform"));
        assert!(refused(&text.replace("network::", "host::")).contains("host is none of network"));
        assert!(refused(&text.replace("::", ".")).contains("TARGET::MODULE::TEST"));
        assert!(refused(&text.replace("reason", "why")).contains("why"));
        assert!(refused(&text.replace("[[skip]]", "[[skips]]")).contains("skips"));
    }
}
