//! Letters against a mail server that takes its time, refuses, and stalls.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What a server does next; an empty list is a server that is well.
#[derive(Default)]
struct Script {
    /// Answers at the end of a letter and how long they take.
    ends: VecDeque<(Duration, &'static str)>,
    /// Answers to recipients.
    recipients: VecDeque<&'static str>,
    /// Answers to `AUTH`.
    signs_in: VecDeque<&'static str>,
    greetings: VecDeque<&'static str>,
    /// `Message-ID` of every letter that came to its end.
    letters: Vec<String>,
    connections: usize,
}

struct Server {
    port: u16,
    script: Arc<parking_lot::Mutex<Script>>,
}

impl Server {
    async fn open(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(parking_lot::Mutex::new(script));
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().connections += 1;
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, script }
    }

    fn letters(&self) -> usize {
        self.script.lock().letters.len()
    }

    fn connections(&self) -> usize {
        self.script.lock().connections
    }
}

async fn serve(stream: TcpStream, script: Arc<parking_lot::Mutex<Script>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let greeting = script.lock().greetings.pop_front().unwrap_or("220 here");
    stream.get_mut().write_all(format!("{greeting}\r\n").as_bytes()).await?;
    let (mut is_letter, mut id) = (false, String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let verb = line.get(..4).unwrap_or_default();
        let answer = match verb {
            _ if is_letter && line == "." => {
                is_letter = false;
                let end = script.lock().ends.pop_front();
                let (after, answer) = end.unwrap_or((Duration::ZERO, "250 kept"));
                tokio::time::sleep(after).await;
                if answer.starts_with('2') {
                    script.lock().letters.push(std::mem::take(&mut id));
                }
                answer
            }
            _ if is_letter => {
                if let Some(of) = line.strip_prefix("Message-ID: ") {
                    of.clone_into(&mut id);
                }
                continue;
            }
            "EHLO" => "250-here\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => script.lock().signs_in.pop_front().unwrap_or("235 it is you"),
            "RCPT" => script.lock().recipients.pop_front().unwrap_or("250 to whom"),
            "DATA" => {
                is_letter = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await?;
        if verb == "QUIT" && !is_letter {
            return Ok(());
        }
    }
}

struct Bench {
    room: MailRoom,
    folder: tempfile::TempDir,
}

impl Bench {
    fn open(server: &Server) -> Self {
        Self::within(server, Duration::from_secs(5))
    }

    fn within(server: &Server, dialogue_max: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("smtp://us:secret@127.0.0.1:{}", server.port);
        let store = Arc::new(Store::open(&folder.path().join("mail.db")).unwrap());
        let smtp = Smtp::new(&url, "us@auctions.test").unwrap().within(dialogue_max);
        let dispatch = Dispatch::with_patience(smtp, Arc::clone(&store), PATIENCE);
        Self { room: MailRoom { store, dispatch: Some(dispatch) }, folder }
    }

    async fn send(&self, key: &str) -> Result<(), MailError> {
        let letter = Letter {
            to: "ana@x.test".to_owned(),
            subject: "subject".to_owned(),
            text: "text".to_owned(),
            ..Letter::default()
        };
        self.room.send(key.to_owned(), letter).await
    }

    fn is_under_way(&self, key: &str) -> bool {
        self.room.dispatch.as_ref().is_some_and(|dispatch| dispatch.is_under_way(key))
    }

    /// Another hand on the book.
    fn book(&self, sql: &str) {
        let book = rusqlite::Connection::open(self.folder.path().join("mail.db")).unwrap();
        book.execute_batch(sql).unwrap();
    }
}

fn is_for_now(sent: &Result<(), MailError>) -> bool {
    matches!(sent, Err(MailError::Unavailable(_)))
}

#[tokio::test]
async fn a_slow_server_gets_a_letter_once_however_often_it_is_asked_for() {
    let ends = [(PATIENCE * 5, "250 kept")].into();
    let server = Server::open(Script { ends, ..Script::default() }).await;
    let bench = Bench::open(&server);
    // A request that is over in the middle of it.
    let cut = tokio::time::timeout(PATIENCE / 2, bench.send("k")).await;
    assert!(cut.is_err(), "{cut:?}");
    // Who asks meanwhile waits for the same letter.
    for _ in 0..2 {
        let sent = bench.send("k").await;
        assert!(is_for_now(&sent), "{sent:?}");
    }
    assert_eq!(server.letters(), 0, "the server was not slow");
    while bench.send("k").await.is_err() {}
    bench.send("k").await.unwrap();
    assert_eq!((server.letters(), server.connections()), (1, 1));
    bench.send("other").await.unwrap();
    assert_eq!((server.letters(), server.connections()), (2, 1), "one connection does");
}

#[tokio::test]
async fn a_refusal_that_nobody_waited_for_is_not_asked_for_again() {
    let ends = [(PATIENCE * 2, "550 5.1.1 nobody")].into();
    let server = Server::open(Script { ends, ..Script::default() }).await;
    let bench = Bench::open(&server);
    let sent = bench.send("k").await;
    assert!(is_for_now(&sent), "{sent:?}");
    while bench.is_under_way("k") {
        tokio::task::yield_now().await;
    }
    let refused = bench.send("k").await;
    assert!(matches!(refused, Err(MailError::Rejected(_))), "{refused:?}");
    assert_eq!(server.letters(), 0, "it was asked again");
    // Once: who asks after that means it.
    bench.send("k").await.unwrap();
}

#[tokio::test]
async fn a_letter_that_cannot_be_written_down_is_not_sent_again() {
    let server = Server::open(Script::default()).await;
    let bench = Bench::open(&server);
    bench.book("CREATE TRIGGER full BEFORE INSERT ON sent BEGIN SELECT RAISE(FAIL, 'full'); END");
    for _ in 0..3 {
        let sent = bench.send("k").await;
        assert!(is_for_now(&sent), "{sent:?}");
    }
    assert_eq!(server.letters(), 1);
    bench.book("DROP TRIGGER full");
    // Whichever letter comes next, all are written down.
    bench.send("other").await.unwrap();
    assert!(bench.room.store.was_sent("k").await.unwrap());
    bench.send("k").await.unwrap();
    assert_eq!(server.letters(), 2);
}

#[tokio::test]
async fn while_nothing_can_be_written_down_few_letters_leave() {
    let server = Server::open(Script::default()).await;
    let bench = Bench::open(&server);
    bench.book("CREATE TRIGGER full BEFORE INSERT ON sent BEGIN SELECT RAISE(FAIL, 'full'); END");
    for key in 0..120 {
        assert!(is_for_now(&bench.send(&key.to_string()).await));
    }
    assert_eq!(server.letters(), 100);
    bench.book("DROP TRIGGER full");
    for key in 0..120 {
        while bench.send(&key.to_string()).await.is_err() {}
    }
    assert_eq!(server.letters(), 120);
}

#[tokio::test]
async fn a_connection_that_stalled_is_not_used_again() {
    let stall = Duration::from_millis(600);
    let script = Script {
        ends: [(stall, "250 kept")].into(),
        recipients: ["250 to whom", "550 5.1.1 <ana@x.test>: nobody"].into(),
        ..Script::default()
    };
    let server = Server::open(script).await;
    let bench = Bench::within(&server, PATIENCE / 2);
    let stalled = bench.send("k").await;
    assert!(is_for_now(&stalled), "{stalled:?}");
    // The answer to the first letter must not be taken for that to the second.
    tokio::time::sleep(stall).await;
    let refused = bench.send("other").await;
    let rejected = MailError::Rejected("the mail server answered 550 5.1.1".to_owned());
    assert_eq!(refused, Err(rejected));
    assert_eq!((server.letters(), server.connections()), (1, 2));
}

#[tokio::test]
async fn what_the_operator_can_mend_is_for_now() {
    let script = Script {
        greetings: ["554 5.7.1 you are on a list", "220 here"].into(),
        signs_in: ["535 5.7.8 wrong password", "535 wrong password"].into(),
        recipients: ["550 5.7.1 <Ana@x.test>: relay denied"].into(),
        ends: [(Duration::ZERO, "554 5.6.0 no")].into(),
        ..Script::default()
    };
    let server = Server::open(script).await;
    let bench = Bench::open(&server);
    let mut heard = Vec::new();
    for _ in 0..5 {
        match bench.send("k").await {
            Err(MailError::Unavailable(why)) => heard.push(why),
            other => panic!("{other:?} after {heard:?}"),
        }
    }
    assert!(heard[0].contains("554 5.7.1 you are on a list"), "{heard:?}");
    assert!(heard[1].contains("535") && heard[2].contains("535"), "{heard:?}");
    assert!(heard[3].contains("relay denied") && !heard[3].contains("@x.test"), "{heard:?}");
    assert!(heard[4].contains("5.6.0"), "{heard:?}");
    bench.send("k").await.unwrap();
    assert_eq!(server.letters(), 1);
}

#[tokio::test]
async fn a_refusal_at_the_end_on_a_connection_that_is_used_again_is_heard() {
    let ends = [(Duration::ZERO, "250 kept"), (Duration::ZERO, "550 5.1.1 nobody")].into();
    let server = Server::open(Script { ends, ..Script::default() }).await;
    let bench = Bench::open(&server);
    bench.send("first").await.unwrap();
    let refused = bench.send("k").await;
    assert!(matches!(refused, Err(MailError::Rejected(_))), "{refused:?}");
    assert_eq!(server.letters(), 1);
    bench.send("last").await.unwrap();
    assert!(!bench.room.store.was_sent("k").await.unwrap());
}

#[tokio::test]
async fn a_stop_waits_for_the_letters_that_are_with_the_server() {
    let ends = [(PATIENCE * 3, "250 kept")].into();
    let server = Server::open(Script { ends, ..Script::default() }).await;
    let bench = Bench::open(&server);
    assert!(is_for_now(&bench.send("k").await));
    bench.room.finish().await;
    assert!(bench.room.store.was_sent("k").await.unwrap());
    assert_eq!(server.letters(), 1);
}

/// Shorter than in earnest.
const PATIENCE: Duration = Duration::from_millis(200);
