//! Names that say nothing attract everything.

use super::project::Project;
use super::{Finding, Rule};

/// No attic.
pub(super) const NAMES: Rule = Rule {
    title: "names",
    why: "a folder named after nothing collects what nobody placed: name the noun that it owns",
    check: names,
};

fn names(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.rust() {
        for part in file.path.trim_end_matches(".rs").split('/') {
            if BANNED.contains(&part) {
                findings.push(Finding::new(&file.path, 0, format!("{part} says nothing")));
            }
        }
        for module in file.find(&["mod", "_", "{"]).filter_map(|found| found.get(1)) {
            if BANNED.contains(&module.text.as_str()) {
                let text = format!("mod {} says nothing", module.text);
                findings.push(Finding::new(&file.path, module.line, text));
            }
        }
    }
    for package in &project.packages {
        if package.name.split(['-', '_']).any(|part| BANNED.contains(&part)) {
            let text = format!("{} says nothing", package.name);
            findings.push(Finding::new(&package.folder, 0, text));
        }
    }
    findings
}

const BANNED: &[&str] =
    &["common", "helper", "helpers", "misc", "shared", "types", "util", "utilities", "utils"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attic_is_a_violation() {
        for (path, text) in [
            ("crates/util/src/lib.rs", ""),
            ("crates/web/src/types.rs", ""),
            ("crates/web/src/lib.rs", "mod helpers { }"),
        ] {
            assert_eq!(names(&Project::of(&[(path, text)])).len(), 1, "{path}");
        }
        assert_eq!(names(&Project::of(&[("crates/web/src/page.rs", "")])), []);
    }
}
