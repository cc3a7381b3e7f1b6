//! Facts about auctions: whom each concerns.

use std::collections::BTreeSet;

use kernel::Timestamp;
use ports::{Entities, Ports, Sql, Statement};
use serde::Deserialize;

use crate::MACHINE;
use crate::facts::{Ended, Extended, Facts, Opened, Outbid, Outcome, Units};
use crate::kind::Kind;
use crate::letters::{self, Draft, Occasion};

/// It takes bids: the seller and those who watch it.
pub(crate) async fn opened<P: Ports>(
    ports: &P,
    id: &str,
    opened: &Opened,
    at: Timestamp,
) -> Result<(), String> {
    let facts = Facts {
        title: opened.title.clone(),
        format: opened.format.clone(),
        price: Some(opened.start_price),
        ends_at: Some(opened.ends_at),
        ..Facts::default()
    };
    let mut drafts = vec![Draft {
        kind: Kind::Opened,
        user: opened.seller.clone(),
        facts: Facts { to_seller: true, ..facts.clone() },
    }];
    let mut watchers = watchers(ports, id).await?;
    watchers.remove(&opened.seller);
    drafts.extend(to_each(&watchers, Kind::Opened, &facts));
    let occasion = Occasion { auction: id, seq: opened.seq, at };
    letters::write(ports, occasion, drafts, vec![known(id, opened)]).await
}

/// Its terms are others before anybody has bid.
pub(crate) async fn amended<P: Ports>(ports: &P, id: &str, terms: &Opened) -> Result<(), String> {
    let done = Sql::batch(ports, vec![known(id, terms)]).await;
    done.map(drop).map_err(|error| error.to_string())
}

/// Facts of one auction travel in queues of their own and overtake each other: newer terms stay,
/// and so do a title, an end and that it is over, where a later fact told them.
fn known(id: &str, terms: &Opened) -> Statement {
    let sql = "INSERT INTO notifications_auctions AS a
        (id, seq, terms_seq, title, seller, starts_at, scheduled_end, ends_at)
        VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (id) DO UPDATE SET
        terms_seq = excluded.terms_seq, seller = excluded.seller,
        starts_at = excluded.starts_at, scheduled_end = excluded.scheduled_end,
        title = iif(excluded.seq > a.seq, excluded.title, a.title),
        ends_at = iif(excluded.seq > a.seq, excluded.ends_at, a.ends_at),
        seq = max(excluded.seq, a.seq) WHERE excluded.terms_seq > a.terms_seq";
    let values = [
        id.into(),
        terms.seq.into(),
        terms.title.as_str().into(),
        terms.seller.as_str().into(),
        terms.starts_at.as_ms().into(),
        terms.ends_at.as_ms().into(),
    ];
    Statement::new(sql, values)
}

/// The letter to the one who lost the lead.
pub(crate) fn outbid<'a>(id: &'a str, outbid: Outbid, at: Timestamp) -> (Occasion<'a>, Draft) {
    let facts = Facts {
        title: outbid.title,
        format: outbid.format,
        price: outbid.price,
        next: outbid.next_minimum.or(outbid.next_maximum),
        ends_at: Some(outbid.ends_at),
        ..Facts::default()
    };
    let draft = Draft { kind: Kind::Outbid, user: outbid.user_id, facts };
    (Occasion { auction: id, seq: outbid.seq, at }, draft)
}

/// The end has moved: those who bid or watch, but for those who heard so a moment ago. Late bids
/// answer each other, and each would be a letter.
pub(crate) async fn extended<P: Ports>(
    ports: &P,
    id: &str,
    extended: Extended,
    at: Timestamp,
) -> Result<(), String> {
    // Its terms come with the opening, if that has not been heard: until then it runs for no time.
    let sql = "INSERT INTO notifications_auctions AS a
        (id, seq, title, seller, starts_at, scheduled_end, ends_at)
        VALUES (?1, ?2, ?3, '', ?4, ?4, ?4) ON CONFLICT (id) DO UPDATE SET
        seq = excluded.seq, ends_at = excluded.ends_at WHERE excluded.seq > a.seq";
    let values = [
        id.into(),
        extended.seq.into(),
        extended.title.as_str().into(),
        extended.ends_at.as_ms().into(),
    ];
    let moved = Statement::new(sql, values);
    let mut users = bidders(ports, id).await?;
    users.append(&mut watchers(ports, id).await?);
    // By the times of the facts: a message that comes again, however late, finds the same.
    let sql = "SELECT user_id FROM notifications_letters
        WHERE auction_id = ?1 AND kind = ?2 AND fact_at > ?3 AND fact_at <= ?4";
    let since = at.plus_ms(-EXTENDED_EVERY_MS);
    let kind = Kind::Extended;
    let values = [id.into(), kind.as_str().into(), since.as_ms().into(), at.as_ms().into()];
    for heard in users_of(ports, Statement::new(sql, values)).await? {
        users.remove(&heard);
    }
    let facts = Facts {
        title: extended.title,
        price: extended.price,
        ends_at: Some(extended.ends_at),
        ..Facts::default()
    };
    let drafts = to_each(&users, kind, &facts).collect();
    let occasion = Occasion { auction: id, seq: extended.seq, at };
    letters::write(ports, occasion, drafts, vec![moved]).await
}

/// It is over: the winners, those who bid and did not win, the seller; all of them and who watches
/// when it was called off.
pub(crate) async fn ended<P: Ports>(
    ports: &P,
    id: &str,
    ended: Ended,
    at: Timestamp,
) -> Result<(), String> {
    let sql = "INSERT INTO notifications_auctions AS a
        (id, seq, title, seller, starts_at, scheduled_end, ends_at, has_ended)
        VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, 1) ON CONFLICT (id) DO UPDATE SET
        seq = max(excluded.seq, a.seq), has_ended = 1";
    let values = [
        id.into(),
        ended.seq.into(),
        ended.title.as_str().into(),
        ended.seller.as_str().into(),
        at.as_ms().into(),
    ];
    let over = Statement::new(sql, values);
    let bidders = bidders(ports, id).await?;
    let drafts = match ended.outcome {
        Outcome::Cancelled => {
            let mut users = bidders;
            users.append(&mut watchers(ports, id).await?);
            called_off(&ended, users)
        }
        Outcome::Sold | Outcome::Unsold => closed(&ended, bidders),
    };
    let occasion = Occasion { auction: id, seq: ended.seq, at };
    letters::write(ports, occasion, drafts, vec![over]).await
}

fn closed(ended: &Ended, mut bidders: BTreeSet<String>) -> Vec<Draft> {
    let facts = Facts {
        title: ended.title.clone(),
        format: ended.format.clone(),
        reason: ended.reason.clone(),
        ..Facts::default()
    };
    let mut drafts = Vec::new();
    let winners: BTreeSet<&str> = ended.winners.iter().map(|won| won.user_id.as_str()).collect();
    for user in winners {
        // A clock may have sold to somebody twice.
        let own = ended.winners.iter().filter(|won| won.user_id == user);
        let facts = Facts { units: own.map(units).collect(), ..facts.clone() };
        drafts.push(Draft { kind: Kind::Won, user: user.to_owned(), facts });
        bidders.remove(user);
    }
    drafts.extend(to_each(&bidders, Kind::Lost, &facts));
    let (kind, units) = match ended.outcome {
        Outcome::Sold => (Kind::Sold, together(ended)),
        Outcome::Unsold | Outcome::Cancelled => (Kind::Unsold, Vec::new()),
    };
    let facts = Facts { to_seller: true, units, ..facts };
    drafts.push(Draft { kind, user: ended.seller.clone(), facts });
    drafts
}

fn called_off(ended: &Ended, mut users: BTreeSet<String>) -> Vec<Draft> {
    let facts = Facts {
        title: ended.title.clone(),
        reason: ended.reason.clone(),
        note: ended.note.clone(),
        deleted: ended.deleted,
        ..Facts::default()
    };
    users.remove(&ended.seller);
    let mut drafts: Vec<Draft> = to_each(&users, Kind::Cancelled, &facts).collect();
    if ended.reason.as_deref() != Some("cancelled_by_seller") {
        let facts = Facts { to_seller: true, ..facts };
        drafts.push(Draft { kind: Kind::Cancelled, user: ended.seller.clone(), facts });
    }
    drafts
}

/// Units by price, so that a seller of many reads few lines.
fn together(ended: &Ended) -> Vec<Units> {
    let mut all: Vec<Units> = Vec::new();
    for won in &ended.winners {
        match all.iter_mut().find(|units| units.unit_price == won.unit_price) {
            Some(units) => units.quantity = units.quantity.saturating_add(won.quantity),
            None => all.push(units(won)),
        }
    }
    all
}

fn units(won: &crate::facts::Winner) -> Units {
    Units { quantity: won.quantity, unit_price: won.unit_price }
}

/// The same letter to each.
pub(crate) fn to_each(
    users: &BTreeSet<String>,
    kind: Kind,
    facts: &Facts,
) -> impl Iterator<Item = Draft> {
    users.iter().map(move |user| Draft { kind, user: user.clone(), facts: facts.clone() })
}

/// Who has bid there, as the machine knows it.
pub(crate) async fn bidders<P: Ports>(ports: &P, id: &str) -> Result<BTreeSet<String>, String> {
    #[derive(Deserialize)]
    struct Bidders {
        users: BTreeSet<String>,
    }
    let question = br#"{"bidders":{"after":0}}"#.to_vec();
    let answer = Entities::query(ports, MACHINE, id, None, question).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let bidders: Option<Bidders> =
        serde_json::from_slice(&answer).map_err(|error| format!("bidders of {id}: {error}"))?;
    Ok(bidders.map_or_else(BTreeSet::new, |bidders| bidders.users))
}

/// Who watches it.
pub(crate) async fn watchers<P: Ports>(ports: &P, id: &str) -> Result<BTreeSet<String>, String> {
    let sql = "SELECT user_id FROM notifications_watchers WHERE auction_id = ?1 AND watching = 1";
    users_of(ports, Statement::new(sql, [id.into()])).await
}

async fn users_of<P: Ports>(ports: &P, select: Statement) -> Result<BTreeSet<String>, String> {
    let rows = Sql::query(ports, select).await.map_err(|error| error.to_string())?.rows;
    let users = rows.iter().filter_map(|row| row.first()?.as_text());
    Ok(users.map(str::to_owned).collect())
}

/// A user hears of extensions of one auction at most that often.
const EXTENDED_EVERY_MS: i64 = 10 * 60 * 1_000;
