//! What a statement of a component may do. `spin:sqlite` has no authorizer and silently runs only
//! the first of several statements, so this reads the text itself.
//!
//! Whose a table is says its name, and a statement cannot reach a table that it does not name:
//! names of the platform, of SQLite and of other components stand nowhere in it, neither bare nor
//! quoted. What it changes or defines begins with the component's own prefix besides.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
mod tokens;
mod verb;

use std::cell::RefCell;
use std::collections::BTreeMap;

use kernel::limits::SQL_MAX_PARAMETERS;
use ports::Statement;

use tokens::{Token, read};

/// The rules for one component, and what they said about statements so far.
pub(crate) struct Guard {
    names: Option<Names>,
    verdicts: RefCell<BTreeMap<String, Result<Verdict, String>>>,
}

/// What the names of tables begin with, in lower case.
struct Names {
    own: String,
    others: Vec<String>,
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
    /// Rules for tables whose names begin with `own`, beside the tables of others.
    pub(crate) fn new<'o>(own: Option<&str>, others: impl IntoIterator<Item = &'o str>) -> Self {
        let own = own.filter(|prefix| !prefix.is_empty()).map(str::to_ascii_lowercase);
        let others = others.into_iter().filter(|prefix| !prefix.is_empty());
        let others = others.map(str::to_ascii_lowercase);
        let names = own.map(|own| Names { others: others.filter(|o| *o != own).collect(), own });
        Self { names, verdicts: RefCell::default() }
    }

    /// May it run, with these parameters? If not, why?
    pub(crate) fn check(&self, statement: &Statement) -> Result<Kind, String> {
        let given = statement.parameters.len();
        if given > SQL_MAX_PARAMETERS {
            return Err(format!("more than {SQL_MAX_PARAMETERS} parameters"));
        }
        if statement.sql.len() > SQL_MAX_BYTES {
            return Err(format!("a statement has at most {SQL_MAX_BYTES} bytes"));
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
        let names = self.names.as_ref().ok_or("the manifest grants no tables")?;
        let mut tokens = read(sql)?;
        if tokens.last() == Some(&Token::Mark(b';')) {
            tokens.pop();
        }
        bounded(&tokens)?;
        for token in &tokens {
            match token {
                Token::Word(name) | Token::Quoted(name) | Token::Text(name) => names.allow(name)?,
                Token::Mark(b';') => return Err("several statements, not one".to_owned()),
                Token::Number | Token::Parameter(_) | Token::Mark(_) => {}
            }
        }
        let kind = verb::kind(&tokens, |name| names.is_own(name))?;
        Ok(Verdict { kind, parameters: parameters(&tokens)? })
    }
}

impl Names {
    /// The longer prefix says whose a name is.
    fn is_own(&self, name: &str) -> bool {
        let others = self.others.iter().filter(|other| other.len() > self.own.len());
        begins_with(name, &self.own) && !others.into_iter().any(|other| begins_with(name, other))
    }

    /// May it stand in a statement, as whatever it stands there?
    fn allow(&self, name: &str) -> Result<(), String> {
        let is_others = self.others.iter().any(|other| begins_with(name, other));
        let is_reserved = RESERVED.iter().any(|prefix| begins_with(name, prefix));
        if is_reserved || is_others && !self.is_own(name) {
            return Err(format!("{name} is not for this component's statements"));
        }
        Ok(())
    }
}

fn begins_with(name: &str, prefix: &str) -> bool {
    let begin = name.as_bytes().get(..prefix.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// What SQLite does with these needs no more stack than it has.
fn bounded(tokens: &[Token<'_>]) -> Result<(), String> {
    if tokens.len() > TOKENS_MAX {
        return Err(format!("a statement of more than {TOKENS_MAX} words and marks"));
    }
    let mut depth = 0_usize;
    for token in tokens {
        match token {
            Token::Mark(b'(') => depth += 1,
            Token::Mark(b')') => {
                depth = depth.checked_sub(1).ok_or("a ) without its (")?;
            }
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} brackets in one another"));
        }
    }
    let unites = |token: &&Token<'_>| UNIONS.iter().any(|word| token.is_word(word));
    if tokens.iter().filter(unites).count() > UNIONS_MAX {
        return Err(format!("more than {UNIONS_MAX} times UNION"));
    }
    Ok(())
}

/// How many there are, as SQLite counts: `?` follows the largest before it.
fn parameters(tokens: &[Token<'_>]) -> Result<usize, String> {
    let mut parameters = 0;
    for token in tokens {
        let Token::Parameter(digits) = token else { continue };
        let number = if digits.is_empty() { Ok(parameters + 1) } else { digits.parse() };
        match number {
            Ok(number @ 1..=SQL_MAX_PARAMETERS) => parameters = parameters.max(number),
            _ => return Err(format!("?{digits} is no parameter: ?1 to ?{SQL_MAX_PARAMETERS}")),
        }
    }
    Ok(parameters)
}

/// What the names of the platform and of SQLite begin with, and functions and tables that show
/// other people's tables, take their names as values, or reach into the host.
const RESERVED: &[&str] = &[
    "edge_",
    "sqlite_",
    "pragma_",
    "libsql_",
    "dbstat",
    "load_extension",
    "fts",
    "rtree",
    "vector_top_k",
    "bytecode",
    "tables_used",
];
const UNIONS: &[&str] = &["UNION", "EXCEPT", "INTERSECT"];
const VERDICTS_MAX: usize = 512;
const SQL_MAX_BYTES: usize = 64 << 10;
/// Some hundred are usual.
const TOKENS_MAX: usize = 1_000;
const DEPTH_MAX: usize = 100;
const UNIONS_MAX: usize = 32;
