//! What a statement does, and to which table.

use super::Kind;
use super::tokens::Token;

/// Its kind, if it is one for components, and what it changes or defines is their own.
pub(super) fn kind(tokens: &[Token<'_>], is_own: impl Fn(&str) -> bool) -> Result<Kind, String> {
    let mut words = Words { left: tokens };
    if words.skip(&["WITH"]) {
        words.find_verb()?;
    }
    let is_own = Own(is_own);
    let [first, ..] = words.left else { return Err("no statement".to_owned()) };
    let verb = VERBS.iter().find(|verb| first.is_word(verb));
    match verb.copied() {
        Some("SELECT" | "VALUES") => return Ok(Kind::Read),
        Some("INSERT") => {
            words.skip_or_clause();
            words.expect(&["INTO"])?;
        }
        Some("REPLACE") => words.expect(&["REPLACE", "INTO"])?,
        Some("UPDATE") => words.skip_or_clause(),
        Some("DELETE") => words.expect(&["DELETE", "FROM"])?,
        // With WITH before it there is no such statement: SQLite says so.
        _ => return defines(words, &is_own),
    }
    is_own.name(&mut words)?;
    Ok(Kind::Change)
}

/// CREATE, ALTER and DROP of tables and indexes.
fn defines<F: Fn(&str) -> bool>(mut words: Words<'_>, is_own: &Own<F>) -> Result<Kind, String> {
    if words.skip(&["CREATE", "TABLE"]) {
        words.skip(&["IF", "NOT", "EXISTS"]);
        is_own.name(&mut words)?;
    } else if words.skip(&["CREATE", "INDEX"]) || words.skip(&["CREATE", "UNIQUE", "INDEX"]) {
        words.skip(&["IF", "NOT", "EXISTS"]);
        is_own.name(&mut words)?;
        words.expect(&["ON"])?;
        is_own.name(&mut words)?;
    } else if words.skip(&["ALTER", "TABLE"]) {
        is_own.name(&mut words)?;
        if words.skip(&["RENAME", "TO"]) {
            is_own.name(&mut words)?;
        }
    } else if words.skip(&["DROP", "TABLE"]) || words.skip(&["DROP", "INDEX"]) {
        words.skip(&["IF", "EXISTS"]);
        is_own.name(&mut words)?;
    } else {
        return Err("this kind of statement is not for components".to_owned());
    }
    Ok(Kind::Define)
}

/// Says whether a name is one of the component's.
struct Own<F>(F);

impl<F: Fn(&str) -> bool> Own<F> {
    /// Takes a name, which must be one of them, in no other database.
    fn name(&self, words: &mut Words<'_>) -> Result<(), String> {
        let [Token::Word(name) | Token::Quoted(name) | Token::Text(name), rest @ ..] = words.left
        else {
            return Err("one table is changed, by its name".to_owned());
        };
        // A quote right after it is one that was doubled: the name goes on.
        let goes_on =
            matches!(rest.first(), Some(Token::Mark(b'.') | Token::Quoted(_) | Token::Text(_)));
        if goes_on || !(self.0)(name) {
            return Err(format!("{name} is no table of this component"));
        }
        words.left = rest;
        Ok(())
    }
}

/// What of a statement is left to read.
struct Words<'t> {
    left: &'t [Token<'t>],
}

impl Words<'_> {
    /// Goes over these key words, if they come now.
    fn skip(&mut self, words: &[&str]) -> bool {
        let Some((now, rest)) = self.left.split_at_checked(words.len()) else { return false };
        let come = now.iter().zip(words).all(|(token, word)| token.is_word(word));
        if come {
            self.left = rest;
        }
        come
    }

    fn expect(&mut self, words: &[&str]) -> Result<(), String> {
        if self.skip(words) { Ok(()) } else { Err(format!("{} is missing", words.join(" "))) }
    }

    /// Goes over INSERT or UPDATE with their `OR IGNORE`.
    fn skip_or_clause(&mut self) {
        self.left = self.left.get(1..).unwrap_or_default();
        if self.skip(&["OR"]) {
            self.left = self.left.get(1..).unwrap_or_default();
        }
    }

    /// Goes over common table expressions: their queries stand in brackets.
    fn find_verb(&mut self) -> Result<(), String> {
        let mut depth = 0_usize;
        while let [token, rest @ ..] = self.left {
            match token {
                Token::Mark(b'(') => depth += 1,
                Token::Mark(b')') => depth = depth.saturating_sub(1),
                token if depth == 0 && VERBS.iter().any(|verb| token.is_word(verb)) => {
                    return Ok(());
                }
                _ => {}
            }
            self.left = rest;
        }
        Err("WITH and nothing after it".to_owned())
    }
}

/// SQLite's, all but the third reserved: no name is one of them without quotes.
const VERBS: [&str; 6] = ["SELECT", "VALUES", "REPLACE", "INSERT", "UPDATE", "DELETE"];
