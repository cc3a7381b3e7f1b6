//! The root of the checkout is a closed list: it is the first thing that anybody sees.

use std::collections::BTreeSet;

use super::project::Project;
use super::{Finding, Rule};

/// Nothing new beside the README.
pub(super) const CLOSED: Rule = Rule {
    title: "root",
    why: "the root is a closed list; whatever else there is has a room",
    check: closed,
};

fn closed(project: &Project) -> Vec<Finding> {
    let entries: BTreeSet<&str> =
        project.paths().filter_map(|path| path.split('/').next()).collect();
    let strange = entries.into_iter().filter(|entry| !KNOWN.contains(entry));
    strange.map(|entry| Finding::new(entry, 0, "not in the list of tidy/root.rs")).collect()
}

const KNOWN: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clients",
    "clippy.toml",
    "components",
    "crates",
    "deny.toml",
    "docs",
    "infra",
    "platforms",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "spin.toml",
    "tests",
    "wit",
    "wrangler.toml",
    "xtask",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_in_the_root_is_a_violation() {
        let planted = Project::of(&[("README.md", ""), ("notes.txt", ""), ("attic/a.rs", "")]);
        assert_eq!(closed(&planted).len(), 2);
    }
}
