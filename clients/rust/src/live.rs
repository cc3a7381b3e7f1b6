//! An auction as it happens, over any count of connections.

use std::net::IpAddr;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::backoff::Backoff;
use crate::clock::{Clock, Sample};
use crate::commands::{Commands, fresh_id};
use crate::connection::{Ask, Connection, Parting, SignIn};
use crate::frame::{self, Bid, Complaint, Event, Frame, Hello, Outbid, Reply, Time};
use crate::order::{Order, Position, Step};

/// Gives credentials for each connection: tokens expire, and a ticket works once.
pub type SignsIn = Box<dyn Fn() -> Pin<Box<dyn Future<Output = SignIn> + Send>> + Send + Sync>;

/// What to watch, and as whom.
pub struct Settings {
    /// `ws://host:port`, or `wss://host` with the feature `tls`.
    pub server: String,
    /// `auc_…`.
    pub auction: String,
    /// Credentials; asked for before each connection.
    pub sign_in: SignsIn,
    /// Where an earlier watcher stopped.
    pub position: Option<Position>,
    /// `Origin`, for clients that stand in for a browser.
    pub origin: Option<String>,
    /// Where connections leave from, on a machine with several addresses.
    pub from: Option<IpAddr>,
}

impl Settings {
    /// A watcher without an account, from the newest event on.
    pub fn watching(server: impl Into<String>, auction: impl Into<String>) -> Self {
        Self::signed_in(server, auction, || async { SignIn::Watcher })
    }

    /// Somebody who bids.
    pub fn signed_in<F>(
        server: impl Into<String>,
        auction: impl Into<String>,
        sign_in: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = SignIn> + Send + 'static,
    {
        Self {
            server: server.into(),
            auction: auction.into(),
            sign_in: Box::new(move || Box::pin(sign_in())),
            position: None,
            origin: None,
            from: None,
        }
    }
}

/// What the watcher is told.
#[derive(Debug, Clone)]
pub enum Update {
    /// A connection is open. When it did not resume, `auction` replaces all that was known.
    Hello(Hello),
    /// The next event: each number once, none left out.
    Event(Event),
    /// The one reply to a bid of this watcher.
    Reply(Reply),
    /// This watcher does not lead any more.
    Outbid(Outbid),
    /// The server did not understand something.
    Complaint(Complaint),
    /// The connection is gone, a gap included; another one is tried after the pause.
    Lost {
        /// Why.
        why: Parting,
        /// Until the next try.
        pause: Duration,
    },
    /// It is over; nothing follows.
    Ended(Parting),
}

/// Follows one auction until it is dropped, or nothing gets better by trying again.
pub struct Live {
    updates: mpsc::Receiver<Update>,
    bids: mpsc::UnboundedSender<(String, Bid)>,
    offset: watch::Receiver<Option<f64>>,
    device: Device,
    task: JoinHandle<()>,
}

impl Live {
    /// Connects in the background. Wants a tokio runtime with time and network.
    pub fn open(settings: Settings) -> Self {
        // A reader that stops fills this, then the socket: the server cuts it and it resumes.
        let (say, updates) = mpsc::channel(UPDATES);
        let (bids, asked) = mpsc::unbounded_channel();
        let (tell, offset) = watch::channel(None);
        let device = Device::new();
        let order = Order::from(settings.position.clone());
        let driver = Driver {
            settings,
            say,
            asked,
            tell,
            device,
            order,
            clock: Clock::default(),
            commands: Commands::default(),
            backoff: Backoff::default(),
        };
        Self { updates, bids, offset, device, task: tokio::spawn(driver.run()) }
    }

    /// What happens next; none after [`Update::Ended`].
    pub async fn next(&mut self) -> Option<Update> {
        self.updates.recv().await
    }

    /// Bids; the id under which exactly one [`Update::Reply`] comes, however often the connection
    /// breaks in between.
    pub fn bid(&self, bid: Bid) -> String {
        let id = fresh_id();
        // Nobody listens after the end, and `next` has said so.
        let _ = self.bids.send((id.clone(), bid));
        id
    }

    /// The server's clock in milliseconds since 1970; none before the first sample. A countdown is
    /// the end minus this, never minus the device's clock.
    pub fn server_now_ms(&self) -> Option<f64> {
        let offset = *self.offset.borrow();
        offset.map(|offset| self.device.now_ms() + offset)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The device's clock, read once; from then on a clock that nobody sets.
#[derive(Debug, Clone, Copy)]
struct Device {
    began: Instant,
    began_ms: f64,
}

impl Device {
    #[allow(clippy::disallowed_methods, reason = "the one place where the client reads clocks")]
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), began_ms: (since.as_secs_f64() * 1e3).floor() }
    }

    fn now_ms(self) -> f64 {
        self.began_ms + self.began.elapsed().as_secs_f64() * 1e3
    }
}

struct Driver {
    settings: Settings,
    say: mpsc::Sender<Update>,
    asked: mpsc::UnboundedReceiver<(String, Bid)>,
    tell: watch::Sender<Option<f64>>,
    device: Device,
    order: Order,
    clock: Clock,
    commands: Commands,
    backoff: Backoff,
}

impl Driver {
    async fn run(mut self) {
        loop {
            let why = self.connection().await;
            if why == Parting::EpochChanged {
                self.order.forget();
            }
            if why.is_final() {
                let _ = self.say.send(Update::Ended(why)).await;
                return;
            }
            let pause = self.backoff.pause(fastrand::f64());
            if self.say.send(Update::Lost { why, pause }).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One connection from its beginning to its end.
    async fn connection(&mut self) -> Parting {
        let sign_in = (self.settings.sign_in)().await;
        let ask = Ask {
            server: &self.settings.server,
            auction: &self.settings.auction,
            after: self.order.position(),
            origin: self.settings.origin.as_deref(),
            from: self.settings.from,
        };
        let opening = timeout(OPENING_MAX, Connection::open(&ask, &sign_in)).await;
        let mut connection = match opening {
            Ok(Ok(connection)) => connection,
            Ok(Err(why)) => return why,
            Err(_) => return Parting::Silence,
        };
        let why = match self.converse(&mut connection).await {
            Ok(()) => Parting::Cut("nobody listens".to_owned()),
            Err(why) => why,
        };
        if matches!(why, Parting::Gap(_) | Parting::Silence | Parting::EpochChanged) {
            let _ = timeout(GOODBYE_MAX, connection.close()).await;
        }
        why
    }

    async fn converse(&mut self, connection: &mut Connection) -> Result<(), Parting> {
        let mut greeted = false;
        let mut asks_time = interval(TIME_EVERY);
        asks_time.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                heard = timeout(SILENCE_MAX, connection.text()) => {
                    let text = heard.map_err(|_| Parting::Silence)??;
                    let frame = understand(&text)?;
                    let is_hello = matches!(frame, Frame::Hello(_));
                    self.take(connection, frame).await?;
                    if is_hello && !greeted {
                        greeted = true;
                        self.backoff.reset();
                        for (id, bid) in self.commands.open() {
                            connection.say(frame::bid_text(id, bid)).await?;
                        }
                    }
                }
                Some((id, bid)) = self.asked.recv() => {
                    if greeted {
                        connection.say(frame::bid_text(&id, &bid)).await?;
                    }
                    self.commands.add(id, bid);
                }
                _ = asks_time.tick(), if greeted => self.ask_time(connection).await?,
                () = self.say.closed() => return Ok(()),
            }
        }
    }

    async fn take(&mut self, connection: &mut Connection, frame: Frame) -> Result<(), Parting> {
        let update = match frame {
            Frame::Hello(hello) => {
                // Its close code says the same, after frames that mean nothing to us any more.
                if self.order.position().is_some_and(|known| known.epoch != hello.epoch) {
                    return Err(Parting::EpochChanged);
                }
                self.order.hello(&hello.epoch, hello.seq, hello.resumed)?;
                Update::Hello(hello)
            }
            Frame::Event(event) => match self.order.event(event.seq)? {
                Step::Next => Update::Event(event),
                Step::Repeated => return Ok(()),
            },
            Frame::Reply(reply) if self.commands.answered(&reply.command_id) => {
                Update::Reply(reply)
            }
            Frame::Outbid(outbid) => Update::Outbid(outbid),
            Frame::Error(complaint) => Update::Complaint(complaint),
            Frame::Time(time) => return self.set_clock(connection, time).await,
            Frame::Reply(_) | Frame::Unknown => return Ok(()),
        };
        let told = self.say.send(update).await;
        told.map_err(|_| Parting::Cut("nobody listens".to_owned()))
    }

    /// An answer is a sample; what the server says by itself has no round trip, so it is asked.
    async fn set_clock(&mut self, connection: &mut Connection, time: Time) -> Result<(), Parting> {
        let Time { t0: Some(t0), t1: Some(t1), t2: Some(t2) } = time else {
            return self.ask_time(connection).await;
        };
        self.clock.take(Sample { t0, t1, t2, t3: self.device.now_ms() });
        self.tell.send_replace(self.clock.offset_ms());
        Ok(())
    }

    async fn ask_time(&self, connection: &mut Connection) -> Result<(), Parting> {
        #[allow(clippy::cast_possible_truncation, reason = "milliseconds of this era fit")]
        let now_ms = self.device.now_ms() as i64;
        connection.say(frame::time_text(now_ms)).await
    }
}

/// A text without content only shows life.
fn understand(text: &str) -> Result<Frame, Parting> {
    if text.is_empty() {
        return Ok(Frame::Unknown);
    }
    serde_json::from_str(text).map_err(|error| Parting::Cut(format!("not a frame: {error}")))
}

const UPDATES: usize = 256;
/// The server pings every 25 s.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const OPENING_MAX: Duration = Duration::from_secs(20);
const GOODBYE_MAX: Duration = Duration::from_secs(1);
const TIME_EVERY: Duration = Duration::from_secs(15);
