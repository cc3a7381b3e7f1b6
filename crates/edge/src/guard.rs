//! What a statement of a component may do. `spin:sqlite` has no authorizer and silently runs only
//! the first of several statements, so this reads the text itself, and refuses whatever SQLite and
//! the parser could understand differently.

mod dialect;
mod names;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use kernel::limits::SQL_MAX_PARAMETERS;
use ports::Statement;
use sqlparser::ast::Visit as _;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace, Word};

use dialect::Sqlite;
use names::Names;

/// The rules for one component, and what they said about statements so far.
pub(crate) struct Guard {
    prefix: Option<String>,
    verdicts: RefCell<BTreeMap<String, Result<Verdict, String>>>,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads rows.
    Read,
    /// Changes rows.
    Change,
    /// Changes tables.
    Define,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Verdict {
    kind: Kind,
    parameters: usize,
}

impl Guard {
    /// Rules for tables whose names begin with `prefix`.
    pub(crate) fn new(prefix: Option<&str>) -> Self {
        let prefix = prefix.map(str::to_ascii_lowercase);
        Self { prefix, verdicts: RefCell::default() }
    }

    /// May it run, with these parameters? If not, why?
    pub(crate) fn check(&self, statement: &Statement) -> Result<Kind, String> {
        let given = statement.parameters.len();
        if given > SQL_MAX_PARAMETERS {
            return Err(format!("more than {SQL_MAX_PARAMETERS} parameters"));
        }
        let Verdict { kind, parameters } = self.verdict(&statement.sql)?;
        if given != parameters {
            return Err(format!("the statement has {parameters} parameters, {given} were given"));
        }
        Ok(kind)
    }

    fn verdict(&self, sql: &str) -> Result<Verdict, String> {
        if let Some(known) = self.verdicts.borrow().get(sql) {
            return known.clone();
        }
        let verdict = self.judge(sql);
        let mut verdicts = self.verdicts.borrow_mut();
        if verdicts.len() >= VERDICTS_MAX {
            verdicts.clear();
        }
        verdicts.insert(sql.to_owned(), verdict.clone());
        verdict
    }

    fn judge(&self, sql: &str) -> Result<Verdict, String> {
        let prefix = self.prefix.as_deref().ok_or("the manifest grants no tables")?;
        if sql.len() > SQL_MAX_BYTES || !sql.is_ascii() {
            return Err(format!("a statement is ASCII, of at most {SQL_MAX_BYTES} bytes"));
        }
        let dialect = Sqlite::new();
        let tokens = Tokenizer::new(&dialect, sql).tokenize().map_err(|error| error.to_string())?;
        bounded(&tokens)?;
        let parameters = parameters(&tokens)?;
        let parser = Parser::new(&dialect).with_tokens(tokens);
        let statements = { parser }.parse_statements().map_err(|error| error.to_string())?;
        let [statement] = statements.as_slice() else {
            return Err(format!("{} statements, not one", statements.len()));
        };
        let mut names = Names::new(prefix);
        let kind = names.target(statement)?;
        match statement.visit(&mut names) {
            ControlFlow::Continue(()) => Ok(Verdict { kind, parameters }),
            ControlFlow::Break(why) => Err(why),
        }
    }
}

fn bounded(tokens: &[Token]) -> Result<(), String> {
    let unites = |token: &&Token| matches!(token, Token::Word(word) if is_union(word));
    if tokens.iter().filter(unites).count() > UNIONS_MAX {
        return Err(format!("more than {UNIONS_MAX} times UNION"));
    }
    let blank = |token: &&Token| matches!(token, Token::Whitespace(_));
    if tokens.iter().filter(|token| !blank(token)).count() > TOKENS_MAX {
        return Err(format!("a statement of more than {TOKENS_MAX} words and marks"));
    }
    Ok(())
}

/// Counts parameters, and refuses words and texts that no statement needs: nothing that follows can
/// then miss them.
fn parameters(tokens: &[Token]) -> Result<usize, String> {
    let mut parameters = 0;
    for token in tokens {
        match token {
            Token::Placeholder(name) => {
                let number = name.strip_prefix('?').unwrap_or_default();
                let number = if name == "?" { Ok(parameters + 1) } else { number.parse() };
                match number {
                    Ok(number @ 1..=SQL_MAX_PARAMETERS) => parameters = parameters.max(number),
                    _ => {
                        return Err(format!("{name} is no parameter: ?1 to ?{SQL_MAX_PARAMETERS}"));
                    }
                }
            }
            Token::Word(word) => reserved(&word.value)?,
            Token::SingleQuotedString(text) => reserved(text)?,
            Token::Whitespace(
                Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
            ) => return Err("comments are not for statements".to_owned()),
            Token::Whitespace(_) | Token::Number(..) | Token::HexStringLiteral(_) => {}
            mark if is_mark(mark) => {}
            other => return Err(format!("{other} is not for statements")),
        }
    }
    Ok(parameters)
}

fn is_union(word: &Word) -> bool {
    matches!(word.keyword, Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT)
}

/// The platform's names and SQLite's own.
fn reserved(name: &str) -> Result<(), String> {
    let name = name.to_ascii_lowercase();
    let is_own = OWN.iter().any(|own| name.starts_with(own));
    if is_own || name == "load_extension" || name.contains('\0') {
        return Err(format!("{name} is not for statements"));
    }
    Ok(())
}

/// Is it one of SQLite's marks? Others begin texts and parameters that it reads differently.
fn is_mark(token: &Token) -> bool {
    use Token::{
        Ampersand, Arrow, Comma, Div, DoubleEq, Eq, Gt, GtEq, LParen, LongArrow, Lt, LtEq, Minus,
        Mod, Mul, Neq, Period, Pipe, Plus, RParen, SemiColon, ShiftLeft, ShiftRight, StringConcat,
        Tilde,
    };
    let arithmetic = matches!(token, Plus | Minus | Mul | Div | Mod | StringConcat);
    let bits = matches!(token, Ampersand | Pipe | Tilde | ShiftLeft | ShiftRight);
    let comparison = matches!(token, Eq | DoubleEq | Neq | Lt | Gt | LtEq | GtEq);
    let json = matches!(token, Arrow | LongArrow);
    let around = matches!(token, Comma | LParen | RParen | Period | SemiColon);
    arithmetic || bits || comparison || json || around
}

const OWN: &[&str] = &["edge_", "sqlite_", "pragma_"];
const VERDICTS_MAX: usize = 512;
const SQL_MAX_BYTES: usize = 64 << 10;
/// Some hundred are usual.
const TOKENS_MAX: usize = 1_000;
/// A tree too, which only this bounds.
const UNIONS_MAX: usize = 32;
