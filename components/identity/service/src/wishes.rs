//! Passwords and names that people wish for: which are taken.

use core::ops::RangeInclusive;

use web::{FieldError, Problem};

/// 422 for a password that is too short, too long or known to everybody. There are no rules about
/// kinds of characters: they make passwords harder to remember, not harder to guess.
pub(crate) fn password(password: &str, email: Option<&str>) -> Result<(), Problem> {
    let chars = password.chars().count();
    if chars < PASSWORD_MIN_CHARS {
        let detail = "A password has at least 8 characters.";
        return Err(refused(Problem::new(422, "password_too_weak", detail), detail));
    }
    if chars > PASSWORD_MAX_CHARS {
        let detail = "A password has at most 128 characters.";
        return Err(refused(Problem::new(422, "password_too_long", detail), detail));
    }
    let lower = password.to_lowercase();
    if is_common(&lower) || email.is_some_and(|email| is_of(&lower, email)) {
        let detail = "This is one of the first passwords that anybody would try.";
        return Err(refused(Problem::new(422, "password_too_common", detail), detail));
    }
    Ok(())
}

/// A name that others see, trimmed: 400 when it is empty, longer than 64 characters or has
/// characters that are not seen, or that turn round what stands beside them.
pub(crate) fn display_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let fits = (1..=NAME_MAX_CHARS).contains(&name.chars().count()) && name.chars().all(is_seen);
    if fits {
        return Ok(name.to_owned());
    }
    let detail = "A name has 1 to 64 characters, none of them invisible.";
    Err(Problem::field("invalid_request", "/display_name".to_owned(), detail))
}

/// The same for a name that somebody else gave: what does not fit is left out.
pub(crate) fn given_name(name: &str, email: &str) -> String {
    let seen: String = name.chars().filter(|char| is_seen(*char)).take(NAME_MAX_CHARS).collect();
    let local = email.split('@').next().unwrap_or_default();
    display_name(&seen).unwrap_or_else(|_| local.to_owned())
}

fn refused(problem: Problem, detail: &str) -> Problem {
    let code = problem.code().to_owned().into();
    let (pointer, detail) = ("/password".to_owned(), detail.to_owned());
    problem.with_error(FieldError { pointer, code, detail })
}

fn is_common(lower: &str) -> bool {
    // Sorted, one a line: looked up line by line, which costs little beside hashing.
    COMMON.lines().any(|known| known == lower)
}

fn is_of(lower: &str, email: &str) -> bool {
    lower == email || email.split('@').next() == Some(lower)
}

/// Neither a control character nor one that formats: zero width, direction, tags.
fn is_seen(char: char) -> bool {
    let formats = FORMATTING.iter().any(|formatting| formatting.contains(&char));
    !char.is_control() && !formats
}

const FORMATTING: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{e0000}'..='\u{e007f}',
];
const COMMON: &str = include_str!("../data/common_passwords.txt");
const PASSWORD_MIN_CHARS: usize = 8;
const PASSWORD_MAX_CHARS: usize = 128;
const NAME_MAX_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<String> {
        password(text, Some("ana.lopez@example.test")).err().map(|problem| problem.code().into())
    }

    #[test]
    fn passwords_are_judged_by_length_in_characters_and_by_the_list() {
        for fine in ["eightcha", "ääääääää", &"🦀".repeat(128), "  eight  ", "ana.lopez!"]
        {
            assert_eq!(code(fine), None, "{fine}");
        }
        for weak in ["", "sevench", "äääääää"] {
            assert_eq!(code(weak).as_deref(), Some("password_too_weak"), "{weak}");
        }
        assert_eq!(code(&"a".repeat(129)).as_deref(), Some("password_too_long"));
        for common in ["password", "PassWord", "12345678", "qwertyuiop", "Ana.Lopez"] {
            assert_eq!(code(common).as_deref(), Some("password_too_common"), "{common}");
        }
    }

    #[test]
    fn the_list_is_what_its_page_says() {
        assert_eq!(COMMON.lines().count(), 3_000);
        assert!(COMMON.lines().is_sorted());
        assert!(COMMON.lines().all(|line| line.len() >= PASSWORD_MIN_CHARS));
    }

    #[test]
    fn names_are_seen() {
        assert_eq!(display_name(" Ana  López ").ok().as_deref(), Some("Ana  López"));
        let long = "x".repeat(65);
        for wrong in ["", "   ", "a\nb", "a\u{0}", "\u{202e}ana", "a\u{200b}", &long] {
            assert!(display_name(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(given_name("A\u{202e}na\n", "x@y.z"), "Ana");
        assert_eq!(given_name("\u{200b}", "x@y.z"), "x");
        assert_eq!(given_name(&long, "x@y.z").len(), 64);
    }
}
