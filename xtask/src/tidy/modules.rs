//! Rust files that no module declares: the compiler never sees them, so nobody notices that they
//! rot.

use std::collections::BTreeSet;

use super::project::Project;
use super::source::{File, Token};
use super::{Finding, Rule};

/// No dead files.
pub(super) const DEAD: Rule = Rule {
    title: "dead files",
    why: "a source that nothing declares is compiled by nobody",
    check: dead,
};

fn dead(project: &Project) -> Vec<Finding> {
    let mut alive: BTreeSet<String> = BTreeSet::new();
    let roots = project.packages.iter().flat_map(|package| &package.roots).cloned();
    let mut found: Vec<(String, bool)> = roots.map(|root| (root, true)).collect();
    while let Some((path, is_root)) = found.pop() {
        if alive.insert(path.clone())
            && let Some(file) = project.file(&path)
        {
            let declared = declared(file, is_root, project);
            found.extend(declared.into_iter().map(|path| (path, false)));
        }
    }
    let dead = project.rust().filter(|file| !alive.contains(&file.path));
    dead.map(|file| Finding::new(&file.path, 0, "no module declares it")).collect()
}

/// Files that a file declares or includes.
fn declared(file: &File, is_root: bool, project: &Project) -> Vec<String> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let own = if is_root || file.stem() == "mod" {
        folder.to_owned()
    } else {
        format!("{folder}/{}", file.stem())
    };
    let mut paths = Vec::new();
    for (name, inline) in modules(file.tokens()) {
        let base = inline.iter().fold(own.clone(), |base, part| format!("{base}/{part}"));
        for path in [format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")] {
            paths.extend(project.file(&path).map(|file| file.path.clone()));
        }
    }
    let attributes = file.find(&["path", "=", "_"]).filter_map(|found| found.last());
    let includes = file.find(&["include", "!", "(", "_"]).filter_map(|found| found.last());
    let strings = file.find(&["include_str", "!", "(", "_"]).filter_map(|found| found.last());
    let named = attributes.chain(includes).chain(strings).filter_map(Token::string);
    paths.extend(named.map(|name| joined(folder, name)));
    paths
}

/// `mod name;` with the inline modules around it.
fn modules(tokens: &[Token]) -> Vec<(&str, Vec<&str>)> {
    let mut modules = Vec::new();
    let (mut around, mut depth) = (Vec::new(), 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        let text = |offset: usize| tokens.get(at + offset).map_or("", |next| next.text.as_str());
        match token.text.as_str() {
            "mod" if text(2) == ";" => {
                modules.push((text(1), around.iter().map(|(name, _)| *name).collect()));
            }
            "mod" if text(2) == "{" => around.push((text(1), depth)),
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                around.pop_if(|(_, outer)| *outer == depth);
            }
            _ => {}
        }
    }
    modules
}

/// A path as it is meant from a folder.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::project::Package;

    fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
        let mut project = Project::of(files);
        project.packages.push(Package {
            name: "a".into(),
            folder: "crates/a".into(),
            roots: vec!["crates/a/src/lib.rs".into()],
            dependencies: Vec::new(),
        });
        dead(&project)
    }

    #[test]
    fn every_way_to_declare_a_file_is_known() {
        let alive = [
            (
                "crates/a/src/lib.rs",
                "mod b; pub mod c; #[path = \"odd.rs\"] mod d; mod e { mod f; }",
            ),
            ("crates/a/src/b.rs", "mod inner; // mod ghost;"),
            ("crates/a/src/b/inner.rs", ""),
            ("crates/a/src/c/mod.rs", "pub(crate) mod deep;"),
            ("crates/a/src/c/deep.rs", "const D: &str = include_str!(\"../text/told.rs\");"),
            ("crates/a/src/text/told.rs", ""),
            ("crates/a/src/odd.rs", ""),
            ("crates/a/src/e/f.rs", ""),
        ];
        assert_eq!(findings(&alive), []);
    }

    #[test]
    fn a_file_that_only_a_comment_declares_is_dead() {
        let files = [("crates/a/src/lib.rs", "// mod ghost;"), ("crates/a/src/ghost.rs", "")];
        let dead = Finding::new("crates/a/src/ghost.rs", 0, "no module declares it");
        assert_eq!(findings(&files), [dead]);
    }
}
