#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

const NOW: i64 = 1_795_694_400;

fn key(secret: u8) -> SigningKey {
    SigningKey::of(&[secret; 32])
}

fn ana() -> Claims {
    let (subject, name) = ("usr_ana".to_owned(), "ana".to_owned());
    Claims { subject, name, roles: vec!["user".to_owned()], expires_at: NOW + 600 }
}

/// A token that is signed with the right key, whatever it says.
fn own(key: &SigningKey, header: &str, payload: &str) -> String {
    let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
    signed(&format!("{}.{}", encoded(header), encoded(payload)), key)
}

fn header(key: &SigningKey) -> String {
    format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#, key.id)
}

/// The claims that a token has.
fn payload() -> String {
    let exp = NOW + 600;
    format!(r#"{{"iss":"ecomauction","aud":"ecomauction","sub":"usr_ana","exp":{exp},"iat":0,"#)
        + r#""nbf":1,"name":"ana","roles":["user"]}"#
}

#[test]
fn a_token_says_who_bears_it_until_it_expires() {
    let key = key(1);
    let token = sign(&ana(), &key).unwrap();
    assert_eq!(check(&token, [&key], NOW), Some(ana()));
    assert_eq!(check(&token, [&key], NOW + 599), Some(ana()));
    assert_eq!(check(&token, [&key], NOW + 600), None);
    assert_eq!(sign(&ana(), &key).unwrap(), token, "the same claims are the same token");
}

#[test]
fn a_token_is_verified_with_the_key_that_it_names() {
    let (one, other) = (key(1), key(2));
    let token = sign(&ana(), &one).unwrap();
    assert_eq!(check(&token, [&other, &one], NOW), Some(ana()));
    assert_eq!(check(&token, [&other], NOW), None);
    assert_eq!(check(&token, [], NOW), None);
    let renamed = own(&other, &header(&one), &payload());
    assert_eq!(check(&renamed, [&one, &other], NOW), None, "signed with another one");
}

#[test]
fn tampered_and_unsigned_tokens_are_refused() {
    let key = key(1);
    let token = sign(&ana(), &key).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let payload = signed.split_once('.').unwrap().1;
    let next = char::from(token.as_bytes()[token.len() - 1] + 1);
    let none = URL_SAFE_NO_PAD.encode(header(&key).replace("EdDSA", "none"));
    for bad in [
        format!("{signed}."),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        token.replacen('e', "f", 3),
        format!("{token}="),
        // The last character has four bits that say nothing.
        format!("{}{next}", &token[..token.len() - 1]),
        format!("{token}.{signature}"),
        String::new(),
        "..".to_owned(),
    ] {
        assert_eq!(check(&bad, [&key], NOW), None, "{bad}");
    }
}

#[test]
fn a_header_chooses_nothing() {
    let key = key(1);
    let good = header(&key);
    assert_eq!(check(&own(&key, &good, &payload()), [&key], NOW), Some(ana()));
    for (from, to) in [
        ("EdDSA", "none"),
        ("EdDSA", "HS256"),
        ("EdDSA", "eddsa"),
        ("at+jwt", "JWT"),
        (r#","typ":"at+jwt""#, ""),
        (r#""alg":"EdDSA","#, ""),
        (&format!(r#","kid":"{}""#, key.id), ""),
        ("}", r#","jwk":{}}"#),
        ("}", r#","crit":["exp"]}"#),
        ("}", r#","alg":"EdDSA"}"#),
    ] {
        let header = good.replacen(from, to, 1);
        assert_ne!(header, good);
        assert_eq!(check(&own(&key, &header, &payload()), [&key], NOW), None, "{header}");
    }
}

#[test]
fn claims_are_ours_and_nothing_else() {
    let key = key(1);
    let late = format!(r#""exp":{}"#, NOW + 600);
    for (from, to) in [
        (r#""aud":"ecomauction""#, r#""aud":"shop""#),
        (r#""aud":"ecomauction""#, r#""aud":["ecomauction"]"#),
        (r#""iss":"ecomauction""#, r#""iss":"shop""#),
        (r#""nbf":1"#, &format!(r#""nbf":{}"#, NOW + 1)),
        (&late, &format!(r#""exp":{NOW}"#)),
        (&late, r#""exp":"never""#),
        (&format!("{late},"), ""),
        (r#""name""#, r#""sub":"usr_eve","name""#),
        (r#""name""#, r#""admin":true,"name""#),
        (r#","roles":["user"]"#, ""),
    ] {
        let payload = payload().replacen(from, to, 1);
        assert_ne!(payload, self::payload());
        assert_eq!(check(&own(&key, &header(&key), &payload), [&key], NOW), None, "{payload}");
    }
}

#[test]
fn a_token_is_not_longer_than_any_that_is_needed() {
    let key = key(1);
    let named = |length| Claims { name: "n".repeat(length), ..ana() };
    let longest = (TOKEN_MAX_CHARS / 8 * 5..TOKEN_MAX_CHARS)
        .map(|length| sign(&named(length), &key).unwrap())
        .take_while(|token| token.len() <= TOKEN_MAX_CHARS)
        .last()
        .unwrap();
    assert!(check(&longest, [&key], NOW).is_some());
    let longer = sign(&named(TOKEN_MAX_CHARS), &key).unwrap();
    assert_eq!(check(&longer, [&key], NOW), None);
}

#[test]
fn the_key_set_is_public_and_says_what_tokens_name() {
    let keys = [key(1), key(2)];
    let set: serde_json::Value = serde_json::from_str(&jwk_set(&keys)).unwrap();
    let x = URL_SAFE_NO_PAD.encode(keys[1].key.verifying_key().as_bytes());
    let second = serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": keys[1].id(), "x": x,
    });
    assert_eq!((set["keys"].as_array().unwrap().len(), &set["keys"][1]), (2, &second));
    assert_eq!(jwk_set(&[]), r#"{"keys":[]}"#);
}

/// Key ids are stable: a platform that is updated still knows its tokens.
#[test]
fn the_id_of_a_key_is_the_beginning_of_the_hash_of_its_public_half() {
    let public = Digest::of(&[key(1).key.verifying_key().as_bytes()]).to_hex();
    assert_eq!((key(1).id(), key(1).id().len()), (&public[..16], 16));
}
