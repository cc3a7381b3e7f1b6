//! Letters over SMTP.

use anyhow::Context as _;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use sha2::{Digest as _, Sha256};

use super::{Letter, MailError};

/// A mail server, and who writes.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// `url` is `smtp://[user:password@]host[:port]`, `smtps://…`, or `smtp://…?tls=required`.
    pub(super) fn new(url: &str, from: &str) -> anyhow::Result<Self> {
        // The error would quote the URL, and with it the password.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| anyhow::anyhow!("smtp_url is not smtp://… or smtps://…"))?
            .timeout(Some(TIMEOUT))
            .build();
        let from = from.parse().with_context(|| format!("mail_from is no address: {from:?}"))?;
        Ok(Self { transport, from })
    }

    pub(super) async fn send(&self, key: &str, letter: Letter) -> Result<(), MailError> {
        let message = self.message(key, letter).map_err(MailError::Rejected)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::Rejected(error.to_string())),
            Err(error) => Err(MailError::Unavailable(error.to_string())),
        }
    }

    fn message(&self, key: &str, letter: Letter) -> Result<Message, String> {
        let Letter { to, subject, text, html, headers } = letter;
        let address = to.parse().map_err(|_| "the address is not one".to_owned())?;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(subject)
            .message_id(Some(self.message_id(key)));
        for (name, value) in headers {
            let name = HeaderName::new_from_ascii(name).map_err(|error| error.to_string())?;
            builder = builder.raw_header(HeaderValue::new(name, value));
        }
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text);
        let built = match html {
            None => builder.singlepart(text),
            Some(html) => {
                let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(html);
                builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html))
            }
        };
        built.map_err(|error| error.to_string())
    }

    /// The same for all attempts of a key.
    fn message_id(&self, key: &str) -> String {
        let digest = crate::engine::hex(&Sha256::digest(key));
        format!("<{}@{}>", digest.get(..32).unwrap_or_default(), self.from.email.domain())
    }
}

/// A mail server that takes longer is asked again later.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn smtp() -> Smtp {
        Smtp::new("smtp://127.0.0.1:2525", "Auctions <no-reply@auctions.test>").unwrap()
    }

    fn letter(to: &str) -> Letter {
        Letter {
            to: to.to_owned(),
            subject: "Überboten\r\nBcc: eve@x.test".to_owned(),
            text: "text".to_owned(),
            html: Some("<p>text</p>".to_owned()),
            headers: vec![("List-Unsubscribe".to_owned(), "<https://x.test/u>".to_owned())],
        }
    }

    #[tokio::test]
    async fn attempts_of_a_key_share_their_message_id_and_headers_cannot_be_smuggled() {
        let smtp = smtp();
        let made = |key| {
            let message = smtp.message(key, letter("ana@x.test")).unwrap();
            String::from_utf8(message.formatted()).unwrap()
        };
        let id = |text: &str| {
            let line = text.lines().find(|line| line.starts_with("Message-ID: "));
            line.unwrap().to_owned()
        };
        let text = made("k");
        assert_eq!(id(&text), id(&made("k")));
        assert_ne!(id(&text), id(&made("other")));
        assert!(id(&text).ends_with("@auctions.test>"));
        assert!(text.contains("List-Unsubscribe: <https://x.test/u>\r\n"), "{text}");
        assert!(text.contains("multipart/alternative"), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    }

    #[tokio::test]
    async fn a_wrong_address_is_refused_for_good_and_an_absent_server_for_now() {
        let smtp = smtp();
        for wrong in ["", "ana", "ana@x.test\r\nRCPT TO:<eve@x.test>", "a@x.test, b@x.test"] {
            let sent = smtp.send("k", letter(wrong)).await;
            assert!(matches!(sent, Err(MailError::Rejected(_))), "{wrong:?}: {sent:?}");
        }
        // Nobody listens there: the port was given back.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let absent = Smtp::new(&format!("smtp://127.0.0.1:{port}"), "a@x.test").unwrap();
        let sent = absent.send("k", letter("ana@x.test")).await;
        assert!(matches!(sent, Err(MailError::Unavailable(_))), "{sent:?}");
    }

    #[test]
    fn the_password_of_a_wrong_url_is_not_told() {
        let error = Smtp::new("smpt://ana:secret@x.test", "a@x.test").err().unwrap();
        assert!(!format!("{error:#}").contains("secret"), "{error:#}");
    }
}
