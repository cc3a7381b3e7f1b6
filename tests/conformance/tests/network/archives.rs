//! The log of an auction can be taken elsewhere and decided again there, byte for byte, by the
//! machine of every platform (architecture.md §8).

use std::collections::BTreeSet;

use conformance::{Kind, Setup, archives, closed, id_of, usd};
use serde_json::{Value, json};

/// Set it to keep the archive that the test makes as the one of its platform.
const KEEP: &str = "CONFORMANCE_KEEP_ARCHIVE";

#[tokio::test]
async fn a_log_is_taken_elsewhere_and_decided_there_again() {
    let mut platform = Setup::development().start().await;
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let soft = json!({"mode": "reset", "window_seconds": 5, "extension_seconds": 2});
    let changes = json!({
        "duration_seconds": 5, "soft_close": soft, "reserve_price": usd(6_000),
        "title": "A \"wátch\"",
    });
    let id = id_of(&ana.lists(changes).await);
    for (who, amount) in [(&ben, 5_000), (&cat, 3_200), (&ben, 6_000), (&cat, 7_000)] {
        who.bids(&id, amount).await.expect(201);
    }
    closed(&platform.client(), &id).await;
    let log = platform.client().log(&id).await;
    let archive = platform.archive(&id).await;

    let shown = archives::replay(&archive).await.unwrap();
    let rows: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), log.len(), "{shown}");
    for (row, event) in rows.iter().zip(&log) {
        for member in ["seq", "time", "event", "data"] {
            assert_eq!(row[member], event[member], "{member} of {row}");
        }
        assert_eq!(row["head"], event["hash"], "{row}");
    }
    platform.replay(&archive).await.unwrap();
    if std::env::var_os(KEEP).is_some() {
        archives::keep(Kind::chosen().name(), &archive);
    }
}

#[tokio::test]
async fn what_any_platform_exported_is_decided_again_here() {
    let platform = Setup::development().start().await;
    let kept = archives::kept();
    let names: BTreeSet<_> = kept.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, Kind::ALL.map(Kind::name).into_iter().collect());
    for (name, archive) in &kept {
        platform.replay(archive).await.unwrap_or_else(|why| panic!("{name}: {why}"));
        let other = archive.replacen("\"principal\":\"usr_", "\"principal\":\"usr_0", 1);
        assert_ne!(&other, archive);
        platform.replay(&other).await.expect_err("its bytes are others");
    }
}
