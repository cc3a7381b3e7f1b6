//! The operator's page: queues and dead letters for people. No script, no picture, one column on a
//! telephone; it changes nothing, so nobody can be led to do that from elsewhere.

use std::fmt::Write as _;

use kernel::Timestamp;

use crate::queues::{DeadLetter, Stats};

/// The page. With every queue come its oldest dead letters.
pub(super) fn page(queues: &[(Stats, Vec<DeadLetter>)], now: i64) -> String {
    let mut html = String::from(HEAD);
    let dead: u64 = queues.iter().map(|(stats, _)| stats.dead).sum();
    let verdict = match dead {
        0 => "No dead letters.".to_owned(),
        1 => "One dead letter waits for you.".to_owned(),
        dead => format!("{dead} dead letters wait for you."),
    };
    let at = Timestamp::from_ms(now);
    let _ = write!(html, "<p>{verdict} Read at <time datetime=\"{at}\">{at}</time>.</p>");
    if queues.is_empty() {
        html.push_str("<p>The manifest has no consumers, so there are no queues.</p>");
    } else {
        overview(&mut html, queues, now);
    }
    for (stats, letters) in queues.iter().filter(|(stats, _)| stats.dead > 0) {
        dead_letters(&mut html, stats, letters);
    }
    html.push_str(FOOT);
    html
}

fn overview(html: &mut String, queues: &[(Stats, Vec<DeadLetter>)], now: i64) {
    html.push_str(
        "<h2>Queues</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Queues\">\
         <table><thead><tr><th scope=\"col\">Queue</th><th scope=\"col\">Waiting</th>\
         <th scope=\"col\">Under way</th><th scope=\"col\">Oldest</th>\
         <th scope=\"col\">Dead letters</th><th scope=\"col\">Delivered</th>\
         <th scope=\"col\">Retried</th></tr></thead><tbody>",
    );
    for (stats, _) in queues {
        let age = stats.oldest_at.map_or("–".to_owned(), |oldest| age(now.saturating_sub(oldest)));
        let idle = if stats.consumed { "" } else { " <em>(no consumer)</em>" };
        let dead = match stats.dead {
            0 => "0".to_owned(),
            dead => format!("<a href=\"#{0}\"><strong>{dead}</strong></a>", escape(&stats.name)),
        };
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{}{idle}</th><td>{}</td><td>{}</td><td>{age}</td>\
             <td>{dead}</td><td>{}</td><td>{}</td></tr>",
            escape(&stats.name),
            stats.depth.saturating_sub(stats.in_flight),
            stats.in_flight,
            stats.delivered,
            stats.retried,
        );
    }
    html.push_str("</tbody></table></div>");
}

fn dead_letters(html: &mut String, stats: &Stats, letters: &[DeadLetter]) {
    let name = escape(&stats.name);
    let shown = letters.len() as u64;
    let rest = if shown < stats.dead {
        format!(" The oldest {shown} of {} are shown.", stats.dead)
    } else {
        String::new()
    };
    let _ = write!(
        html,
        "<section><h2 id=\"{name}\">Dead letters of {name}</h2>\
         <p>Once the cause is mended: <code>ecomauction queues redrive {name}</code>.{rest}</p>"
    );
    for letter in letters {
        let event = serde_json::to_string_pretty(&letter.event).unwrap_or_default();
        let _ = write!(
            html,
            "<details><summary>{} <span>{} receives, {}</span></summary>\
             <p>{}</p><dl><dt>First received</dt><dd>{}</dd><dt>Last received</dt><dd>{}</dd>\
             <dt>Redriven</dt><dd>{}</dd></dl><pre>{}</pre></details>",
            escape(&letter.event.key),
            letter.receives,
            Timestamp::from_ms(letter.dead_at),
            escape(letter.error.as_deref().unwrap_or("Nothing was said about it.")),
            instant(letter.first_at),
            instant(letter.last_at),
            letter.redrives,
            escape(&event),
        );
    }
    html.push_str("</section>");
}

fn instant(ms: Option<i64>) -> String {
    ms.map_or("–".to_owned(), |ms| Timestamp::from_ms(ms).to_string())
}

fn age(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            symbol => escaped.push(symbol),
        }
    }
    escaped
}

/// What the page may load: nothing but its own style.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                                 form-action 'none'; frame-ancestors 'none'";

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<meta name=\"color-scheme\" content=\"light dark\"><title>Queues – EcomAuction operator</title>\
<style>\
body{font:1rem/1.5 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:1rem}\
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem;overflow-wrap:anywhere}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:end;padding:.4rem .6rem;border-bottom:1px solid #8886;\
font-variant-numeric:tabular-nums;white-space:nowrap}\
th:first-child{text-align:start}tbody th{font-weight:normal}\
@media(max-width:40rem){th:first-child{position:sticky;left:0;background:Canvas;\
min-width:9rem;white-space:normal;overflow-wrap:anywhere}}\
details{border-bottom:1px solid #8886}\
summary{padding:.7rem 0;cursor:pointer;overflow-wrap:anywhere}\
summary span{opacity:.8;font-size:.9em}\
dl{display:grid;grid-template-columns:auto 1fr;gap:0 1rem}\
dd{margin:0}pre{overflow-x:auto;padding:.6rem;background:#8882;border-radius:.3rem}\
</style></head><body><main><h1>Queues</h1>";

const FOOT: &str = "<hr><p>For programs: <a href=\"/v1/admin/queues\">/v1/admin/queues</a>, \
<a href=\"/metrics\">/metrics</a>, <a href=\"/healthz\">/healthz</a>, \
<a href=\"/readyz\">/readyz</a>.</p></main></body></html>";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queues::Event;

    #[test]
    fn nothing_that_was_sent_becomes_markup() {
        let stats = Stats { name: "a/b".to_owned(), dead: 2, depth: 3, ..Stats::default() };
        let poison = "<script>alert('1')</script>\"&";
        let letter = DeadLetter {
            seq: 1,
            event: Event {
                id: poison.to_owned(),
                source: poison.to_owned(),
                topic: "b".to_owned(),
                key: poison.to_owned(),
                time: 0,
                body: serde_json::to_vec(poison).unwrap_or_default(),
            },
            receives: 8,
            redrives: 0,
            first_at: Some(0),
            last_at: None,
            error: Some(poison.to_owned()),
            dead_at: 0,
        };
        let html = page(&[(stats, vec![letter])], 7_500_000);
        assert!(!html.contains("<script") && !html.contains("alert('"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 6);
        for word in
            ["2 dead letters wait", "The oldest 1 of 2", "queues redrive a/b", "lang=\"en\""]
        {
            assert!(html.contains(word), "{word}: {html}");
        }
        assert!(page(&[], 0).contains("no queues"));
    }

    #[test]
    fn ages_are_told_in_one_number() {
        let told = [0, 59_999, 60_000, 7_200_000, 200_000_000].map(age);
        assert_eq!(told, ["0 s", "59 s", "1 min", "2 h", "2 days"]);
    }
}
