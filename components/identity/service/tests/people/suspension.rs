//! What administrators do, and what a suspended account can still do.

use serde_json::json;

use crate::house::{House, PASSWORD, json_of, refused, request, said, with_header};

const ANA: &str = "ana@example.test";
const ROOT: &str = "root@example.test";

fn house() -> House {
    House::on(|memory| memory.with_variable("admin_emails", ROOT))
}

#[test]
fn a_suspended_account_is_signed_out_and_comes_back_to_look_only() {
    let house = house();
    let root = house.resident(ROOT);
    let ana = house.resident(ANA);
    let path = format!("/v1/admin/users/{}/suspension", house.user_id(&ana.access));
    assert_eq!(house.call("PUT", &path, &root.access, None).status, 204);
    assert_eq!(house.call("PUT", &path, &root.access, None).status, 204, "again");
    assert_eq!(said(&house.refresh(&ana.refresh)), refused(401, "invalid_token"));
    let back = house.sign_in(ANA);
    assert_eq!(house.roles(&back.access), ["suspended"]);
    let me = house.call("GET", "/v1/me", &back.access, None);
    assert_eq!((me.status, &json_of(&me)["roles"]), (200, &json!(["suspended"])));
    assert_eq!(house.call("GET", "/v1/me/export", &back.access, None).status, 200);
    // The token from before says `user` still; the account knows better.
    for token in [&ana.access, &back.access] {
        let name = json!({"display_name": "Eve"});
        let rename = request("PATCH", "/v1/me", Some(token), Some(&name));
        let rename = house.send(with_header(rename, "if-match", "*"));
        assert_eq!(said(&rename), refused(403, "account_suspended"));
        for (method, path) in [("DELETE", "/v1/me"), ("POST", "/v1/me/totp")] {
            let tried = house.call(method, path, token, None);
            assert_eq!(said(&tried), refused(403, "account_suspended"), "{method} {path}");
        }
    }
    assert_eq!(house.call("DELETE", &path, &root.access, None).status, 204);
    assert_eq!(said(&house.refresh(&back.refresh)), refused(401, "invalid_token"));
    assert_eq!(house.roles(&house.sign_in(ANA).access), ["user"]);
}

#[test]
fn a_suspended_administrator_is_none() {
    let house = House::on(|memory| memory.with_variable("admin_emails", &format!("{ROOT},{ANA}")));
    let root = house.resident(ROOT);
    let ana = house.resident(ANA);
    let path = |token: &str| format!("/v1/admin/users/{}/suspension", house.user_id(token));
    assert_eq!(house.call("PUT", &path(&ana.access), &root.access, None).status, 204);
    let back = house.sign_in(ANA);
    let tried = house.call("PUT", &path(&root.access), &back.access, None);
    assert_eq!(said(&tried), refused(403, "account_suspended"));
    let own = house.call("PUT", &path(&root.access), &root.access, None);
    assert_eq!(said(&own), refused(403, "forbidden"));
}

#[test]
fn an_administrator_of_before_does_nothing_with_the_token_from_then() {
    let admins = format!("{ROOT},{ANA}");
    let house = House::on(|memory| memory.with_variable("admin_emails", &admins));
    let (root, ana) = (house.resident(ROOT), house.resident(ANA));
    let ben = house.resident("ben@example.test");
    let path = |token: &str| format!("/v1/admin/users/{}/suspension", house.user_id(token));
    let assert_refused = |status: u16, code: &str| {
        for of in [&ana.access, &root.access, &ben.access] {
            for method in ["PUT", "DELETE"] {
                let tried = house.call(method, &path(of), &ana.access, None);
                assert_eq!(said(&tried), refused(status, code), "{method}");
            }
        }
    };
    assert_eq!(house.call("PUT", &path(&ana.access), &root.access, None).status, 204);
    assert_refused(403, "account_suspended");
    assert_eq!(house.call("DELETE", &path(&ana.access), &root.access, None).status, 204);
    assert_refused(401, "unauthenticated");
    let suspended = "SELECT count(*) FROM identity_accounts WHERE suspended_at IS NOT NULL";
    assert_eq!(house.count(suspended), 0);
    let back = house.sign_in(ANA);
    let erased = house.sign_in(ANA);
    assert_eq!(house.call("DELETE", "/v1/me", &erased.access, None).status, 204);
    let tried = house.call("PUT", &path(&root.access), &back.access, None);
    assert_eq!(said(&tried), refused(401, "unauthenticated"));
}

#[test]
fn who_is_no_administrator_any_more_does_nothing_with_the_token_from_then() {
    let mut house = house();
    let root = house.resident(ROOT);
    let ana = house.resident(ANA);
    let path = format!("/v1/admin/users/{}/suspension", house.user_id(&ana.access));
    house.memory = house.memory.with_variable("admin_emails", "another@example.test");
    for method in ["PUT", "DELETE"] {
        assert_eq!(said(&house.call(method, &path, &root.access, None)), refused(403, "forbidden"));
    }
}

#[test]
fn a_reset_password_does_not_end_a_suspension() {
    let house = house();
    let root = house.resident(ROOT);
    let ana = house.resident(ANA);
    let path = format!("/v1/admin/users/{}/suspension", house.user_id(&ana.access));
    assert_eq!(house.call("PUT", &path, &root.access, None).status, 204);
    house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    let body = json!({"email": ANA, "code": house.code(ANA), "password": PASSWORD});
    assert_eq!(house.post("/v1/passwords/reset", &body).status, 204);
    assert_eq!(house.roles(&house.sign_in(ANA).access), ["suspended"]);
}

#[test]
fn only_administrators_suspend_and_only_who_is_there() {
    let house = house();
    let root = house.resident(ROOT);
    let ana = house.resident(ANA);
    let own = format!("/v1/admin/users/{}/suspension", house.user_id(&ana.access));
    for method in ["PUT", "DELETE"] {
        assert_eq!(said(&house.call(method, &own, &ana.access, None)), refused(403, "forbidden"));
        let nobody = house.send(request(method, &own, None, None));
        assert_eq!(said(&nobody), refused(401, "unauthenticated"));
        for id in ["usr_01h2xcejqtf2nbrexx3vqjhp41", "nonsense", "auc_01h2xcejqtf2nbrexx3vqjhp41"] {
            let path = format!("/v1/admin/users/{id}/suspension");
            let missing = house.call(method, &path, &root.access, None);
            assert_eq!(said(&missing), refused(404, "not_found"), "{id}");
        }
    }
}
