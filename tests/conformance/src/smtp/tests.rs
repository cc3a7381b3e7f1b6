use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::*;

struct Raw(BufReader<TcpStream>);

impl Raw {
    async fn open(sink: &Sink) -> Self {
        let mut raw = Self(BufReader::new(TcpStream::connect(sink.address()).await.unwrap()));
        assert_eq!(raw.answer().await, "220 sink.test ESMTP");
        raw
    }

    async fn answer(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn write(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    /// The status of the last line of the answer.
    async fn ask(&mut self, line: &str) -> String {
        self.write(&format!("{line}\r\n")).await;
        loop {
            let answer = self.answer().await;
            if answer.as_bytes().get(3) != Some(&b'-') {
                return answer.chars().take(3).collect();
            }
        }
    }

    async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.unwrap();
        rest.is_empty()
    }

    async fn envelope(&mut self, to: &str) {
        for (line, status) in [
            ("EHLO test".to_owned(), "250"),
            ("MAIL FROM:<a@example.test> BODY=8BITMIME".to_owned(), "250"),
            (format!("RCPT TO:<{to}>"), "250"),
            ("DATA".to_owned(), "354"),
        ] {
            assert_eq!(self.ask(&line).await, status, "{line}");
        }
    }
}

const LETTER: &str = "Message-ID: <one@example.test>\r\nFrom: Us <us@example.test>\r\n\
    To: Ben <ben@example.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_an_Ben?=\r\n\
    MIME-Version: 1.0\r\nList-Unsubscribe:\r\n <http://here/x>\r\n\
    Content-Type: multipart/alternative; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: \
    quoted-printable\r\n\r\n..One =3D 1\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\
    \r\n<p>One\u{fc}</p>\r\n--b--\r\n";

#[tokio::test]
async fn a_letter_is_kept_as_it_was_meant() {
    let sink = Sink::open().await;
    let mut raw = Raw::open(&sink).await;
    raw.envelope("ben@example.test").await;
    assert_eq!(raw.ask(&format!("{LETTER}.")).await, "250");
    assert_eq!(raw.ask("NOOP").await, "250");
    assert_eq!(raw.ask("QUIT").await, "221");
    assert!(raw.is_closed().await);
    let letters = sink.to("ben@example.test");
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.from.as_str(), letter.is_acknowledged), ("a@example.test", true));
    assert_eq!(letter.message_id, "one@example.test");
    assert_eq!(letter.header_to, "ben@example.test");
    assert_eq!(letter.header_from, "us@example.test");
    assert_eq!(letter.subject, "Gr\u{fc}\u{df}e an Ben");
    assert_eq!(letter.header("list-unsubscribe"), Some("<http://here/x>"));
    assert_eq!(letter.text.trim_end(), ".One = 1", "the stuffed dot is gone");
    assert_eq!(letter.html.trim_end(), "<p>One\u{fc}</p>");
    assert!(sink.to("cat@example.test").is_empty());
    assert_eq!(sink.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_letter_in_plain_text_has_no_html() {
    let sink = Sink::open().await;
    let mut raw = Raw::open(&sink).await;
    raw.envelope("ben@example.test").await;
    let letter =
        "Message-ID: <1@x>\r\nFrom: us@x\r\nSubject: 1\r\nSubject: 2\r\n\r\nHello <b>\r\n.";
    assert_eq!(raw.ask(letter).await, "250");
    let letter = &sink.letters()[0];
    assert_eq!((letter.text.trim_end(), letter.html.as_str()), ("Hello <b>", ""));
    assert_eq!(letter.header("subject"), None, "two of them are none");
}

#[tokio::test]
async fn commands_that_come_together_are_answered_in_order() {
    let sink = Sink::open().await;
    let mut raw = Raw::open(&sink).await;
    raw.write("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@x>\r\nRSET\r\nDATA\r\nNOOP\r\n").await;
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(raw.answer().await.chars().take(3).collect::<String>());
    }
    assert_eq!(statuses[..5], ["250"; 5], "five lines of EHLO");
    assert_eq!(statuses[5..], ["250", "250", "250", "554", "250"]);
    assert_eq!(sink.letters(), []);
}

#[tokio::test]
async fn a_busy_sink_defers_a_refusing_one_refuses() {
    let sink = Sink::open().await;
    let mut raw = Raw::open(&sink).await;
    sink.refuses("Gone@example.test");
    sink.is_busy(true);
    assert_eq!(raw.ask("EHLO test").await, "250");
    assert_eq!(raw.ask("MAIL FROM:<a@x>").await, "250");
    assert_eq!(raw.ask("RCPT TO:<ben@x>").await, "451");
    assert_eq!(raw.ask("RCPT TO:<gone@example.test>").await, "550");
    assert_eq!(raw.ask("DATA").await, "554");
    sink.is_busy(false);
    assert_eq!(raw.ask("RCPT TO:<ben@x>").await, "250");
    assert_eq!((sink.deferred(), sink.letters().len()), (1, 0));
}

#[tokio::test]
async fn a_cut_letter_is_kept_and_its_sender_does_not_know() {
    let sink = Sink::open().await;
    sink.cuts(1);
    for is_cut in [true, false] {
        let mut raw = Raw::open(&sink).await;
        raw.envelope("ben@example.test").await;
        raw.write(&format!("{LETTER}.\r\n")).await;
        let answer = raw.answer().await;
        assert_eq!(answer, if is_cut { "" } else { "250 kept" });
    }
    let twins = sink.until("both", Duration::from_secs(5), |letters| {
        (letters.len() == 2).then(|| letters.to_vec())
    });
    let twins = twins.await;
    assert_eq!(twins[0].message_id, twins[1].message_id);
    assert_eq!((twins[0].is_acknowledged, twins[1].is_acknowledged), (false, true));
}

#[tokio::test]
async fn a_slow_sink_keeps_a_letter_and_answers_late() {
    let sink = Sink::open().await;
    let late = Duration::from_millis(300);
    sink.is_slow(1, late);
    let mut raw = Raw::open(&sink).await;
    raw.envelope("ben@example.test").await;
    raw.write(&format!("{LETTER}.\r\n")).await;
    let came = std::time::Instant::now();
    sink.until("it is kept", late, |letters| letters.first().cloned()).await;
    assert_eq!(raw.answer().await, "250 kept");
    assert!(came.elapsed() >= late);
    raw.envelope("ben@example.test").await;
    assert_eq!(raw.ask(&format!("{LETTER}.")).await, "250");
    assert!(came.elapsed() < late * 2, "one letter, not all");
}

#[tokio::test]
async fn a_letter_that_is_refused_at_its_end_is_not_kept() {
    let sink = Sink::open().await;
    sink.refuses_at_end("Ben@example.test");
    let mut raw = Raw::open(&sink).await;
    for (to, status) in [("ben", "550"), ("cat", "250"), ("ben", "550")] {
        raw.envelope(&format!("{to}@example.test")).await;
        assert_eq!(raw.ask(&format!("{LETTER}.")).await, status, "{to}");
    }
    assert_eq!((sink.letters().len(), sink.refused_again()), (1, 1));
    assert_eq!(sink.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_locked_sink_lets_nobody_in_and_ends_who_was() {
    let sink = Sink::open().await;
    let mut before = Raw::open(&sink).await;
    assert_eq!(before.ask("EHLO test").await, "250");
    assert_eq!(before.ask("AUTH PLAIN AHVzAHNlY3JldA==").await, "235");
    sink.is_locked(true);
    assert_eq!(before.ask("NOOP").await, "421");
    assert!(before.is_closed().await);
    let mut raw = Raw::open(&sink).await;
    assert_eq!(raw.ask("EHLO test").await, "250");
    assert_eq!(raw.ask("AUTH PLAIN AHVzAHNlY3JldA==").await, "535");
    sink.is_locked(false);
    assert_eq!(raw.ask("AUTH PLAIN AHVzAHNlY3JldA==").await, "235");
    assert_eq!(sink.locked_out(), 1);
}

#[tokio::test]
async fn what_stricter_servers_refuse_is_told() {
    let sink = Sink::open().await;
    let mut raw = Raw::open(&sink).await;
    assert_eq!(raw.ask("MAIL FROM:<a@x>").await, "503");
    assert_eq!(raw.ask("VRFY ben").await, "500");
    raw.envelope("ben@x").await;
    // Neither LF.LF nor LF.CRLF ends a letter.
    raw.write("From: us@x\r\n\r\none\n.\ntwo\n.\r\nthree\r\n.\r\n").await;
    assert_eq!(raw.answer().await, "250 kept");
    let letter = &sink.letters()[0];
    assert!(letter.text.contains("three"), "{letter:?}");
    let complaints = sink.complaints().join("; ");
    for what in ["out of order", "VRFY", "bare LF", "no Message-ID"] {
        assert!(complaints.contains(what), "{what}: {complaints}");
    }
}

#[tokio::test]
#[should_panic(expected = "still not: a letter")]
async fn a_letter_that_does_not_come_is_told() {
    let sink = Sink::open().await;
    sink.until("a letter", Duration::from_millis(20), |letters| letters.first().cloned()).await;
}
