//! How much a reader has to hold in mind at once.

use std::collections::BTreeMap;

use super::project::Project;
use super::source::File;
use super::{Finding, Rule};

/// Files.
pub(super) const FILES: Rule = Rule {
    title: "sizes of files",
    why: "at most 400 lines, tests 600: one file, one thing",
    check: files,
};

/// Lines.
pub(super) const LINES: Rule = Rule {
    title: "lengths of lines",
    why: "at most 100 columns: two files fit side by side",
    check: lines,
};

/// Functions.
pub(super) const FUNCTIONS: Rule = Rule {
    title: "sizes of functions",
    why: "at most 60 lines, tests 80: a function is read in one look",
    check: functions,
};

/// Glue.
pub(super) const GLUE: Rule = Rule {
    title: "sizes of glue",
    why: "at most 150 lines for a component's exports: glue converts, it decides nothing",
    check: glue,
};

fn files(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.rust().filter(|file| !is_exempt(file)) {
        let lines_max = if file.is_test() { 600 } else { 400 };
        let lines = file.text.lines().count();
        if lines > lines_max {
            let text = format!("{lines} lines of at most {lines_max}");
            findings.push(Finding::new(&file.path, 0, text));
        }
    }
    for (path, _) in EXEMPT.iter().filter(|(path, _)| project.file(path).is_none()) {
        findings.push(Finding::new(path, 0, "exempt from its size, but it does not exist"));
    }
    findings
}

fn lines(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.files.iter().filter(|file| is_code(file)) {
        for (at, line) in (1..).zip(file.text.lines()) {
            let columns = line.chars().count();
            if columns > 100 {
                findings.push(Finding::new(&file.path, at, format!("{columns} columns")));
            }
        }
    }
    findings
}

fn functions(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.rust() {
        let tokens = file.tokens();
        for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "fn") {
            let Some(rest) = tokens.get(at + 1..) else { continue };
            let Some(body) = body(rest.iter().map(|token| token.text.as_str())) else { continue };
            let end = rest.get(body).map_or(token.line, |last| last.line);
            let lines = end - token.line + 1;
            if lines > if token.in_tests { 80 } else { 60 } {
                let name = rest.first().map_or("", |name| &name.text);
                findings.push(Finding::new(
                    &file.path,
                    token.line,
                    format!("{name}: {lines} lines"),
                ));
            }
        }
    }
    findings
}

/// Where the body of a function ends, counted from behind `fn`; none for a declaration.
fn body<'t>(tokens: impl Iterator<Item = &'t str>) -> Option<usize> {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, token) in tokens.enumerate() {
        match token {
            "{" => braces += 1,
            "}" => {
                braces = braces.checked_sub(1)?;
                if braces == 0 && brackets == 0 {
                    return Some(at);
                }
            }
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets = brackets.checked_sub(1)?,
            ";" if braces == 0 && brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

fn glue(project: &Project) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, usize> = BTreeMap::new();
    for file in project.rust() {
        if let Some((folder, _)) = file.path.split_once("/src/")
            && folder.starts_with("components/")
            && folder.split('/').nth(2) == Some("wasm")
        {
            *crates.entry(folder).or_default() += file.text.lines().count();
        }
    }
    let large = crates.into_iter().filter(|(_, lines)| *lines > 150);
    large.map(|(folder, lines)| Finding::new(folder, 0, format!("{lines} lines"))).collect()
}

/// What people write by hand and read line by line.
fn is_code(file: &File) -> bool {
    let vendored = file.path.starts_with("wit/deps/");
    let extension = file.path.rsplit('.').next().unwrap_or_default();
    !vendored && ["rs", "wit", "sh"].contains(&extension)
}

fn is_exempt(file: &File) -> bool {
    EXEMPT.iter().any(|(path, _)| *path == file.path)
}

/// Files over their size, each with the reason why it is better whole.
const EXEMPT: &[(&str, &str)] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_a_violation() {
        let long = "\n".repeat(401);
        let planted = Project::of(&[("crates/a/src/lib.rs", &long), ("tests/a/src/b.rs", &long)]);
        assert_eq!(files(&planted).len(), 1);
    }

    #[test]
    fn a_long_line_is_a_violation_where_code_is() {
        let long = format!("//{}", "ä".repeat(99));
        let planted = Project::of(&[("a.rs", &long), ("README.md", &long), ("b.rs", "//ok")]);
        assert_eq!(lines(&planted), [Finding::new("a.rs", 1, "101 columns")]);
    }

    #[test]
    fn a_long_function_is_a_violation() {
        let long = format!("fn short(a: [u8; 2]) {{}}\nfn long() {{{}}}", "\n".repeat(60));
        let planted = Project::of(&[("a.rs", &long)]);
        assert_eq!(functions(&planted), [Finding::new("a.rs", 2, "long: 61 lines")]);
    }

    #[test]
    fn thick_glue_is_a_violation() {
        let thick = "\n".repeat(76);
        let planted = Project::of(&[
            ("components/a/wasm/service/src/lib.rs", &thick),
            ("components/a/wasm/service/src/more.rs", &thick),
            ("components/a/wasm/machine/src/lib.rs", &thick),
        ]);
        let findings = glue(&planted);
        assert_eq!(findings, [Finding::new("components/a/wasm/service", 0, "152 lines")]);
    }
}
