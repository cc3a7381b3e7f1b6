//! Letters with codes: made and sent when their message comes, in nobody's request.

use ports::{Delivery, Letter, Mail, MailError, Message, Ports, Sql, SqlError, Statement};
use serde::Deserialize;
use web::Problem;

use crate::codes::{self, Purpose};
use crate::events;
use crate::schema::text;

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

/// The letter of a row; none when a newer one took its place, when it expired, and for an address
/// without an account.
async fn due<P: Ports>(ports: &P, id: &str) -> Result<Option<Letter>, SqlError> {
    let sql = "SELECT c.purpose, a.email FROM identity_codes c
        JOIN identity_accounts a ON a.id = c.owner
        WHERE c.id = ?1 AND c.expires_at > ?2 AND a.email IS NOT NULL";
    let select = Statement::new(sql, [id.into(), ports.now().as_ms().into()]);
    let rows = Sql::query(ports, select).await?.rows;
    let Some(row) = rows.first() else { return Ok(None) };
    let read = |at| {
        text(row, at).map_err(|problem: Problem| {
            SqlError::Invalid(format!("{} of a letter", problem.code()))
        })
    };
    let (purpose, to) = (read(0)?, read(1)?);
    let Some(purpose) = Purpose::parse(&purpose) else { return Ok(None) };
    Ok(Some(written(purpose, to, &codes::code(ports, id).await)))
}

fn written(purpose: Purpose, to: String, code: &str) -> Letter {
    let (subject, text) = match purpose {
        Purpose::Confirm => (
            "Your code for EcomAuction",
            format!(
                "Welcome to EcomAuction.\n\nYour code is {code}\n\nType it where you signed up, \
                 within ten minutes. Only the newest code counts.\n\nYou did not sign up? Then \
                 type it nowhere: without it nobody can use your address."
            ),
        ),
        Purpose::Known => (
            "You have an account at EcomAuction",
            "Somebody, probably you, wanted to sign up at EcomAuction with this address. There is \
             an account for it already: sign in, or ask for a new password if you do not remember \
             yours.\n\nIt was not you? Then there is nothing to do."
                .to_owned(),
        ),
        Purpose::Reset => (
            "A new password for EcomAuction",
            format!(
                "Somebody, probably you, asked for a new password at EcomAuction.\n\nYour code is \
                 {code}\n\nType it within ten minutes. All devices \
                 that are signed in will have to sign in anew.\n\nYou did not ask for this? Then \
                 type it nowhere; your password stays as it is."
            ),
        ),
        Purpose::Link => (
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
