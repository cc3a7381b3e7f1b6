//! In what a person recognises a session: what the client calls itself, in a few words.
//!
//! The header is kept nowhere. It is as long as whoever signs in wants it to be, and its numbers
//! tell more about a person than that person needs to know again. Nobody has to tell the truth in
//! it: the words are for people, and nothing is decided by them.

use web::Request;

/// The device that a request comes from.
pub(crate) fn of(request: &Request) -> Option<String> {
    described(request.header("user-agent")?)
}

/// `Firefox on Windows`; none when nothing in it is known.
fn described(agent: &str) -> Option<String> {
    if agent.len() > AGENT_MAX_BYTES {
        return None;
    }
    let client = named(CLIENTS, agent).or_else(|| product(agent));
    match (client, named(SYSTEMS, agent)) {
        (Some(client), Some(system)) => Some(format!("{client} on {system}")),
        (Some(client), None) => Some(client.to_owned()),
        (None, Some(system)) => Some(format!("Browser on {system}")),
        (None, None) => None,
    }
}

fn named(known: &[(&str, &'static str)], agent: &str) -> Option<&'static str> {
    known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
}

/// What stands first, as programs that are no browsers write it: `curl/8.5.0`.
fn product(agent: &str) -> Option<&str> {
    let word = agent.split(['/', ' ']).next()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_name = word.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_fine = is_name && word.len() <= PRODUCT_MAX_CHARS && word.bytes().all(is_plain);
    // Every browser begins with that.
    (is_fine && word != "Mozilla").then_some(word)
}

/// Marks and names, in this order: most browsers also say that they are Chrome, and that is Safari.
const CLIENTS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// The same: iPhones say that they are like a Mac, Android says that it is Linux.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];
/// Twice what browsers inside of other programs say.
const AGENT_MAX_BYTES: usize = 1_024;
const PRODUCT_MAX_CHARS: usize = 24;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the API document promises.
    const DEVICE_MAX_CHARS: usize = 40;

    #[test]
    fn browsers_and_programs_are_recognised() {
        for (agent, device) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, \
                 like Gecko) Version/26.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15",
                "Firefox on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Mobile/15E148",
                "Browser on iPad",
            ),
            ("curl/8.5.0", "curl"),
            ("AuctionWatch/2.1 (Android 15; Pixel 9)", "AuctionWatch on Android"),
        ] {
            assert_eq!(described(agent).as_deref(), Some(device), "{agent}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_kept() {
        let long = format!("Firefox/145.0 {}", "x".repeat(AGENT_MAX_BYTES));
        let product = "x".repeat(PRODUCT_MAX_CHARS + 1);
        for agent in ["", " ", "/", "Mozilla/5.0", "<b>bold</b>", "203.0.113.7", &long, &product] {
            assert_eq!(described(agent), None, "{agent:.40}");
        }
    }

    /// Whatever a header can hold, and what browsers say in an order that none says it in.
    fn agent() -> impl Strategy<Value = String> {
        let marks = CLIENTS.iter().chain(SYSTEMS).map(|(mark, _)| *mark).collect::<Vec<_>>();
        let part = prop_oneof![
            prop::sample::select(marks).prop_map(str::to_owned),
            "[A-Za-z0-9._-]{0,60}",
            "\\PC{0,60}",
        ];
        prop::collection::vec(part, 0..20).prop_map(|parts| parts.join(" "))
    }

    proptest! {
        #[test]
        fn a_device_is_a_few_plain_words_whatever_the_header(agent in agent()) {
            if let Some(device) = described(&agent) {
                prop_assert!((1..=DEVICE_MAX_CHARS).contains(&device.len()), "{device}");
                let is_plain = |byte: u8| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'.' | b'-' | b'_')
                };
                prop_assert!(device.bytes().all(is_plain), "{device}");
            }
        }
    }
}
