//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Client, ms_of, now_ms};

/// Waits for the end that the auction has now, then until it has a result; at most 5 s longer.
pub async fn closed(client: &Client, auction: &str) -> Value {
    loop {
        let view = client.view(auction).await;
        if view["status"] != "open" && view["status"] != "scheduled" {
            return view;
        }
        let left_ms = ms_of(&view["ends_at"]).unwrap() - now_ms();
        assert!(left_ms > -5_000, "still open 5 s after its end: {view}");
        let pause_ms = u64::try_from(left_ms).unwrap_or(0).max(20);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

/// Repeats a question until its answer is wanted.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "five seconds later still not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
