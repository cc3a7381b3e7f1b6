//! What may not be written: in machines whatever could decide differently tomorrow, in tests what
//! hides them.

use super::project::Project;
use super::source::File;
use super::{Finding, Rule};

/// Nothing undeterministic in a machine.
pub(super) const MACHINES: Rule = Rule {
    title: "bans in machines",
    why: "a replay of the log must give the same bytes on every platform, in every year",
    check: machines,
};

/// Tests are found by name and skipped with a reason.
pub(super) const TESTS: Rule = Rule {
    title: "manners of tests",
    why: "a test is a sentence, and one that is skipped says why",
    check: tests,
};

fn machines(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.rust().filter(|file| decides(file)) {
        for (pattern, instead) in BANNED {
            // An argument without a name is thrown away: serde wants serializers to have such.
            let unnamed = [&["_", ":"], *pattern].concat();
            let unnamed = file.find(&unnamed).filter_map(|found| found.first());
            let unnamed = unnamed.filter(|token| token.text == "_").map(|token| token.line);
            let unnamed: Vec<_> = unnamed.collect();
            for found in file.find(pattern).filter_map(|found| found.first()) {
                if !found.in_tests && !unnamed.contains(&found.line) {
                    let text = format!("{}: {instead}", pattern.concat());
                    findings.push(Finding::new(&file.path, found.line, text));
                }
            }
        }
        for token in file.tokens().iter().filter(|token| token.is_float() && !token.in_tests) {
            let text = format!("{}: money and time are integers", token.text);
            findings.push(Finding::new(&file.path, token.line, text));
        }
    }
    findings
}

fn tests(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.rust() {
        for found in file.find(&["#", "[", "ignore", "]"]).filter_map(|found| found.first()) {
            findings.push(Finding::new(&file.path, found.line, "ignored without a reason"));
        }
        for name in file.find(&["fn", "_"]).filter_map(|found| found.last()) {
            if name.in_tests && name.text.starts_with("test_") {
                let text = format!("{}: say what holds", name.text);
                findings.push(Finding::new(&file.path, name.line, text));
            }
        }
    }
    findings
}

/// Machines, the kernel that they are made of, and what plays with them.
fn decides(file: &File) -> bool {
    let mut parts = file.path.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("crates"), Some("kernel"), _) => !file.is_test(),
        (Some("components"), Some(_), Some("machine" | "sandbox")) => !file.is_test(),
        _ => false,
    }
}

const BANNED: &[(&[&str], &str)] = &[
    (&["SystemTime"], "time is passed in"),
    (&["Instant"], "time is passed in"),
    (&["HashMap"], "its order differs from run to run: BTreeMap"),
    (&["HashSet"], "its order differs from run to run: BTreeSet"),
    (&["f32"], "money and time are integers"),
    (&["f64"], "money and time are integers"),
    (&["async"], "a machine never waits"),
    (&["await"], "a machine never waits"),
    (&["static", "mut"], "state is what events made"),
    (&["thread_local"], "state is what events made"),
    (&["std", ":", ":", "env"], "a machine has no surroundings"),
    (&["std", ":", ":", "fs"], "a machine has no surroundings"),
    (&["std", ":", ":", "net"], "a machine has no surroundings"),
    (&["std", ":", ":", "process"], "a machine has no surroundings"),
    (&["std", ":", ":", "thread"], "a machine has no surroundings"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_could_decide_differently_is_a_violation() {
        let planted = "use std::collections::HashMap;\nfn a() { b(SystemTime::now(), 0.5) }";
        for path in ["components/a/machine/src/lib.rs", "crates/kernel/src/time.rs"] {
            let findings = machines(&Project::of(&[(path, planted)]));
            assert_eq!(findings.len(), 3, "{findings:?}");
        }
    }

    #[test]
    fn an_argument_that_is_thrown_away_may_have_any_type() {
        let planted = "fn serialize(self, _: f64) -> Error { refuse() }\nfn price(of: f64) {}";
        let findings = machines(&Project::of(&[("crates/kernel/src/a.rs", planted)]));
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn services_and_tests_of_machines_may() {
        let text = "use std::collections::HashMap;";
        let in_tests = format!("#[cfg(test)]\nmod tests {{ {text} }}");
        let planted = Project::of(&[
            ("components/a/service/src/lib.rs", text),
            ("components/a/machine/src/lib.rs", &in_tests),
            ("components/a/machine/tests/model.rs", text),
        ]);
        assert_eq!(machines(&planted), []);
    }

    #[test]
    fn a_test_that_hides_is_a_violation() {
        let planted = "#[cfg(test)]\nmod tests {\n#[ignore]\n#[test]\nfn test_it() {}\n}";
        assert_eq!(tests(&Project::of(&[("crates/a/src/lib.rs", planted)])).len(), 2);
        let honest = "#[cfg(test)]\nmod tests {\n#[ignore = \"slow\"]\n#[test]\nfn it_is() {}\n}";
        assert_eq!(tests(&Project::of(&[("crates/a/src/lib.rs", honest)])), []);
    }
}
