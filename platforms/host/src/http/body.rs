//! Reading a request body within its limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Longer than allowed; reading stopped at the limit.
    TooLarge,
    /// Not complete in time.
    TimedOut,
    /// The client went away or broke the framing.
    Broken,
}

/// The whole body, or why not. A declared length over the limit is refused unread.
pub(crate) async fn read(
    mut body: Incoming,
    max_bytes: usize,
    timeout: Duration,
) -> Result<Bytes, BodyError> {
    read_from(&mut body, max_bytes, (timeout, timeout)).await
}

/// The same; what was not read can still be let go by. The first time is that in which nothing may
/// come, the second that of the whole.
pub(super) async fn read_from(
    body: &mut Incoming,
    max_bytes: usize,
    (stall, timeout): (Duration, Duration),
) -> Result<Bytes, BodyError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > u64::try_from(max_bytes).unwrap_or(u64::MAX) {
        return Err(BodyError::TooLarge);
    }
    let whole = async {
        let mut first: Option<Bytes> = None;
        let mut gathered: Option<BytesMut> = None;
        let mut length = 0_usize;
        loop {
            let frame = tokio::time::timeout(stall, body.frame()).await;
            let Some(frame) = frame.map_err(|_| BodyError::TimedOut)? else { break };
            let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            length = length.saturating_add(data.len());
            if length > max_bytes {
                return Err(BodyError::TooLarge);
            }
            match (&mut first, &mut gathered) {
                (None, _) => first = Some(data),
                (Some(start), None) => {
                    let mut all = BytesMut::from(&start[..]);
                    all.extend_from_slice(&data);
                    gathered = Some(all);
                }
                (Some(_), Some(all)) => all.extend_from_slice(&data),
            }
        }
        Ok(gathered.map(BytesMut::freeze).or(first).unwrap_or_default())
    };
    tokio::time::timeout(timeout, whole).await.unwrap_or(Err(BodyError::TimedOut))
}

/// A body that is here already, if it is within its limit.
pub(super) fn within(body: Bytes, max_bytes: usize) -> Result<Bytes, BodyError> {
    if body.len() > max_bytes { Err(BodyError::TooLarge) } else { Ok(body) }
}

/// Lets the rest of a body go by, as far as that is little and comes soon: a client that is still
/// sending when the connection closes does not hear why it was refused.
pub(super) async fn let_go_by(body: &mut Incoming) {
    let rest = async {
        let mut length = 0_usize;
        while let Some(Ok(frame)) = body.frame().await {
            length = length.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if length > LET_GO_BY_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(LET_GO_BY_WITHIN, rest).await;
}

/// One file too large, not an endless one.
const LET_GO_BY_BYTES: usize = 32 << 20;
const LET_GO_BY_WITHIN: Duration = Duration::from_secs(5);
