//! How people come in: sign up, read the mail, type the code, sign in.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::smtp::Sink;
use crate::{Client, Lost, Reply, User};

/// What everybody's password is: longer than the shortest, and on no list.
pub const PASSWORD: &str = "seven brown owls count lots";

/// Where somebody of that name is written to.
pub fn address(name: &str) -> String {
    format!("{name}@example.test")
}

impl User {
    /// Signs up with a name, types the mailed code, signs in.
    ///
    /// # Panics
    /// When any of it is refused, or no letter comes.
    pub async fn sign_up(client: &Client, name: &str) -> Self {
        let email = address(name);
        let mut mailbox = Mailbox::of(client, &email);
        // Somebody may have had the address before.
        mailbox.skip().await;
        let account = json!({"email": email, "password": PASSWORD, "display_name": name});
        client.post("/v1/accounts", &account).send().await.unwrap().expect(202);
        let confirmation = json!({"email": email, "code": mailbox.code().await});
        client.post("/v1/accounts/confirm", &confirmation).send().await.unwrap().expect(204);
        Self::sign_in(client, name).await
    }

    /// The same where letters leave by a mail server.
    ///
    /// # Panics
    /// When any of it is refused, or no letter comes.
    pub(crate) async fn sign_up_by_mail(client: &Client, sink: &Sink, name: &str) -> Self {
        let email = address(name);
        let account = json!({"email": email, "password": PASSWORD, "display_name": name});
        client.post("/v1/accounts", &account).send().await.unwrap().expect(202);
        let what = format!("a code for {email}");
        let code = sink.until(&what, LETTER_MAX, |letters| {
            let mut mine = letters.iter().filter(|letter| letter.to == [email.as_str()]);
            mine.find_map(|letter| code_in(&letter.text))
        });
        let confirmation = json!({"email": email, "code": code.await});
        client.post("/v1/accounts/confirm", &confirmation).send().await.unwrap().expect(204);
        Self::sign_in(client, name).await
    }

    /// Signs in with the password that everybody has.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn sign_in(client: &Client, name: &str) -> Self {
        let session = json!({"email": address(name), "password": PASSWORD});
        let reply = client.post("/v1/sessions", &session).send().await.unwrap();
        Self::of_pair(client, name, &reply.expect(201)).await
    }

    /// Whoever a pair of tokens belongs to.
    ///
    /// # Panics
    /// When they do not work.
    pub async fn of_pair(client: &Client, name: &str, reply: &Reply) -> Self {
        let pair = reply.json();
        let token = pair["access_token"].as_str().expect("an access token");
        let refresh_token = pair["refresh_token"].as_str().expect("a refresh token").to_owned();
        let client = client.with_token(token);
        let me = client.get("/v1/me").await.expect(200).json();
        let id = me["id"].as_str().expect("everybody has an id").to_owned();
        Self { name: name.to_owned(), id, client, refresh_token }
    }

    /// A user without account, by a development token: where so many are needed that mail and
    /// passwords would be all that is measured.
    pub(crate) async fn by_development_token(client: &Client, name: &str) -> Self {
        Self::try_by_development_token(client, name).await.unwrap()
    }

    /// The same; lost when the platform is down.
    pub async fn try_by_development_token(client: &Client, name: &str) -> Result<Self, Lost> {
        let reply = client.post("/_dev/token", &json!({"user": name})).send().await?;
        if reply.status != 200 {
            return Err(Lost(format!("no token: {} {}", reply.status, reply.text())));
        }
        let token = reply.json();
        let id = token["user_id"].as_str().expect("the token's user").to_owned();
        let client = client.with_token(token["access_token"].as_str().expect("a token"));
        Ok(Self { name: name.to_owned(), id, client, refresh_token: String::new() })
    }

    /// The id of the session that the user's token belongs to.
    ///
    /// # Panics
    /// When it is not listed.
    pub async fn session(&self) -> String {
        let listed = self.client.get("/v1/sessions").await.expect(200).json();
        let mut listed = listed["items"].as_array().expect("a list").iter();
        let own = listed.find(|session| session["current"] == true).expect("the own session");
        own["id"].as_str().expect("every session has an id").to_owned()
    }

    /// Where the user is written to.
    pub fn email(&self) -> String {
        address(&self.name)
    }
}

/// The letters that the platform captured for an address, one after the other.
pub struct Mailbox {
    client: Client,
    address: String,
    seen: BTreeSet<String>,
}

impl Mailbox {
    /// Of an address; from its first letter on.
    pub fn of(client: &Client, address: &str) -> Self {
        Self { client: client.clone(), address: address.to_owned(), seen: BTreeSet::new() }
    }

    /// Everything that is there, oldest first.
    ///
    /// # Panics
    /// When the platform does not capture mail.
    pub async fn letters(&self) -> Vec<Value> {
        let address: String = form_urlencoded::byte_serialize(self.address.as_bytes()).collect();
        let path = format!("/_dev/mail?to={address}");
        let mut page = self.client.get(&path).await.expect(200).json();
        let Some(Value::Array(mut letters)) = page.get_mut("items").map(Value::take) else {
            panic!("no items: {page}");
        };
        assert!(letters.iter().all(|letter| letter["to"] == self.address.as_str()), "{letters:?}");
        letters.reverse();
        letters
    }

    /// Leaves out what is there by now.
    ///
    /// # Panics
    /// When the platform does not capture mail.
    pub async fn skip(&mut self) {
        let letters = self.letters().await;
        self.seen
            .extend(letters.iter().filter_map(|letter| letter["id"].as_str().map(str::to_owned)));
    }

    /// The oldest letter that was not returned yet; waits for it.
    ///
    /// # Panics
    /// When none comes.
    pub async fn next(&mut self) -> Value {
        let deadline = Instant::now() + LETTER_MAX;
        loop {
            let letters = self.letters().await;
            for letter in &letters {
                let id = letter["id"].as_str().expect("a letter has an id");
                if self.seen.insert(id.to_owned()) {
                    return letter.clone();
                }
            }
            let count = letters.len();
            let address = &self.address;
            assert!(
                Instant::now() < deadline,
                "{LETTER_MAX:?} later no new letter to {address}, {count} before"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The code in the next letter.
    ///
    /// # Panics
    /// When none comes, or one without a code.
    pub async fn code(&mut self) -> String {
        let letter = self.next().await;
        let text = letter["text"].as_str().expect("a letter has a text");
        code_in(text).unwrap_or_else(|| panic!("no code in {letter}"))
    }
}

/// The only code in a text: six digits, or 26 letters of base32 where a new password is set.
pub fn code_in(text: &str) -> Option<String> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric());
    let is_code = |word: &&str| match word.len() {
        6 => word.bytes().all(|byte| byte.is_ascii_digit()),
        26 => word.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')),
        _ => false,
    };
    let codes: BTreeSet<_> = words.filter(is_code).collect();
    let mut codes = codes.into_iter();
    let code = codes.next()?;
    codes.next().is_none().then(|| code.to_owned())
}

/// The one-time code of a secret in base32 at an instant (RFC 6238: SHA-1, six digits, 30 s).
pub fn one_time_code(secret: &str, at_ms: i64) -> String {
    let step = u64::try_from(at_ms.div_euclid(30_000)).expect("after 1970");
    let mut mac = Hmac::<Sha1>::new_from_slice(&unbase32(secret)).expect("any length does");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let from = usize::from(digest[digest.len() - 1] & 0xf);
    let word =
        u32::from_be_bytes([digest[from], digest[from + 1], digest[from + 2], digest[from + 3]]);
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

fn unbase32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            other => panic!("{other} is not base32"),
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    bytes
}

/// A letter has to be hashed for, queued and taken up; on a busy machine that takes a moment.
const LETTER_MAX: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_word_that_stands_alone() {
        for (text, code) in [
            ("Your code is 123456.", Some("123456")),
            ("123456\n\nAgain: 123456", Some("123456")),
            ("1234567 and 12345, ab123456", None),
            ("123456 or 654321", None),
            ("of 2027-01-15, 08:00 UTC", None),
            ("is ABCDEFGHIJKLMNOPQRSTUVWX27\n", Some("ABCDEFGHIJKLMNOPQRSTUVWX27")),
            ("abcdefghijklmnopqrstuvwx27 ABCDEFGHIJKLMNOPQRSTUVWX01", None),
            ("ABCDEFGHIJKLMNOPQRSTUVWX27 or 123456", None),
            ("", None),
        ] {
            assert_eq!(code_in(text).as_deref(), code, "{text}");
        }
    }

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn one_time_codes_are_those_of_the_standard() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (second, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(one_time_code(secret, second * 1_000), code, "{second}");
        }
    }
}
