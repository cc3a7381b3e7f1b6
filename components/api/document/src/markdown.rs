//! The little Markdown that summaries and error pages use: headings, paragraphs, lists, code.

/// HTML of a text; `##` becomes a heading of level `level`.
pub(crate) fn html(text: &str, level: u8) -> String {
    let mut html = String::new();
    let blocks = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    for block in blocks {
        if let Some(heading) = block.strip_prefix("## ") {
            html.push_str(&format!("<h{level}>{}</h{level}>\n", inline(heading)));
        } else if block.starts_with("- ") {
            html.push_str("<ul>\n");
            for item in format!("\n{block}").split("\n- ").skip(1) {
                html.push_str(&format!("<li>{}</li>\n", inline(item)));
            }
            html.push_str("</ul>\n");
        } else {
            html.push_str(&format!("<p>{}</p>\n", inline(block)));
        }
    }
    html
}

/// HTML of a line: `code` alone is marked.
pub(crate) fn inline(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in text.split('`').enumerate() {
        let part = escaped(part);
        if at % 2 == 1 {
            html.push_str(&format!("<code>{part}</code>"));
        } else {
            html.push_str(&part);
        }
    }
    html
}

/// Text as it may stand between tags and in attributes.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_html_and_nothing_gets_through() {
        let text = "What `a<b` does & \"why\".\n\n## What to do\n\n- One\n- `Two`\n";
        let paragraph = "<p>What <code>a&lt;b</code> does &amp; &quot;why&quot;.</p>\n";
        let rest = "<h4>What to do</h4>\n<ul>\n<li>One</li>\n<li><code>Two</code></li>\n</ul>\n";
        assert_eq!(html(text, 4), format!("{paragraph}{rest}"));
    }
}
