//! What has expired is forgotten, and nothing else.

use kernel::Timestamp;
use ports::{Sql, Statement, ready};
use serde_json::json;

use crate::house::{BEGIN_MS, House, PASSWORD, pair, refused, said};

const ANA: &str = "ana@example.test";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn sweep(house: &House) {
    let slot = Timestamp::from_ms(BEGIN_MS);
    ready(identity_service::run(&house.memory, "identity.sweep", slot)).unwrap();
}

#[test]
fn what_lives_stays() {
    let house = House::new();
    let first = house.resident(ANA);
    let second = pair(&house.refresh(&first.refresh), 200);
    house.sign_up("ben@example.test", PASSWORD);
    house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    house.deliver();
    house.later(599_999);
    sweep(&house);
    for table in ["codes", "sign_ups"] {
        assert_eq!(house.count(&format!("SELECT count(*) FROM identity_{table}")), 1, "{table}");
    }
    assert_eq!(said(&house.refresh(&first.refresh)), refused(401, "token_reused"));
    assert_eq!(said(&house.refresh(&second.refresh)), refused(401, "invalid_token"));
}

#[test]
fn what_has_expired_goes() {
    let house = House::new();
    house.resident(ANA);
    house.sign_up("ben@example.test", PASSWORD);
    house.post("/v1/passwords/forgot", &json!({"email": "nobody@example.test"}));
    house.post("/v1/accounts/resend", &json!({"email": "nobody@example.test"}));
    house.post("/v1/accounts/confirm", &json!({"email": "nobody@example.test", "code": "x"}));
    house.later(600_000);
    sweep(&house);
    for table in ["codes", "tries", "sign_ups WHERE owner LIKE '-%'"] {
        assert_eq!(house.count(&format!("SELECT count(*) FROM identity_{table}")), 0, "{table}");
    }
    assert_eq!(house.count("SELECT count(*) FROM identity_accounts"), 2);
    house.later(7 * DAY_MS);
    sweep(&house);
    assert_eq!(house.count("SELECT count(*) FROM identity_accounts"), 1, "Ben never confirmed");
    assert_eq!(house.count("SELECT count(*) FROM identity_sign_ups"), 0);
    house.later(23 * DAY_MS);
    sweep(&house);
    for table in ["tokens", "families"] {
        assert_eq!(house.count(&format!("SELECT count(*) FROM identity_{table}")), 0, "{table}");
    }
    house.later(60 * DAY_MS);
    sweep(&house);
    assert_eq!(house.count("SELECT count(*) FROM identity_places"), 0);
    house.sign_in(ANA);
}

#[test]
fn a_long_night_is_swept_in_batches() {
    let house = House::new();
    let insert = "INSERT INTO identity_codes (id, owner, purpose, expires_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1234)
        SELECT 'c' || i, 'o' || i, 'reset', 0 FROM n";
    ready(Sql::batch(&house.memory, vec![Statement::new(insert, [])])).unwrap();
    sweep(&house);
    assert_eq!(house.count("SELECT count(*) FROM identity_codes"), 0);
}

#[test]
fn other_jobs_are_errors_and_a_store_that_is_away_is_one() {
    let house = House::new();
    let slot = Timestamp::from_ms(BEGIN_MS);
    assert!(ready(identity_service::run(&house.memory, "identity.swoop", slot)).is_err());
    house.memory.sql.break_batch(0);
    assert!(ready(identity_service::run(&house.memory, "identity.sweep", slot)).is_err());
}
