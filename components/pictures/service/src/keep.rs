//! The objects of pictures, and which of them are still needed. A row comes before the first object
//! and goes after the last, so that no crash leaves an object that nobody knows of.

use kernel::{Id, Timestamp, kind};
use ports::{
    Clock, Delivery, Message, ObjectError, Objects, Ports, Sql, SqlError, Statement, Value,
};
use serde::Deserialize;
use web::Problem;

use crate::auction;
use crate::image::{Renditions, SIZES};

/// The name of a picture's object in a size.
pub(crate) fn name(id: Id<kind::Picture>, size: &str) -> String {
    format!("{id}/{size}")
}

/// Writes down that these pictures may have objects that nobody needs: whoever does not come back
/// to say so is asked about later.
pub(crate) async fn doubt<P: Ports>(
    ports: &P,
    auction_id: &str,
    pictures: &[Id<kind::Picture>],
) -> Result<(), Problem> {
    let check_at = ports.now().plus_ms(UPLOAD_MAX_MS).as_ms();
    let sql = "INSERT INTO pictures_kept (picture_id, auction_id, check_at) VALUES (?1, ?2, ?3)
        ON CONFLICT (picture_id) DO UPDATE SET check_at = excluded.check_at";
    let row = |id: &Id<kind::Picture>| {
        Statement::new(sql, [id.to_string().into(), auction_id.into(), check_at.into()])
    };
    Sql::batch(ports, pictures.iter().map(row).collect()).await?;
    Ok(())
}

/// Puts all sizes of a picture.
pub(crate) async fn put<P: Ports>(
    ports: &P,
    id: Id<kind::Picture>,
    renditions: Renditions,
) -> Result<(), ObjectError> {
    for rendition in renditions.0 {
        let packed = rendition.packed;
        let name = name(id, rendition.name);
        Objects::put(ports, &name, packed.content_type, packed.bytes).await?;
    }
    Ok(())
}

/// The picture stands: no doubt is left.
pub(crate) async fn settle<P: Ports>(ports: &P, id: Id<kind::Picture>) -> Result<(), SqlError> {
    let sql = "UPDATE pictures_kept SET check_at = NULL WHERE picture_id = ?1";
    Sql::batch(ports, vec![Statement::new(sql, [id.to_string().into()])]).await.map(drop)
}

/// Deletes a picture that stands nowhere.
pub(crate) async fn delete<P: Ports>(ports: &P, id: Id<kind::Picture>) -> Result<(), String> {
    for (size, _) in SIZES {
        let deleted = Objects::delete(ports, &name(id, size)).await;
        deleted.map_err(|error| error.to_string())?;
    }
    let sql = "DELETE FROM pictures_kept WHERE picture_id = ?1";
    let deleted = Sql::batch(ports, vec![Statement::new(sql, [id.to_string().into()])]).await;
    deleted.map(drop).map_err(|error| error.to_string())
}

/// Asks about pictures in doubt, the oldest first; one that cannot be asked about stays in doubt.
pub(crate) async fn sweep<P: Ports>(ports: &P) -> Result<(), String> {
    let sql = "SELECT picture_id, auction_id FROM pictures_kept WHERE check_at <= ?1
        ORDER BY check_at LIMIT ?2";
    let started = ports.now();
    let find = Statement::new(sql, [started.as_ms().into(), SWEPT_MAX.into()]);
    let found = Sql::query(ports, find).await.map_err(|error| error.to_string())?;
    let mut failed = None;
    for row in &found.rows {
        if is_late(ports, started) {
            break;
        }
        if let Err(why) = judge(ports, row).await {
            failed = Some(why);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn judge<P: Ports>(ports: &P, row: &[Value]) -> Result<(), String> {
    let text = |at: usize| row.get(at).and_then(Value::as_text).unwrap_or_default();
    let id: Id<kind::Picture> = text(0).parse().map_err(|_| "a row without an id".to_owned())?;
    let view = auction::view(ports, text(1)).await.map_err(|error| error.to_string())?;
    if view.is_some_and(|view| view.shows(id)) {
        return settle(ports, id).await.map_err(|error| error.to_string());
    }
    delete(ports, id).await
}

/// `auction.ended.v1`, as far as pictures need it.
#[derive(Deserialize)]
struct Ended {
    deleted: bool,
}

/// One outcome for each message.
pub(crate) async fn consume<P: Ports>(ports: &P, batch: &[Message]) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(batch.len());
    for message in batch {
        let ended = serde_json::from_slice::<Ended>(&message.body);
        let done = match ended {
            Ok(Ended { deleted: true }) => delete_all(ports, &message.key).await,
            Ok(Ended { deleted: false }) => Ok(()),
            Err(error) => Err(format!("{}: {error}", message.topic)),
        };
        deliveries.push(done.map_or_else(Delivery::Retry, |()| Delivery::Ack));
    }
    deliveries
}

/// Deletes all pictures of a listing that was taken away.
async fn delete_all<P: Ports>(ports: &P, auction_id: &str) -> Result<(), String> {
    let sql = "SELECT picture_id FROM pictures_kept WHERE auction_id = ?1";
    let found = Sql::query(ports, Statement::new(sql, [auction_id.into()])).await;
    for row in &found.map_err(|error| error.to_string())?.rows {
        let id = row.first().and_then(Value::as_text).and_then(|id| id.parse().ok());
        if let Some(id) = id {
            delete(ports, id).await?;
        }
    }
    Ok(())
}

/// A job that takes too long is stopped in the middle of something.
fn is_late(ports: &impl Clock, started: Timestamp) -> bool {
    ports.now().ms_since(started) > SWEEP_MAX_MS
}

/// Far longer than any request lives.
const UPLOAD_MAX_MS: i64 = 15 * 60 * 1_000;
const SWEPT_MAX: i64 = 100;
const SWEEP_MAX_MS: i64 = 4_000;
