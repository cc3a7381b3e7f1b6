//! The caller's own account.

use serde_json::{Value, json};

use crate::house::{House, PASSWORD, json_of, refused, request, said, with_header};

const ANA: &str = "ana@example.test";

#[test]
fn an_account_is_shown_to_its_owner_with_a_tag() {
    let house = House::new();
    let ana = house.resident(ANA);
    let me = house.call("GET", "/v1/me", &ana.access, None);
    let body = json_of(&me);
    assert_eq!(me.status, 200);
    assert_eq!(body["id"], json!(house.user_id(&ana.access)));
    assert_eq!((&body["email"], &body["display_name"]), (&json!(ANA), &json!("Ana")));
    assert_eq!((&body["roles"], &body["second_factor"]), (&json!(["user"]), &json!(false)));
    assert_eq!(body["created_at"], "2027-01-15T08:00:00.000Z");
    let etag = me.header("etag").unwrap();
    let again = request("GET", "/v1/me", Some(&ana.access), None);
    assert_eq!(house.send(with_header(again, "if-none-match", etag)).status, 304);
    assert_eq!(me.header("cache-control"), Some("no-store"));
    let nobody = house.send(request("GET", "/v1/me", None, None));
    assert_eq!(said(&nobody), refused(401, "unauthenticated"));
}

fn rename(house: &House, token: &str, etag: Option<&str>, body: &Value) -> web::Response {
    let wanted = request("PATCH", "/v1/me", Some(token), Some(body));
    house.send(match etag {
        Some(etag) => with_header(wanted, "if-match", etag),
        None => wanted,
    })
}

#[test]
fn a_name_is_changed_by_who_has_seen_the_old_one() {
    let house = House::new();
    let ana = house.resident(ANA);
    house.deliver();
    let etag = house.call("GET", "/v1/me", &ana.access, None);
    let etag = etag.header("etag").unwrap();
    let lopez = json!({"display_name": " Ana López "});
    let blind = rename(&house, &ana.access, None, &lopez);
    assert_eq!(said(&blind), refused(428, "precondition_required"));
    let stale = rename(&house, &ana.access, Some("\"old\""), &lopez);
    assert_eq!(said(&stale), refused(412, "precondition_failed"));
    let changed = rename(&house, &ana.access, Some(etag), &lopez);
    assert_eq!((changed.status, &json_of(&changed)["display_name"]), (200, &json!("Ana López")));
    assert_ne!(changed.header("etag"), Some(etag));
    let news = house.deliver();
    assert_eq!((news.len(), news[0].topic.as_str()), (1, "identity.user-changed.v1"));
    let told: Value = serde_json::from_slice(&news[0].body).unwrap();
    assert_eq!(told["display_name"], "Ana López");
    let stale = rename(&house, &ana.access, Some(etag), &json!({"display_name": "Eve"}));
    assert_eq!(said(&stale), refused(412, "precondition_failed"));
    for (body, code) in [
        (json!({"display_name": ""}), "invalid_request"),
        (json!({"roles": ["admin"]}), "unknown_field"),
        (json!({"display_name": "A", "email": "x@y.z"}), "unknown_field"),
        (json!({}), "invalid_request"),
    ] {
        let etag = changed.header("etag");
        assert_eq!(said(&rename(&house, &ana.access, etag, &body)), refused(400, code), "{body}");
    }
    let token = house.sign_in(ANA).access;
    let claims = ports::ready(ports::Vault::verify_access_token(&house.memory, &token));
    assert_eq!(claims.unwrap().name, "Ana López");
}

#[test]
fn an_export_holds_what_is_kept_and_no_secret() {
    let house = House::new();
    let ana = house.resident(ANA);
    let export = house.call("GET", "/v1/me/export", &ana.access, None);
    let body = json_of(&export);
    assert_eq!(export.status, 200);
    assert!(export.header("content-disposition").unwrap().starts_with("attachment"));
    assert_eq!(
        (&body["account"]["email"], &body["account"]["roles"]),
        (&json!(ANA), &json!(["user"]))
    );
    assert_eq!(body["sessions"].as_array().unwrap().len(), 1);
    assert!(body["sessions"][0]["id"].as_str().unwrap().starts_with("ses_"), "{body}");
    assert_eq!(body["sessions"][0]["device"], json!(null), "nobody said");
    assert_eq!(body["signed_in_from_known_places_at"].as_array().unwrap().len(), 1);
    let text = body.to_string();
    for secret in ["$memory$", "rt_", &ana.access, "hash"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn an_erased_account_leaves_an_id_and_nothing_else() {
    let house = House::new();
    let ana = house.resident(ANA);
    let ben = house.resident("ben@example.test");
    house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    house.sign_up(ANA, PASSWORD);
    house.deliver();
    let id = house.user_id(&ana.access);
    let erased = house.call("DELETE", "/v1/me", &ana.access, None);
    assert_eq!((erased.status, erased.body.len()), (204, 0));
    let news = house.deliver();
    assert_eq!((news.len(), news[0].topic.as_str()), (1, "identity.user-erased.v1"));
    let told: Value = serde_json::from_slice(&news[0].body).unwrap();
    assert_eq!(told, json!({"user_id": id}));
    for table in [
        "codes WHERE owner",
        "sign_ups WHERE owner",
        "families WHERE account_id",
        "tokens WHERE account_id",
        "places WHERE account_id",
    ] {
        let left = house.count(&format!("SELECT count(*) FROM identity_{table} = '{id}'"));
        assert_eq!(left, 0, "{table}");
    }
    let tombstone = format!(
        "SELECT count(*) FROM identity_accounts WHERE id = '{id}' AND email IS NULL
         AND password IS NULL AND display_name = '' AND erased_at IS NOT NULL"
    );
    assert_eq!(house.count(&tombstone), 1);
    for (method, path) in [("GET", "/v1/me"), ("DELETE", "/v1/me"), ("GET", "/v1/me/export")] {
        let gone = house.call(method, path, &ana.access, None);
        assert_eq!(said(&gone), refused(401, "unauthenticated"), "{method} {path}");
    }
    assert_eq!(said(&house.refresh(&ana.refresh)), refused(401, "invalid_token"));
    assert_eq!(house.try_sign_in(ANA, PASSWORD).status, 401);
    assert_eq!(house.refresh(&ben.refresh).status, 200);
    let again = house.resident(ANA);
    assert_ne!(house.user_id(&again.access), id, "the address is free, the id is not");
}

#[test]
fn who_signed_in_long_ago_proves_it_again_before_erasing() {
    let house = House::new();
    let ana = house.resident(ANA);
    house.later(599_999);
    let ana = crate::house::pair(&house.refresh(&ana.refresh), 200);
    house.later(1);
    let erase = |body: Option<Value>| house.call("DELETE", "/v1/me", &ana.access, body.as_ref());
    assert_eq!(said(&erase(None)), refused(403, "reauthentication_required"));
    let wrong = erase(Some(json!({"password": "a guess of mine"})));
    assert_eq!(said(&wrong), refused(403, "reauthentication_required"));
    let wrong = erase(Some(json!({"otp": "123456"})));
    assert_eq!(said(&wrong), refused(403, "reauthentication_required"));
    assert_eq!(said(&erase(Some(json!({"proof": 1})))), refused(400, "unknown_field"));
    assert_eq!(erase(Some(json!({"password": PASSWORD}))).status, 204);
}
