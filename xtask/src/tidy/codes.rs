//! Error codes and their pages: every code that a caller can meet has docs/errors/CODE.md, and no
//! page is about a code that nobody sends.
//!
//! A code is found where it becomes part of a problem document, so it has to stand there as a
//! literal:
//!
//! - `Problem::new(STATUS, "code", …)`, `Problem::field("code", …)`, in impls with `Self`, too;
//! - in a service's `refusal.rs`, the patterns of the table from code to status: `"code" => 422`;
//! - in a platform, `(StatusCode::X, "code", …)` and `problem(status, "code", …)`;
//! - `let code = …;` for a code that is chosen.

use std::collections::BTreeMap;

use super::project::Project;
use super::source::{File, Token};
use super::{Finding, Rule};

/// Codes and pages match.
pub(super) const PAGES: Rule = Rule {
    title: "error pages",
    why: "`type` of a problem links to docs/errors/CODE.md",
    check: pages,
};

fn pages(project: &Project) -> Vec<Finding> {
    let mut sent: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for file in project.rust().filter(|file| speaks(file)) {
        for token in codes(file).filter(|token| !token.in_tests) {
            if let Some(code) = token.string().filter(|code| is_code(code)) {
                sent.entry(code).or_insert((&file.path, token.line));
            }
        }
    }
    let mut findings = Vec::new();
    for (code, (path, line)) in &sent {
        let page = format!("docs/errors/{code}.md");
        if project.file(&page).is_none() {
            findings.push(Finding::new(path, *line, format!("{code} has no page {page}")));
        }
    }
    for file in project.files.iter().filter(|file| file.path.starts_with("docs/errors/")) {
        if file.stem() != "README" && !sent.contains_key(file.stem()) {
            findings.push(Finding::new(&file.path, 0, "nobody sends this code"));
        }
    }
    findings
}

/// Who talks to callers.
fn speaks(file: &File) -> bool {
    let service = file.path.starts_with("components/") && file.path.contains("/service/src/");
    let rooms = ["crates/web/src/", "platforms/"];
    !file.is_test() && (service || rooms.iter().any(|room| file.path.starts_with(room)))
}

fn codes(file: &File) -> impl Iterator<Item = &Token> {
    let last = PATTERNS.iter().flat_map(|pattern| file.find(pattern)).filter_map(<[_]>::last);
    let in_table = file.stem() == "refusal" && file.path.contains("/service/");
    let table = file.tokens().iter().enumerate().filter_map(move |(at, token)| {
        (in_table && has_status(file.tokens().get(at + 1..)?)).then_some(token)
    });
    last.chain(table).chain(chosen(file))
}

/// `=> 422` follows, perhaps after further patterns.
fn has_status(tokens: &[Token]) -> bool {
    let patterns = |token: &&Token| token.text == "|" || token.string().is_some();
    let rest = tokens.get(tokens.iter().take_while(patterns).count()..).unwrap_or_default();
    let text = |at: usize| rest.get(at).map_or("", |token| token.text.as_str());
    text(0) == "=" && text(1) == ">" && text(2).parse::<u16>().is_ok()
}

/// The literals between `let code =` and `;`.
fn chosen(file: &File) -> impl Iterator<Item = &Token> {
    let mut inside = false;
    file.tokens().iter().enumerate().filter_map(move |(at, token)| {
        let before = |back: usize| {
            at.checked_sub(back).and_then(|at| file.tokens().get(at)).map(|token| &*token.text)
        };
        if token.text == "=" && before(1) == Some("code") && before(2) == Some("let") {
            inside = true;
        } else if token.text == ";" {
            inside = false;
        }
        inside.then_some(token)
    })
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// `_` stands for any token; the last one is the code.
const PATTERNS: &[&[&str]] = &[
    &["Problem", ":", ":", "new", "(", "_", ",", "_"],
    &["Self", ":", ":", "new", "(", "_", ",", "_"],
    &["Problem", ":", ":", "field", "(", "_"],
    &["Self", ":", ":", "field", "(", "_"],
    &["StatusCode", ":", ":", "_", ",", "_"],
    &["problem", "(", "_", ",", "_"],
];

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "components/a/service/src/lib.rs";

    #[test]
    fn a_code_without_a_page_is_a_violation() {
        for (path, text) in [
            (SERVICE, "fn a() { Problem::new(409, \"too_late\", x) }"),
            (SERVICE, "fn a() { Problem::field(\"too_late\", x) }"),
            (SERVICE, "fn a() { let code = if x { \"too_late\" } else { y }; }"),
            ("components/a/service/src/refusal.rs", "fn a() { match x { \"too_late\" => 409 } }"),
            ("platforms/host/src/http.rs", "fn a() { (StatusCode::GONE, \"too_late\", \"…\") }"),
            ("platforms/host/src/http.rs", "fn a() { problem(status, \"too_late\", x) }"),
            ("crates/web/src/problem.rs", "fn a() { Self::new(409, \"too_late\", x) }"),
        ] {
            let mut project = Project::of(&[(path, text)]);
            assert_eq!(pages(&project).len(), 1, "{text}");
            project.files.push(File::new("docs/errors/too_late.md", "# Too late"));
            assert_eq!(pages(&project), [], "{text}");
        }
    }

    #[test]
    fn a_page_without_a_code_is_a_violation() {
        let planted = Project::of(&[("docs/errors/too_late.md", "# Too late")]);
        assert_eq!(pages(&planted).len(), 1);
    }

    #[test]
    fn every_pattern_of_a_row_is_a_code_and_a_row_without_a_status_has_none() {
        let table = "fn a() { match x { \"a\" | \"b\" => 422, \"c\" => return gone(), _ => 1 } }";
        let planted = Project::of(&[("components/a/service/src/refusal.rs", table)]);
        assert_eq!(pages(&planted).len(), 2);
    }

    #[test]
    fn codes_in_tests_need_no_page() {
        let text = "#[cfg(test)]\nmod tests { fn a() { Problem::new(409, \"planted\", x) } }";
        assert_eq!(pages(&Project::of(&[(SERVICE, text)])), []);
    }
}
