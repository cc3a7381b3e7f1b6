//! The platforms of the suite, and what stands for each of them here.

use std::path::PathBuf;
use std::process::Command;

/// A platform that the suite runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    /// Our own host.
    Host,
    /// Spin.
    Spin,
    /// Cloudflare's Worker, on workerd.
    Cloudflare,
}

/// Which platforms are asked.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Platforms {
    /// All three.
    All,
    /// Our own host.
    Host,
    /// Spin 4.1 or newer on PATH, or the one that CONFORMANCE_SPIN names, or else its shape in our
    /// binary.
    Spin,
    /// Cloudflare's Worker, on workerd.
    Cloudflare,
}

impl Platforms {
    /// Those, in the order of the columns.
    pub(super) fn each(self) -> &'static [Platform] {
        match self {
            Self::All => &[Platform::Host, Platform::Spin, Platform::Cloudflare],
            Self::Host => &[Platform::Host],
            Self::Spin => &[Platform::Spin],
            Self::Cloudflare => &[Platform::Cloudflare],
        }
    }
}

impl Platform {
    /// By its name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [Self::Host, Self::Spin, Self::Cloudflare];
        all.into_iter().find(|platform| platform.name() == name)
    }

    /// What `CONFORMANCE_PLATFORM` calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Spin => "spin",
            Self::Cloudflare => "cloudflare",
        }
    }
}

/// The Spin that the suite runs.
pub(super) struct Spin {
    /// A real one; none where its shape stands for it.
    pub(super) program: Option<PathBuf>,
    /// What it is, for the matrix.
    pub(super) what: String,
}

impl Spin {
    /// The one that `CONFORMANCE_SPIN` names, or one on PATH, or the shape. The suite looks in the
    /// same places; it is told what was found, so that the matrix does not lie.
    pub(super) fn find() -> anyhow::Result<Self> {
        let named = std::env::var_os("CONFORMANCE_SPIN");
        let program = PathBuf::from(named.clone().unwrap_or_else(|| "spin".into()));
        let version = if program.as_os_str().is_empty() { None } else { version(&program) };
        match (version, named.filter(|named| !named.is_empty())) {
            (Some(told), _) if is_new_enough(&told) => {
                let what = format!("{told}, {}", program.display());
                Ok(Self { program: Some(program), what })
            }
            (told, Some(_)) => {
                let told = told.unwrap_or_else(|| "nothing".to_owned());
                anyhow::bail!("CONFORMANCE_SPIN is {} and says {told}", program.display())
            }
            (told, None) => {
                let why = told.map_or("no spin is on PATH".to_owned(), |told| {
                    format!("{told} is older than 4.1")
                });
                let version = env!("CARGO_PKG_VERSION");
                let what = format!("`ecomauction {version} up --only spin`, its shape: {why}");
                Ok(Self { program: None, what })
            }
        }
    }
}

fn version(program: &PathBuf) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(told)
}

/// `spin 4.1.0 (…)`.
fn is_new_enough(told: &str) -> bool {
    let mut numbers = told.strip_prefix("spin ").unwrap_or_default().split('.');
    let mut next = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    matches!((next(), next()), (Some(major), Some(minor)) if (major, minor) >= (4, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_spin_is_none() {
        assert!(is_new_enough("spin 4.1.0 (abc 2026-11-01)") && is_new_enough("spin 5.0.0"));
        assert!(!is_new_enough("spin 4.0.9") && !is_new_enough("something else 9.9"));
    }
}
