//! Where letters go, and who watches what: both told by others, newest last.
//!
//! A queue keeps the order of a user's messages, with one exception: a dead letter that an operator
//! redrives comes after newer ones. So the sender's times are compared, lest it bring back an old
//! address. The price: what is sent after the sender's clock was set back counts for nothing, until
//! something is sent when the clock has caught up.

use kernel::Timestamp;
use ports::{Ports, Sql, Statement};

use crate::facts::{UserChanged, UserErased, Watched};

/// Address and name of a user. What is older than what is known, or comes after the account was
/// erased, changes nothing.
pub(crate) async fn changed<P: Ports>(
    ports: &P,
    user: &UserChanged,
    at: Timestamp,
) -> Result<(), String> {
    let sql = "INSERT INTO notifications_contacts (user_id, email, display_name, told_at)
        VALUES (?1, ?2, ?3, ?4) ON CONFLICT (user_id) DO UPDATE SET email = excluded.email,
        display_name = excluded.display_name, told_at = excluded.told_at
        WHERE excluded.told_at >= notifications_contacts.told_at
        AND notifications_contacts.email IS NOT NULL";
    let UserChanged { user_id, email, display_name } = user;
    let values = [
        user_id.as_str().into(),
        email.as_str().into(),
        display_name.as_str().into(),
        at.as_ms().into(),
    ];
    write(ports, vec![Statement::new(sql, values)]).await
}

/// Everything about a user goes, letters included.
pub(crate) async fn erased<P: Ports>(
    ports: &P,
    UserErased { user_id }: &UserErased,
    at: Timestamp,
) -> Result<(), String> {
    let sql = "INSERT INTO notifications_contacts (user_id, email, display_name, told_at)
        VALUES (?1, NULL, '', ?2) ON CONFLICT (user_id) DO UPDATE SET email = NULL,
        display_name = '', told_at = excluded.told_at";
    let mut statements = vec![Statement::new(sql, [user_id.as_str().into(), at.as_ms().into()])];
    for table in ["preferences", "watchers", "letters"] {
        let sql = format!("DELETE FROM notifications_{table} WHERE user_id = ?1");
        statements.push(Statement::new(sql, [user_id.as_str().into()]));
    }
    write(ports, statements).await
}

/// Somebody watches an auction, or no longer.
pub(crate) async fn watched<P: Ports>(
    ports: &P,
    watched: &Watched,
    at: Timestamp,
) -> Result<(), String> {
    let sql = "INSERT INTO notifications_watchers (auction_id, user_id, watching, told_at)
        SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM notifications_contacts
            WHERE user_id = ?2 AND email IS NULL)
        ON CONFLICT (auction_id, user_id) DO UPDATE SET watching = excluded.watching,
        told_at = excluded.told_at WHERE excluded.told_at >= notifications_watchers.told_at";
    let Watched { user_id, auction_id, watching } = watched;
    let values = [
        auction_id.as_str().into(),
        user_id.as_str().into(),
        i64::from(*watching).into(),
        at.as_ms().into(),
    ];
    write(ports, vec![Statement::new(sql, values)]).await
}

async fn write<P: Ports>(ports: &P, statements: Vec<Statement>) -> Result<(), String> {
    Sql::batch(ports, statements).await.map(drop).map_err(|error| error.to_string())
}
