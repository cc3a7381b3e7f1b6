//! The public view of an auction (api.md §3), rendered from the machine's answer.
//!
//! Members that are the same in both contracts pass through as the machine wrote them: parsing and
//! writing them again would be most of the cost of showing an auction. Lists render the same view
//! from columns ([`crate::row`]).

mod result;

use auction_machine::contract::{AuctionResult, ReserveState, Status};
use kernel::{Id, Timestamp, kind};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use web::Problem;

use crate::qr::QrPart;
pub(crate) use result::result;

/// The machine's view, borrowed.
#[derive(Deserialize)]
pub(crate) struct Seen<'a> {
    #[serde(borrow)]
    pub(crate) fixed: SeenFixed<'a>,
    #[serde(borrow)]
    row: SeenRow<'a>,
    pub(crate) head: &'a str,
    tick: Option<u64>,
}

/// The view as JSON, but for the instant at which it is shown.
#[derive(Clone)]
pub(crate) struct Rendered {
    body: Vec<u8>,
    /// Where the text of `server_time` begins.
    time_at: usize,
}

#[derive(Deserialize)]
pub(crate) struct SeenFixed<'a> {
    #[serde(borrow)]
    title: &'a RawValue,
    #[serde(borrow)]
    description: &'a RawValue,
    #[serde(borrow)]
    category: &'a RawValue,
    #[serde(borrow)]
    format: &'a RawValue,
    pub(crate) seller: &'a str,
    #[serde(borrow)]
    start_price: &'a RawValue,
    #[serde(borrow)]
    increments: &'a RawValue,
    #[serde(borrow)]
    dutch: Option<&'a RawValue>,
    #[serde(borrow)]
    reverse: Option<&'a RawValue>,
    #[serde(borrow)]
    uniform_price: Option<&'a RawValue>,
    #[serde(borrow)]
    soft_close: &'a RawValue,
    #[serde(borrow)]
    retraction: &'a RawValue,
    quantity: u32,
    #[serde(borrow)]
    starts_at: &'a RawValue,
    #[serde(borrow)]
    scheduled_end: &'a RawValue,
    #[serde(borrow, default)]
    pictures: Vec<SeenPicture<'a>>,
}

#[derive(Deserialize)]
struct SeenPicture<'a> {
    n: u8,
    id: &'a str,
    content_type: &'a str,
    width: u16,
    height: u16,
}

#[derive(Deserialize)]
struct SeenRow<'a> {
    #[serde(borrow)]
    status: &'a RawValue,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    next_minimum: &'a RawValue,
    #[serde(borrow)]
    next_maximum: Option<&'a RawValue>,
    #[serde(borrow)]
    buy_now_price: Option<&'a RawValue>,
    bid_count: u64,
    bidder_count: u64,
    #[serde(borrow)]
    leader: &'a RawValue,
    #[serde(borrow)]
    reserve: &'a RawValue,
    #[serde(borrow)]
    ends_at: &'a RawValue,
    seq: u64,
    result: Option<AuctionResult>,
}

/// What changes by bidding or is listed by.
#[derive(Serialize)]
struct ColumnsPart<'a> {
    id: &'a str,
    title: &'a RawValue,
    description: &'a RawValue,
    category: &'a RawValue,
    format: &'a RawValue,
    seller: SellerPart<'a>,
    status: &'a RawValue,
    price: &'a RawValue,
    next_minimum: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_maximum: Option<&'a RawValue>,
    bid_count: u64,
    bidder_count: u64,
    leader: &'a RawValue,
    reserve: &'a RawValue,
    buy_now_price: Option<&'a RawValue>,
    ends_at: &'a RawValue,
    seq: u64,
    result: Option<&'a RawValue>,
    server_time: Timestamp,
}

/// The rest, which lists keep as one text.
#[derive(Serialize)]
struct TermsPart<'a> {
    start_price: &'a RawValue,
    increments: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    dutch: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverse: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uniform_price: Option<&'a RawValue>,
    soft_close: &'a RawValue,
    retraction: &'a RawValue,
    quantity: u32,
    starts_at: &'a RawValue,
    scheduled_end: &'a RawValue,
    pictures: Vec<PicturePart<'a>>,
}

#[derive(Serialize)]
struct PicturePart<'a> {
    n: u8,
    id: &'a str,
    url: String,
    content_type: &'a str,
    width: u16,
    height: u16,
}

/// Who sells, with the name that is joined when the auction is read.
#[derive(Serialize)]
pub(crate) struct SellerPart<'a> {
    pub(crate) id: &'a str,
    pub(crate) display_name: &'a str,
}

/// What is joined when an auction is read: its log does not know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beside<'a> {
    /// How the seller is called.
    pub(crate) seller_name: &'a str,
    /// Is there a QR code?
    pub(crate) has_qr: bool,
}

/// Who looks, as far as the view differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Viewer {
    Public,
    Seller,
    Winner(Id<kind::User>),
}

impl<'a> Seen<'a> {
    /// The answer to the question for the view.
    pub(crate) fn parse(answer: &'a [u8]) -> Result<Self, Problem> {
        serde_json::from_slice(answer).map_err(|_| Problem::internal())
    }

    /// What a caller is to this auction.
    pub(crate) fn viewer(&self, caller: Option<&str>) -> Viewer {
        let Some(caller) = caller else { return Viewer::Public };
        if self.fixed.seller == caller {
            return Viewer::Seller;
        }
        let (Some(result), Ok(caller)) = (&self.row.result, caller.parse()) else {
            return Viewer::Public;
        };
        let won = result.winners.iter().any(|winner| winner.user_id == caller);
        if won { Viewer::Winner(caller) } else { Viewer::Public }
    }

    /// The newest event of the log that it shows.
    pub(crate) fn seq(&self) -> u64 {
        self.row.seq
    }

    /// The end that is still to come.
    pub(crate) fn pending_end(&self) -> Option<Timestamp> {
        let ends_at = serde_json::from_str(self.row.ends_at.get()).ok()?;
        (!self.has_ended()).then_some(ends_at)
    }

    /// Has it a result?
    pub(crate) fn has_ended(&self) -> bool {
        self.row.result.is_some()
    }

    /// Strong tag of the view without `server_time`: every event changes it, so does who looks, and
    /// so do the tick of a running clock and the QR code when it is there.
    pub(crate) fn etag(&self, viewer: Viewer, has_qr: bool) -> String {
        let tick = self.tick.map(|tick| format!("-{tick}")).unwrap_or_default();
        let qr = if has_qr { "-qr" } else { "" };
        format!("\"{}{tick}{qr}\"", self.version(viewer))
    }

    /// Does this tag name the auction as it is, whatever a clock shows?
    pub(crate) fn is_named_by(&self, etag: &str, viewer: Viewer) -> bool {
        let tag = etag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let rest = tag.and_then(|tag| tag.strip_prefix(self.version(viewer).as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }

    fn version(&self, viewer: Viewer) -> String {
        let head = self.head.get(..16).unwrap_or(self.head);
        format!("{}-{head}-{}", self.row.seq, viewer.letter())
    }

    /// Its QR code is made when it opens.
    pub(crate) fn has_opened(&self) -> bool {
        self.row.status.get() != "\"scheduled\""
    }

    /// May it be shown again as long as its log stands?
    pub(crate) fn is_still(&self) -> bool {
        self.tick.is_none()
    }

    /// The view as JSON.
    pub(crate) fn render(
        &self,
        id: &str,
        viewer: Viewer,
        beside: Beside<'_>,
        server_time: Timestamp,
    ) -> Result<Rendered, Problem> {
        let Self { fixed, row, .. } = self;
        let result = row.result.as_ref().map(|ended| result(ended, viewer)).transpose()?;
        let columns = ColumnsPart {
            id,
            title: fixed.title,
            description: fixed.description,
            category: fixed.category,
            format: fixed.format,
            seller: SellerPart { id: fixed.seller, display_name: beside.seller_name },
            status: row.status,
            price: row.price,
            next_minimum: row.next_minimum,
            next_maximum: row.next_maximum,
            bid_count: row.bid_count,
            bidder_count: row.bidder_count,
            leader: row.leader,
            reserve: row.reserve,
            buy_now_price: row.buy_now_price,
            ends_at: row.ends_at,
            seq: row.seq,
            result: result.as_deref(),
            server_time,
        };
        let mut body = Vec::with_capacity(BODY_BYTES_TYPICAL);
        write(&mut body, &columns)?;
        // `server_time` is the last of them: 24 characters, a quote, a brace.
        let time_at = body.len().checked_sub(TIME_CHARS + 2).ok_or_else(Problem::internal)?;
        join(&mut body, |body| write(body, &fixed.terms()))?;
        join(&mut body, |body| write(body, &QrPart::of(id, beside.has_qr)))?;
        Ok(Rendered { body, time_at })
    }
}

impl Rendered {
    /// The body as it was rendered.
    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The body for another instant.
    pub(crate) fn at(&self, server_time: Timestamp) -> Vec<u8> {
        let mut body = self.body.clone();
        let text = body.iter_mut().skip(self.time_at);
        text.zip(server_time.to_string().bytes()).for_each(|(slot, byte)| *slot = byte);
        body
    }
}

impl SeenFixed<'_> {
    /// The terms as a JSON object.
    pub(crate) fn terms_json(&self) -> Result<String, Problem> {
        serde_json::to_string(&self.terms()).map_err(|_| Problem::internal())
    }

    fn terms(&self) -> TermsPart<'_> {
        TermsPart {
            start_price: self.start_price,
            increments: self.increments,
            dutch: self.dutch,
            reverse: self.reverse,
            uniform_price: self.uniform_price,
            soft_close: self.soft_close,
            retraction: self.retraction,
            quantity: self.quantity,
            starts_at: self.starts_at,
            scheduled_end: self.scheduled_end,
            pictures: self.pictures.iter().map(PicturePart::new).collect(),
        }
    }
}

impl<'a> PicturePart<'a> {
    fn new(picture: &SeenPicture<'a>) -> Self {
        let SeenPicture { n, id, content_type, width, height } = *picture;
        Self { n, id, url: format!("/pictures/{id}"), content_type, width, height }
    }
}

impl Viewer {
    /// Winners' identities are for the seller, and each winner's own for itself.
    fn sees(self, user: Id<kind::User>) -> bool {
        match self {
            Self::Public => false,
            Self::Seller => true,
            Self::Winner(own) => own == user,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Public => 'p',
            Self::Seller => 's',
            Self::Winner(_) => 'w',
        }
    }
}

/// Makes the object at the end of `body` and the one that `rest` appends into one object.
pub(crate) fn join(
    body: &mut Vec<u8>,
    rest: impl FnOnce(&mut Vec<u8>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    if body.pop() != Some(b'}') {
        return Err(Problem::internal());
    }
    let seam = body.len();
    rest(body)?;
    match body.get_mut(seam) {
        Some(brace @ b'{') => *brace = b',',
        _ => return Err(Problem::internal()),
    }
    Ok(())
}

/// Appends a value as JSON.
pub(crate) fn write(body: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Problem> {
    serde_json::to_writer(body, value).map_err(|_| Problem::internal())
}

/// The status on the wire and in the table.
pub(crate) const fn status(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "scheduled",
        Status::Open => "open",
        Status::Sold => "sold",
        Status::Unsold => "unsold",
        Status::Cancelled => "cancelled",
    }
}

/// The reserve's state on the wire and in the table.
pub(crate) const fn reserve(reserve: ReserveState) -> &'static str {
    match reserve {
        ReserveState::None => "none",
        ReserveState::NotMet => "not_met",
        ReserveState::Met => "met",
    }
}

const TIME_CHARS: usize = 24;
const BODY_BYTES_TYPICAL: usize = 2_048;
