//! What a step expects and what a runner saw, as a script writes it.

use core::fmt;

/// Words and facts: expected by a step, or observed by a runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Outcome words, for example `refused bid_too_low`.
    pub words: Vec<String>,
    /// Named values as a script writes them.
    pub facts: Vec<(String, String)>,
}

impl Observed {
    /// An observation with these words.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self { words: words.into_iter().map(str::to_owned).collect(), facts: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// What `self`, an expectation, asks for and `seen` does not show.
    pub fn missing_in(&self, seen: &Self) -> Vec<String> {
        let words = self.words.iter().filter(|word| !seen.words.contains(word)).cloned();
        let facts = self.facts.iter().filter(|fact| !seen.facts.contains(fact));
        words.chain(facts.map(|(name, value)| format!("{name}={value}"))).collect()
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))?;
        self.facts.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// Minor units as a script writes them, with that many decimals: `1000` is `10.00`.
pub fn major(minor: i64, decimals: u32) -> String {
    let scale = 10_i64.pow(decimals);
    if decimals == 0 {
        return minor.to_string();
    }
    format!("{}.{:0width$}", minor / scale, minor % scale, width = decimals as usize)
}

/// An instant as a script writes it: `+1.5s`.
pub fn offset(ms: i64) -> String {
    let text = major(ms, 3);
    format!("+{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Decimals of a currency's minor unit, for the currencies that scripts use.
pub fn decimals(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" => 0,
        "KWD" | "BHD" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}
