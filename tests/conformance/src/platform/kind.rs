//! Which platforms there are, and which of them is asked.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A platform that the suite knows how to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Our own host.
    Host,
    /// Spin: a real one of 4.1 or newer, or else its shape in our binary.
    Spin,
    /// Cloudflare's Worker, on workerd.
    Cloudflare,
}

impl Kind {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Host, Self::Spin, Self::Cloudflare];

    /// The one that `CONFORMANCE_PLATFORM` names; our host when it names none.
    ///
    /// # Panics
    /// When it names something else.
    pub fn chosen() -> Self {
        let Ok(named) = std::env::var("CONFORMANCE_PLATFORM") else { return Self::Host };
        let known = Self::ALL.into_iter().find(|kind| kind.name() == named);
        known.unwrap_or_else(|| panic!("CONFORMANCE_PLATFORM is no {named}: {:?}", Self::ALL))
    }

    /// What `CONFORMANCE_PLATFORM` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Spin => "spin",
            Self::Cloudflare => "cloudflare",
        }
    }
}

/// A real Spin that can run our components: the one that `CONFORMANCE_SPIN` names, or else one on
/// PATH; none where only its shape is left. An empty name wants the shape.
///
/// # Panics
/// When a named one is missing or too old: nobody wants to test another one unawares.
pub(crate) fn real_spin() -> Option<PathBuf> {
    match std::env::var_os("CONFORMANCE_SPIN") {
        Some(named) if named.is_empty() => None,
        Some(named) => {
            let named = PathBuf::from(named);
            assert!(is_new_enough(&named), "{} is no Spin of 4.1 or newer", named.display());
            Some(named)
        }
        None => Some(PathBuf::from("spin")).filter(|spin| is_new_enough(spin)),
    }
}

fn is_new_enough(spin: &Path) -> bool {
    let Ok(output) = Command::new(spin).arg("--version").output() else { return false };
    output.status.success() && is_new_enough_version(&String::from_utf8_lossy(&output.stdout))
}

/// `spin 4.1.0 (…)`.
fn is_new_enough_version(told: &str) -> bool {
    let mut numbers = told.trim().strip_prefix("spin ").unwrap_or_default().split('.');
    let mut next = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    matches!((next(), next()), (Some(major), Some(minor)) if (major, minor) >= (4, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_spin_is_no_spin() {
        for told in ["spin 4.1.0 (abc 2026-11-01)", "spin 4.10.2-pre0", "spin 5.0.0\n"] {
            assert!(is_new_enough_version(told), "{told}");
        }
        for told in ["spin 4.0.1 (abc)", "spin 3.9.0", "Spin Version 6.5", "4.1.0", ""] {
            assert!(!is_new_enough_version(told), "{told}");
        }
    }
}
