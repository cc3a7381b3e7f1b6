//! Words that no file may say, comments and prose included.

use super::project::Project;
use super::source::File;
use super::{Finding, Rule};

/// Leftovers, and what only one computer knows.
pub(super) const WORDS: Rule = Rule {
    title: "words",
    why: "an open question belongs into a decision record, and a checkout works on every computer",
    check: words,
};

fn words(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.files.iter().filter(|file| !EXEMPT.contains(&file.path.as_str())) {
        for (at, line) in (1..).zip(file.text.lines()) {
            for (word, why) in BANNED.iter().filter(|(word, _)| says(line, word)) {
                findings.push(Finding::new(&file.path, at, format!("{word}: {why}")));
            }
            if let Some(source) = foreign_source(file, line) {
                let text = format!("{source}: locked to a registry that not everybody has");
                findings.push(Finding::new(&file.path, at, text));
            }
        }
        for found in file.find(&["dbg", "!"]).filter_map(|found| found.first()) {
            findings.push(Finding::new(&file.path, found.line, "dbg!: a leftover"));
        }
    }
    findings
}

/// A word stands alone: `METODOS` is none of ours.
fn says(line: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|after| after.chars().next());
        let ends = word.ends_with(char::is_alphanumeric);
        !(is_part(before) || ends && is_part(after))
    })
}

/// The source of a locked package, if it is not the public registry.
fn foreign_source<'l>(file: &File, line: &'l str) -> Option<&'l str> {
    let (key, home) = match file.path.rsplit('/').next()? {
        "Cargo.lock" => ("source = \"", "registry+https://github.com/rust-lang/crates.io-index"),
        "package-lock.json" => ("\"resolved\": \"", "https://registry.npmjs.org/"),
        _ => return None,
    };
    let source = line.trim_start().strip_prefix(key)?;
    if source.starts_with(home) { None } else { source.split('"').next() }
}

const BANNED: &[(&str, &str)] = &[
    ("TODO", "do it, or write down in docs/adr why not"),
    ("FIXME", "fix it, or write down in docs/adr why not"),
    ("XXX:", "say what is meant; without the colon it is the currency of nothing"),
    ("HACK", "say what is meant"),
    ("/home/", "a path of one computer"),
    ("/root/", "a path of one computer"),
    ("/Users/", "a path of one computer"),
    ("/work/", "a path of one computer"),
    ("sparse+", "a registry of one computer"),
    ("replace-with", "a registry of one computer"),
    ("CARGO_REGISTRIES_", "a registry of one computer"),
    ("npm_config_registry", "a registry of one computer"),
];

/// This file has to say them.
const EXEMPT: &[&str] = &["xtask/src/tidy/words.rs"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        words(&Project::of(&[(path, text)])).len()
    }

    #[test]
    fn a_leftover_is_a_violation_in_any_file() {
        assert_eq!(found("crates/a/src/lib.rs", "// TODO: later\nfn a() { dbg!(1) }"), 2);
        assert_eq!(found("docs/guide/operate.md", "FIXME"), 1);
        assert_eq!(found("docs/guide/operate.md", "el METODOS y TODOS"), 0);
    }

    #[test]
    fn a_path_of_one_computer_is_a_violation() {
        assert_eq!(found("xtask/src/main.rs", "const A: &str = \"/home/ana/shop\";"), 1);
        assert_eq!(found("README.md", "see components/work/machine"), 0);
    }

    #[test]
    fn a_lock_file_names_the_public_registry_only() {
        let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        assert_eq!(found("Cargo.lock", public), 0);
        assert_eq!(found("Cargo.lock", "source = \"registry+http://mirror.example/index\""), 1);
        let mirror = "\"resolved\": \"http://mirror.example/left-pad.tgz\"";
        assert_eq!(found("platforms/cloudflare/package-lock.json", mirror), 1);
    }
}
