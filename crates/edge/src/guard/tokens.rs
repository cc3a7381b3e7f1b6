//! The words and marks of a statement, cut where SQLite cuts them; what it could cut otherwise is
//! refused.

/// One of them, as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// A key word or a bare name.
    Word(&'s str),
    /// A name in quotes, without them.
    Quoted(&'s str),
    /// A text, without its quotes; where a name is wanted SQLite takes it for one.
    Text(&'s str),
    /// Something that begins with a digit.
    Number,
    /// The digits of `?1`; empty for `?`.
    Parameter(&'s str),
    /// Anything else, byte by byte.
    Mark(u8),
}

impl Token<'_> {
    /// Is it this key word?
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own.eq_ignore_ascii_case(word))
    }
}

/// Cuts a statement.
pub(super) fn read(sql: &str) -> Result<Vec<Token<'_>>, String> {
    if !sql.is_ascii() {
        return Err("a statement is ASCII".to_owned());
    }
    let mut tokens = Vec::new();
    let mut left = sql;
    while let Some(&first) = left.as_bytes().first() {
        if BLANKS.contains(&first) {
            left = left.get(1..).unwrap_or_default();
            continue;
        }
        let (token, length) = next(left, first)?;
        tokens.push(token);
        left = left.get(length..).unwrap_or_default();
    }
    Ok(tokens)
}

/// The first token, and how many bytes it has.
fn next(left: &str, first: u8) -> Result<(Token<'_>, usize), String> {
    match first {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
            let length = count(left, is_of_a_name);
            Ok((Token::Word(left.get(..length).unwrap_or_default()), length))
        }
        // What SQLite does not take for a number it refuses with all that sticks to it.
        b'0'..=b'9' => Ok((Token::Number, count(left, |b| is_of_a_name(b) || b == b'.'))),
        b'?' => {
            let digits = left.get(1..).unwrap_or_default();
            let length = count(digits, |byte| byte.is_ascii_digit());
            Ok((Token::Parameter(digits.get(..length).unwrap_or_default()), 1 + length))
        }
        b'\'' => quoted(left, '\'').map(|(text, length)| (Token::Text(text), length)),
        b'"' => quoted(left, '"').map(|(name, length)| (Token::Quoted(name), length)),
        b'`' => quoted(left, '`').map(|(name, length)| (Token::Quoted(name), length)),
        b'[' => quoted(left, ']').map(|(name, length)| (Token::Quoted(name), length)),
        _ if left.starts_with("--") || left.starts_with("/*") => {
            Err("comments are not for statements".to_owned())
        }
        _ if MARKS.contains(&first) => Ok((Token::Mark(first), 1)),
        _ => Err(format!("{:?} is not for statements", char::from(first))),
    }
}

/// What stands in quotes, and how far it goes. Where SQLite sees a doubled quote these are two,
/// which end where its one ends.
fn quoted(left: &str, quote: char) -> Result<(&str, usize), String> {
    let inner = left.get(1..).unwrap_or_default();
    let end = inner.find(quote).ok_or("a quote without its end")?;
    let inner = inner.get(..end).unwrap_or_default();
    if inner.contains('\0') {
        return Err("\\0 is not for statements".to_owned());
    }
    Ok((inner, end + 2))
}

fn count(text: &str, is_in: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is_in(*byte)).count()
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// SQLite's, without the vertical tab.
const BLANKS: &[u8] = b" \t\n\x0c\r";
/// SQLite's; others begin parameters that we do not count.
const MARKS: &[u8] = b"(),.;+-*/%=<>!&|~";
