//! A file of the checkout; Rust files as tokens, so that rules see code and neither comments nor
//! strings.

use std::cell::OnceCell;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One text file.
pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    /// What it says.
    pub(super) text: String,
    tokens: OnceCell<Vec<Token>>,
}

/// One Rust token; brackets are tokens, too.
#[derive(Debug)]
pub(super) struct Token {
    /// As it stands in the file.
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
    /// Inside something that exists for tests only.
    pub(super) in_tests: bool,
}

impl File {
    /// A file with a path from the root.
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), tokens: OnceCell::new() }
    }

    /// A Rust source.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// A file of tests only: by its place or its name.
    pub(super) fn is_test(&self) -> bool {
        let path = &self.path;
        path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
    }

    /// File name without folder and extension.
    pub(super) fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.split_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The tokens; none of what is not Rust, which the compiler will complain about.
    pub(super) fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| {
            let mut tokens = Vec::new();
            if let Ok(stream) = self.text.parse::<TokenStream>() {
                flatten(stream, self.is_test(), &mut tokens);
            }
            tokens
        })
    }

    /// Where a sequence of tokens starts; `_` stands for any token.
    pub(super) fn find<'f>(&'f self, wanted: &'f [&'f str]) -> impl Iterator<Item = &'f [Token]> {
        self.tokens().windows(wanted.len()).filter(move |window| {
            let mut pairs = window.iter().zip(wanted);
            pairs.all(|(token, wanted)| *wanted == "_" || token.text == *wanted)
        })
    }
}

impl Token {
    /// What a string literal says.
    pub(super) fn string(&self) -> Option<&str> {
        self.text.strip_prefix('"')?.strip_suffix('"')
    }

    /// A number with a fraction, an exponent or a float's suffix.
    pub(super) fn is_float(&self) -> bool {
        let text = self.text.as_str();
        let decimal = text.starts_with(|first: char| first.is_ascii_digit())
            && !["0x", "0b", "0o"].iter().any(|base| text.starts_with(base));
        let (digits, _) = text.split_once('_').unwrap_or((text, ""));
        decimal
            && (text.contains('.')
                || text.ends_with("f32")
                || text.ends_with("f64")
                || digits.contains(['e', 'E']) && !digits.contains("size"))
    }
}

fn flatten(stream: TokenStream, in_tests: bool, tokens: &mut Vec<Token>) {
    let mut attributed = false;
    let mut previous = String::new();
    for tree in stream {
        let here = in_tests || attributed;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                let (first, last) = (group.span_open().start(), group.span_close().start());
                tokens.push(Token { text: open.into(), line: first.line, in_tests: here });
                if previous == "#" && group.delimiter() == Delimiter::Bracket {
                    attributed |= is_for_tests(&group.stream());
                } else if group.delimiter() == Delimiter::Brace {
                    attributed = false;
                }
                flatten(group.stream(), here, tokens);
                tokens.push(Token { text: close.into(), line: last.line, in_tests: here });
                previous.clear();
            }
            leaf => {
                let text = leaf.to_string();
                tokens.push(Token {
                    text: text.clone(),
                    line: leaf.span().start().line,
                    in_tests: here,
                });
                if text == ";" {
                    attributed = false;
                }
                previous = text;
            }
        }
    }
}

/// `cfg(test)` and its like; `test` itself marks a function of such a module.
fn is_for_tests(attribute: &TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text == "test" || text.starts_with("cfg(test") || text.starts_with("cfg(all(test")
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        let file = File::new("a.rs", "// HashMap\nfn a() { b(\"HashMap\") }");
        assert_eq!(file.find(&["HashMap"]).count(), 0);
        assert_eq!(file.find(&["b", "("]).count(), 1);
    }

    #[test]
    fn modules_of_tests_are_told_apart() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}";
        let file = File::new("a.rs", text);
        let in_tests = |name: &str| file.find(&["fn", name]).next().map(|found| found[0].in_tests);
        assert_eq!(in_tests("a"), Some(false));
        assert_eq!(in_tests("b"), Some(true));
        assert_eq!(in_tests("c"), Some(false));
        assert_eq!(file.find(&["fn", "b"]).next().unwrap()[0].line, 4);
    }

    #[test]
    fn floats_are_told_from_integers() {
        let file = File::new("a.rs", "1.5 2e3 4f64 17 1_000 0xfe 5u64 3usize 7i64");
        let floats: Vec<_> = file.tokens().iter().filter(|token| token.is_float()).collect();
        assert_eq!(floats.len(), 3, "{floats:?}");
    }
}
