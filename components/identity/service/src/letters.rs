//! Letters with codes: made and sent when their message comes, in nobody's request.

use kernel::Timestamp;
use ports::{Delivery, Letter, Mail, MailError, Message, Ports, Sql, SqlError, Statement};
use serde::Deserialize;
use web::Problem;

use crate::codes::{self, Purpose};
use crate::events;
use crate::schema::{integer, text};

#[derive(Deserialize)]
struct Due {
    letter: String,
}

/// Sends the letters that messages tell of. A call that runs out of time would count as broken by
/// its letters: those that it does not come to are for later.
pub(crate) async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(batch.len());
    let begun_by = ports.now().plus_ms(BEGUN_WITHIN_MS);
    for message in batch {
        deliveries.push(if ports.now() > begun_by {
            Delivery::Retry("others before it took the time".to_owned())
        } else {
            deliver(ports, &message).await
        });
    }
    deliveries
}

async fn deliver<P: Ports>(ports: &P, message: &Message) -> Delivery {
    if message.topic != events::LETTER_DUE {
        return Delivery::Ack;
    }
    // What cannot be read now cannot be read later.
    let Ok(Due { letter: id }) = serde_json::from_slice(&message.body) else {
        return Delivery::Ack;
    };
    let letter = match due(ports, &id).await {
        Ok(Some(letter)) => letter,
        Ok(None) => return Delivery::Ack,
        Err(error) => return Delivery::Retry(error.to_string()),
    };
    match Mail::send(ports, &id, &letter).await {
        Ok(()) | Err(MailError::Rejected(_)) => Delivery::Ack,
        Err(MailError::Unavailable(why)) => Delivery::Retry(why),
    }
}

/// What is written about.
enum Matter {
    /// A sign-up, and when it was.
    SignUp(Timestamp),
    /// An address that is not proven; nobody signed up with it where the letter was asked for.
    Address,
    /// No code: there is an account already.
    Known,
    /// A new password.
    Reset,
    /// A provider's account that has the same address.
    Link,
}

/// The letter of a row; none when a newer one took its place, when it expired, and for an address
/// without an account.
async fn due<P: Ports>(ports: &P, id: &str) -> Result<Option<Letter>, SqlError> {
    let sql = "SELECT c.purpose, a.email, 0 FROM identity_codes c
        JOIN identity_accounts a ON a.id = c.owner
        WHERE c.id = ?1 AND c.expires_at > ?2 AND a.email IS NOT NULL
        UNION ALL SELECT CASE WHEN a.confirmed_at IS NOT NULL THEN 'known'
            WHEN s.password IS NULL THEN 'address' ELSE 'sign-up' END, a.email, s.signed_up_at
        FROM identity_sign_ups s JOIN identity_accounts a ON a.id = s.owner
        WHERE s.code_id = ?1 AND s.expires_at > ?2 AND a.email IS NOT NULL";
    let select = Statement::new(sql, [id.into(), ports.now().as_ms().into()]);
    let rows = Sql::query(ports, select).await?.rows;
    let Some(row) = rows.first() else { return Ok(None) };
    let unread = |problem: Problem| SqlError::Invalid(format!("{} of a letter", problem.code()));
    let to = text(row, 1).map_err(unread)?;
    let (purpose, matter) = match text(row, 0).map_err(unread)?.as_str() {
        "sign-up" => {
            let at = integer(row, 2).map_err(unread)?;
            (Purpose::SignUp, Matter::SignUp(Timestamp::from_ms(at)))
        }
        "address" => (Purpose::SignUp, Matter::Address),
        "known" => (Purpose::SignUp, Matter::Known),
        "reset" => (Purpose::Reset, Matter::Reset),
        "link" => (Purpose::Link, Matter::Link),
        _ => return Ok(None),
    };
    Ok(Some(written(&matter, to, &codes::code(ports, purpose, id).await)))
}

/// Day and minute, as people read them.
fn minute(at: Timestamp) -> String {
    let written = at.to_string();
    let (day, time) = written.split_once('T').unwrap_or_default();
    format!("{day}, {} UTC", time.get(..5).unwrap_or(time))
}

fn written(matter: &Matter, to: String, code: &str) -> Letter {
    let (subject, text) = match matter {
        Matter::SignUp(at) => (
            "Your code for EcomAuction",
            format!(
                "Welcome to EcomAuction.\n\nYour code is {code}\n\nIt is for the sign-up of {}. \
                 Type it where you signed up, within ten minutes: it confirms your address, and \
                 the name and password of that sign-up.\n\nWas it not you, or not then? Then \
                 type it nowhere: without it nobody can use your address.",
                minute(*at)
            ),
        ),
        Matter::Address => (
            "Your code for EcomAuction",
            format!(
                "Somebody, probably you, asked for a code at EcomAuction, but not from where your \
                 address was signed up.\n\nYour code is {code}\n\nTyped within ten minutes it \
                 confirms your address and sets no password: ask for a new one after that. Or sign \
                 up again where you are.\n\nIt was not you? Then type it nowhere."
            ),
        ),
        Matter::Known => (
            "You have an account at EcomAuction",
            "Somebody, probably you, wanted to sign up at EcomAuction with this address. There is \
             an account for it already: sign in, or ask for a new password if you do not remember \
             yours.\n\nIt was not you? Then there is nothing to do."
                .to_owned(),
        ),
        Matter::Reset => (
            "A new password for EcomAuction",
            format!(
                "Somebody, probably you, asked for a new password at EcomAuction.\n\nYour code is \
                 {code}\n\nPaste it within ten minutes. All devices \
                 that are signed in will have to sign in anew.\n\nYou did not ask for this? Then \
                 type it nowhere; your password stays as it is."
            ),
        ),
        Matter::Link => (
            "Your code to sign in at EcomAuction",
            format!(
                "Somebody, probably you, signed in at EcomAuction by another provider that knows \
                 this address.\n\nYour code is {code}\n\nType it within ten minutes to sign in, \
                 and from then on that provider is enough.\n\nIt was not you? Then type it \
                 nowhere."
            ),
        ),
    };
    Letter { to, subject: subject.to_owned(), text, html: None, headers: Vec::new() }
}

/// A call has ten seconds, the platform may take some of them to begin it and four for a letter.
const BEGUN_WITHIN_MS: i64 = 3_000;
