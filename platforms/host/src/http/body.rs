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
        while let Some(frame) = body.frame().await {
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
