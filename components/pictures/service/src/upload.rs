//! A picture comes, or goes. Who may is asked before any pixel is unpacked, and once more by the
//! machine, when nothing can come between.

use kernel::limits::PICTURES_MAX;
use kernel::{Digest, Id, kind};
use ports::{Policy, Ports, Variables};
use serde::Serialize;
use web::{Exchange, Problem, Response};

use crate::auction::{self, Command, Outcome, Picture, View};
use crate::image::{self, ImageError, Renditions};
use crate::keep;

/// What the seller is told, and the view shows.
#[derive(Serialize)]
#[cfg_attr(feature = "document", derive(utoipa::ToSchema))]
pub(crate) struct Shown {
    /// Its place.
    #[cfg_attr(feature = "document", schema(minimum = 1, maximum = 12))]
    n: u8,
    /// Random, and never given again.
    id: String,
    /// Where everyone finds the picture; with `/800` or `/320` after it, smaller.
    url: String,
    content_type: &'static str,
    width: u16,
    height: u16,
}

/// Where a request wants a picture, and whose it is.
struct Place<'r> {
    auction_id: &'r str,
    user: String,
    n: u8,
    view: View,
}

/// `PUT /v1/auctions/{id}/pictures/{n}`.
pub(crate) async fn set<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let place = place(ports, exchange).await?;
    let bucket = format!("uploads:{}", place.user);
    if let Err(wait) = ports.take(&bucket, UPLOADS).await {
        return Err(Problem::rate_limited("uploads", UPLOADS, wait));
    }
    let prepared = image::prepare(&exchange.request.body, memory_max_bytes(ports));
    let renditions = prepared.map_err(refused)?;
    let id = Id::new(exchange.now, ports.id_bytes());
    let picture = described(place.n, id, &renditions).ok_or_else(Problem::internal)?;
    let replaced = kept(ports, &place, &picture, renditions).await?;
    let url = format!("/pictures/{id}");
    let Picture { n, content_type, width, height, .. } = picture;
    let status = if replaced.is_some() { 200 } else { 201 };
    let shown = Shown { n, id: id.to_string(), url: url.clone(), content_type, width, height };
    Ok(Response::json(status, &shown)?.with("location", url))
}

/// `DELETE /v1/auctions/{id}/pictures/{n}`.
pub(crate) async fn remove<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let place = place(ports, exchange).await?;
    let Place { auction_id, user, n, view } = place;
    let id = view.at(n).ok_or_else(Problem::not_found)?;
    keep::doubt(ports, auction_id, &[id]).await?;
    match auction::send(ports, auction_id, &user, &Command::RemovePicture { n, id }).await? {
        Outcome::Done => {
            // Whatever is left of it is swept.
            let _ = keep::delete(ports, id).await;
            Ok(Response::empty(204))
        }
        // Somebody replaced it meanwhile: that was the seller, too.
        Outcome::Stale => Err(stale()),
        Outcome::Refused(problem) => Err(problem),
    }
}

async fn place<'r, P: Ports>(ports: &P, exchange: &Exchange<'r>) -> Result<Place<'r>, Problem> {
    exchange.no_parameters()?;
    let auction_id = exchange.parameter("id");
    auction_id.parse::<Id<kind::Auction>>().map_err(|_| Problem::not_found())?;
    let digits = exchange.parameter("n");
    let n = digits.parse().ok().filter(|n| (1..=PICTURES_MAX).contains(n));
    // One name for one place.
    let n = n.filter(|n| n.to_string() == digits).ok_or_else(Problem::not_found)?;
    let user = exchange.signed_in()?.subject.clone();
    let view = auction::view(ports, auction_id).await?.ok_or_else(Problem::not_found)?;
    if view.fixed.seller != user {
        return Err(Problem::new(403, "forbidden", "Only the seller can do this."));
    }
    Ok(Place { auction_id, user, n, view })
}

fn described(n: u8, id: Id<kind::Picture>, renditions: &Renditions) -> Option<Picture> {
    let largest = renditions.0.first()?;
    let sha256 = Digest::of(&[&largest.packed.bytes]);
    let content_type = largest.packed.content_type;
    Some(Picture { n, id, sha256, content_type, width: largest.width, height: largest.height })
}

/// Keeps the objects and tells the machine; the picture that stood there before, if one did.
async fn kept<P: Ports>(
    ports: &P,
    place: &Place<'_>,
    picture: &Picture,
    renditions: Renditions,
) -> Result<Option<Id<kind::Picture>>, Problem> {
    let auction_id = place.auction_id;
    let mut replaces = place.view.at(place.n);
    let in_doubt: Vec<_> = [picture.id].into_iter().chain(replaces).collect();
    keep::doubt(ports, auction_id, &in_doubt).await?;
    keep::put(ports, picture.id, renditions).await?;
    let mut outcome = Outcome::Stale;
    for _ in 0..TRIES {
        let command = Command::SetPicture { replaces, picture };
        outcome = auction::send(ports, auction_id, &place.user, &command).await?;
        if !matches!(outcome, Outcome::Stale) {
            break;
        }
        let view = auction::view(ports, auction_id).await?.ok_or_else(Problem::not_found)?;
        replaces = view.at(place.n);
        keep::doubt(ports, auction_id, &replaces.into_iter().collect::<Vec<_>>()).await?;
    }
    // What fails from here on is swept.
    let problem = match outcome {
        Outcome::Done => {
            keep::settle(ports, picture.id).await?;
            if let Some(replaced) = replaces {
                let _ = keep::delete(ports, replaced).await;
            }
            return Ok(replaces);
        }
        Outcome::Stale => stale(),
        Outcome::Refused(problem) => problem,
    };
    let _ = keep::delete(ports, picture.id).await;
    Err(problem)
}

fn refused(error: ImageError) -> Problem {
    match error {
        ImageError::Kind => {
            let detail = "Send a PNG, a JPEG, a GIF or a WebP that does not move.";
            Problem::new(415, "unsupported_media_type", detail)
        }
        ImageError::TooLarge => {
            let detail = "A picture may have 16 megapixels, and what it takes to unpack them.";
            Problem::new(422, "image_too_large", detail)
        }
        ImageError::Broken => {
            Problem::new(422, "invalid_image", "The picture is cut or damaged: it cannot be read.")
        }
    }
}

fn stale() -> Problem {
    Problem::new(412, "precondition_failed", "The picture has changed; read the auction again.")
}

/// What may be set aside to unpack a picture, beside its bytes.
fn memory_max_bytes(ports: &impl Variables) -> usize {
    let set = ports.variable("picture_memory_bytes").and_then(|bytes| bytes.parse().ok());
    set.unwrap_or(MEMORY_BYTES)
}

/// All pictures of several auctions at once, then one every few seconds.
const UPLOADS: Policy = Policy { capacity: 60, refill_ms: 5_000 };
/// Others who replace the same picture at once are the same seller.
const TRIES: usize = 3;
/// What sixteen megapixels take, of every kind that is taken.
const MEMORY_BYTES: usize = 160 << 20;
