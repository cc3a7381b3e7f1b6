//! Prose that repeats something is held to it.

use super::project::Project;
use super::{Finding, Rule};

/// README shows what the program prints.
pub(super) const WALKTHROUGH: Rule = Rule {
    title: "walk-through",
    why: "README and `up` show the same lines, docs/guide/walkthrough.md",
    check: walkthrough,
};

/// Every room is described.
pub(super) const HOUSE: Rule = Rule {
    title: "rooms in prose",
    why: "ARCHITECTURE.md says of every room what it does and what it does not know",
    check: house,
};

fn walkthrough(project: &Project) -> Vec<Finding> {
    let Some(readme) = project.file(README) else {
        return vec![Finding::new(README, 0, "missing")];
    };
    let Some(lines) = project.file(LINES) else {
        return vec![Finding::new(LINES, 0, "missing")];
    };
    if readme.text.contains(lines.text.trim_end()) {
        return Vec::new();
    }
    vec![Finding::new(README, 0, format!("does not contain {LINES} word for word"))]
}

fn house(project: &Project) -> Vec<Finding> {
    let described = project.file(HOUSE_PLAN).map_or("", |file| &file.text);
    let mut findings = Vec::new();
    for package in &project.packages {
        if !described.contains(&format!("`{}`", package.folder)) {
            let text = format!("says nothing about `{}`", package.folder);
            findings.push(Finding::new(HOUSE_PLAN, 0, text));
        }
    }
    findings
}

const README: &str = "README.md";
const LINES: &str = "docs/guide/walkthrough.md";
const HOUSE_PLAN: &str = "ARCHITECTURE.md";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::project::Package;

    #[test]
    fn a_readme_that_shows_other_lines_is_a_violation() {
        let same = Project::of(&[(README, "Try:\n\n    curl a\n\nMore."), (LINES, "    curl a\n")]);
        assert_eq!(walkthrough(&same), []);
        let other = Project::of(&[(README, "Try:\n\n    curl b\n"), (LINES, "    curl a\n")]);
        assert_eq!(walkthrough(&other).len(), 1);
    }

    #[test]
    fn a_room_that_nobody_describes_is_a_violation() {
        let mut planted = Project::of(&[(HOUSE_PLAN, "| `crates/web` | manners |")]);
        for folder in ["crates/web", "crates/attic"] {
            planted.packages.push(Package {
                name: folder.into(),
                folder: folder.into(),
                roots: Vec::new(),
                dependencies: Vec::new(),
            });
        }
        assert_eq!(house(&planted).len(), 1);
    }
}
