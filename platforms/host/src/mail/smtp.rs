//! Letters over SMTP.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::{Letter, MailError, answer};

/// A mail server, and who writes.
pub(super) struct Smtp {
    builder: AsyncSmtpTransportBuilder,
    current: Mutex<Generation>,
    from: Mailbox,
    dialogue_max: Duration,
}

/// Connections that are used again; all are left when one of them stalls.
#[derive(Clone)]
struct Generation {
    number: u64,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Smtp {
    /// `url` is `smtp://[user:password@]host[:port]`, `smtps://…`, or `smtp://…?tls=required`.
    pub(super) fn new(url: &str, from: &str) -> anyhow::Result<Self> {
        // The error would quote the URL, and with it the password.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| anyhow::anyhow!("smtp_url is not smtp://… or smtps://…"))?
            .timeout(Some(CONNECT_MAX))
            .pool_config(PoolConfig::new().max_size(IDLE_MAX));
        let from = from.parse().with_context(|| format!("mail_from is no address: {from:?}"))?;
        let current = Generation { number: 0, transport: builder.clone().build() };
        Ok(Self { builder, current: Mutex::new(current), from, dialogue_max: DIALOGUE_MAX })
    }

    /// Other patience, for tests.
    #[cfg(test)]
    pub(super) fn within(self, dialogue_max: Duration) -> Self {
        Self { dialogue_max, ..self }
    }

    /// Sends a letter. Whoever drops this future leaves a connection in the middle of a dialogue:
    /// the next letter would read the answers to this one.
    pub(super) async fn send(&self, key: &str, letter: Letter) -> Result<(), MailError> {
        let message = self.message(key, letter).map_err(MailError::Rejected)?;
        let generation = self.current.lock().clone();
        let mut sending = pin!(generation.transport.send(message));
        let Ok(sent) = timeout(self.dialogue_max, &mut sending).await else {
            // Before `sending` is dropped, which would give its connection back.
            self.leave(&generation).await;
            return Err(MailError::Unavailable("the mail server stalled".to_owned()));
        };
        let meaning = sent.map(drop).map_err(|error| answer::meaning(&error));
        if let Err(MailError::Rejected(why)) = &meaning {
            tracing::warn!(key, why, "a letter was rejected");
        }
        meaning
    }

    /// Lets no further letter use the connections of that generation: they end when they are given
    /// back.
    async fn leave(&self, stalled: &Generation) {
        {
            let mut current = self.current.lock();
            if current.number == stalled.number {
                let (number, transport) = (stalled.number + 1, self.builder.clone().build());
                *current = Generation { number, transport };
            }
        }
        // Its idle connections are told goodbye, which a server that stalls may not answer. Nor may
        // it for the one that is given back after this, which ends when the server or TCP ends it.
        let _ = timeout(GOODBYE_MAX, stalled.transport.shutdown()).await;
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

/// A mail server that takes longer to accept a connection is asked again later.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Longest dialogue about one letter, connecting included.
const DIALOGUE_MAX: Duration = Duration::from_secs(120);
/// Connections that are kept for the next letters.
const IDLE_MAX: u32 = 16;
const GOODBYE_MAX: Duration = Duration::from_secs(1);

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
