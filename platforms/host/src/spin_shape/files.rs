//! `files` of a component: copied below the state directory at the start, mounted read-only at `/`.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// One entry of `files`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Mount {
    /// A file, a folder or a pattern, seen under the same path.
    Pattern(String),
    /// A file or a folder, seen elsewhere.
    Placement {
        /// Path beside the manifest.
        source: String,
        /// Path for the component.
        destination: String,
    },
}

/// Copies what the mounts name from `base` to `target`, which is emptied first. What the patterns
/// of `excluded` match stays out.
pub(super) fn copy(
    mounts: &[Mount],
    excluded: &[String],
    base: &Path,
    target: &Path,
) -> anyhow::Result<()> {
    if target.exists() {
        std::fs::remove_dir_all(target)?;
    }
    std::fs::create_dir_all(target)?;
    // Here a star of Spin's goes on into folders.
    let is_excluded = |path: &str| {
        let fits = |one: &String| fits(one, path) || name_fits(one.as_bytes(), path.as_bytes());
        excluded.iter().any(fits)
    };
    for mount in mounts {
        let found = match mount {
            Mount::Pattern(pattern) => pairs(pattern, base)?,
            Mount::Placement { source, destination } => {
                placed(source, destination.trim_start_matches('/'), base)?
            }
        };
        for (source, seen) in found {
            if !is_excluded(&source) {
                let to = target.join(inside(&seen)?);
                let copied = copied(&base.join(&source), &to);
                copied.with_context(|| format!("cannot copy {source} to {}", to.display()))?;
            }
        }
    }
    Ok(())
}

/// Paths of files beside the manifest, and under which paths they are seen.
type Pairs = Vec<(String, String)>;

fn pairs(pattern: &str, base: &Path) -> anyhow::Result<Pairs> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    inside(pattern)?;
    let path = base.join(pattern);
    let same = |path: String| (path.clone(), path);
    if path.is_file() {
        return Ok(vec![same(pattern.to_owned())]);
    }
    if path.is_dir() {
        return Ok(files_below(base, pattern)?.into_iter().map(same).collect());
    }
    if !pattern.contains(['*', '?']) {
        bail!("{pattern:?} does not exist and doesn't appear to be a glob pattern");
    }
    // What stands before the first wildcard is a folder, and only that is walked.
    let before = pattern.split(['*', '?']).next().unwrap_or_default();
    let folder = before.rsplit_once('/').map_or("", |(folder, _)| folder);
    let files = files_below(base, folder)?;
    Ok(files.into_iter().filter(|file| fits(pattern, file)).map(same).collect())
}

fn placed(source: &str, destination: &str, base: &Path) -> anyhow::Result<Pairs> {
    inside(source)?;
    let path = base.join(source);
    if path.is_file() {
        return Ok(vec![(source.to_owned(), destination.to_owned())]);
    }
    if !path.is_dir() {
        bail!("file or directory {source:?} does not exist");
    }
    let seen = |file: String| {
        let rest = file.strip_prefix(source).unwrap_or(&file).trim_start_matches('/');
        let seen = format!("{destination}/{rest}");
        (file.clone(), seen.trim_start_matches('/').to_owned())
    };
    Ok(files_below(base, source)?.into_iter().map(seen).collect())
}

/// Every file in a folder and its folders, as paths beside the manifest.
fn files_below(base: &Path, folder: &str) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut left = vec![folder.trim_end_matches('/').to_owned()];
    while let Some(folder) = left.pop() {
        let path = base.join(&folder);
        let entries = std::fs::read_dir(&path);
        for entry in entries.with_context(|| format!("cannot read {}", path.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().with_context(|| format!("{name:?} is not UTF-8"))?;
            let relative = match folder.as_str() {
                "" => name.to_owned(),
                folder => format!("{folder}/{name}"),
            };
            if entry.path().is_dir() {
                left.push(relative);
            } else {
                files.push(relative);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn copied(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, to).map(drop)
}

/// The path, if it does not lead out of its folder.
fn inside(path: &str) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(path);
    let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !path.components().all(stays) {
        bail!("{} is outside the application directory", path.display());
    }
    Ok(path)
}

/// Does the pattern match the whole path? `*` and `?` stay within a name, `**` does not.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    parts_fit(&pattern, &path)
}

fn parts_fit(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), None) => parts_fit(rest, path),
        (Some((&"**", rest)), Some((_, deeper))) => {
            parts_fit(rest, path) || parts_fit(pattern, deeper)
        }
        (Some((pattern, patterns)), Some((part, parts))) => {
            name_fits(pattern.as_bytes(), part.as_bytes()) && parts_fit(patterns, parts)
        }
        _ => false,
    }
}

fn name_fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => name_fits(rest, name),
        (Some((b'*', rest)), Some((_, shorter))) => {
            name_fits(rest, name) || name_fits(pattern, shorter)
        }
        (Some((wanted, patterns)), Some((given, names))) => {
            (wanted == given || *wanted == b'?') && name_fits(patterns, names)
        }
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn application() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in ["spin.toml", "assets/a.css", "assets/deep/b.css", "assets/c.js"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        folder
    }

    fn seen(mounts: &str, excluded: &[&str]) -> anyhow::Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Files {
            files: Vec<Mount>,
        }
        let folder = application();
        let target = folder.path().join("state/files/things");
        let Files { files } = toml::from_str(&format!("files = {mounts}"))?;
        let excluded: Vec<_> = excluded.iter().map(|one| (*one).to_owned()).collect();
        std::fs::create_dir_all(&target)?;
        std::fs::write(target.join("old"), "of the last start")?;
        copy(&files, &excluded, folder.path(), &target)?;
        files_below(&target, "")
    }

    #[test]
    fn files_folders_and_patterns_are_seen_under_their_paths() {
        for (mounts, expected) in [
            ("['spin.toml']", vec!["spin.toml"]),
            ("['assets/deep']", vec!["assets/deep/b.css"]),
            ("['assets/*.css']", vec!["assets/a.css"]),
            ("['assets/**/*.css']", vec!["assets/a.css", "assets/deep/b.css"]),
            ("['assets/?.js', 'spin.toml']", vec!["assets/c.js", "spin.toml"]),
            ("[{ source = 'assets', destination = '/' }]", vec!["a.css", "c.js", "deep/b.css"]),
            ("[{ source = 'spin.toml', destination = '/etc/app.toml' }]", vec!["etc/app.toml"]),
        ] {
            assert_eq!(seen(mounts, &[]).unwrap(), expected, "{mounts}");
        }
        for pattern in ["assets/**/*.css", "assets/*.css"] {
            assert_eq!(seen("['assets']", &[pattern]).unwrap(), ["assets/c.js"], "{pattern}");
        }
    }

    #[test]
    fn what_is_missing_or_outside_is_refused() {
        for (mounts, word) in [
            ("['nothing']", "does not exist"),
            ("['../secret']", "outside"),
            ("['/etc/passwd']", "outside"),
            ("[{ source = 'spin.toml', destination = '/../../x' }]", "outside"),
            ("[{ source = 'nothing', destination = '/' }]", "does not exist"),
        ] {
            let error = format!("{:#}", seen(mounts, &[]).unwrap_err());
            assert!(error.contains(word), "{mounts}: {error}");
        }
    }
}
