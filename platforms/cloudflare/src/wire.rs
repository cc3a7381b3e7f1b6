//! What the Worker and its objects say to each other, and how it gets there.

use edge::Refusal;
use kernel::Timestamp;
use ports::{Captured, EntityError, Letter, MailError, Message, PublicEvent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::js_sys::Uint8Array;
use worker::{Method, Request, RequestInit, Response, Stub};

/// To an entity.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToEntity {
    Call {
        machine: String,
        key: String,
        command_id: String,
        principal: Option<String>,
        body: Vec<u8>,
    },
    Query {
        machine: String,
        key: String,
        principal: Option<String>,
        body: Vec<u8>,
    },
    Events {
        machine: String,
        key: String,
        after: u64,
        limit: u32,
    },
    /// A part of its log, for an operator.
    Archive {
        machine: String,
        key: String,
        query: String,
    },
    /// These messages have reached the inbox of their consumer.
    Arrived {
        component: String,
        ids: Vec<String>,
    },
    /// A socket will be opened.
    Prepare(Box<Opening>),
    /// The events after one, as soon as there are some.
    Follow {
        machine: String,
        key: String,
        after: u64,
    },
}

/// A socket that will be opened, as the service said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) component: String,
    pub(crate) machine: String,
    pub(crate) key: String,
    pub(crate) after: u64,
    pub(crate) hello: String,
    pub(crate) principal: Option<String>,
    pub(crate) expires_at: Option<i64>,
    pub(crate) ends_at: Option<i64>,
    pub(crate) closes_with: Option<u16>,
    pub(crate) context: String,
    /// The subprotocol that is spoken, where the client offered it.
    pub(crate) protocol: Option<String>,
}

/// To the inbox of a component.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToInbox {
    /// Messages for its consumer.
    Take(Vec<Told>),
    /// There may be something to do.
    Wake,
    /// What operators ask.
    Operate { method: String, target: String, body: Vec<u8> },
}

/// To the rates.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TakeToken {
    pub(crate) bucket: String,
    pub(crate) capacity: u32,
    pub(crate) refill_ms: u32,
}

/// To the post.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToPost {
    Send { key: String, letter: Written },
    Captured { to: Option<String>, limit: u32 },
}

/// A message on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) id: String,
    source: String,
    topic: String,
    key: String,
    time: i64,
    /// JSON.
    body: String,
}

/// A letter on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Written {
    to: String,
    subject: String,
    text: String,
    html: Option<String>,
    headers: Vec<(String, String)>,
}

/// A kept letter: id, letter, when.
pub(crate) type Kept = (String, Written, i64);

/// An event: position, heads, public part.
pub(crate) type Told4 = (u64, Vec<u8>, Vec<u8>, Vec<u8>);

/// An answer of an entity, or why there is none.
pub(crate) type Answer<T> = Result<T, Trouble>;

/// [`EntityError`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Trouble {
    NotGranted,
    MachineFault(String),
    Unavailable(String),
}

/// [`MailError`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Unsent {
    Rejected(String),
    Unavailable(String),
}

/// A refusal of what an operator asked: status, code, sentence.
pub(crate) type Refused = (u16, String, String);

/// What an operator is told, JSON.
pub(crate) type Operated = Result<Vec<u8>, Refused>;

pub(crate) fn refused(Refusal { status, code, detail }: Refusal) -> Refused {
    (status, code.to_owned(), detail)
}

/// What an operator hears who asks for what is not there.
pub(crate) fn nothing() -> Refused {
    (404, "not_found".to_owned(), "There is nothing here.".to_owned())
}

/// Asks an object. An error is that of the way, and says nothing about what the object did.
pub(crate) async fn ask<A: Serialize, R: DeserializeOwned>(
    stub: &Stub,
    question: &A,
) -> Result<R, String> {
    ask_at(stub, "", question).await
}

/// As [`ask`], at a path that tells the object who it is.
pub(crate) async fn ask_at<A: Serialize, R: DeserializeOwned>(
    stub: &Stub,
    path: &str,
    question: &A,
) -> Result<R, String> {
    let bytes = postcard::to_allocvec(question).map_err(|error| error.to_string())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(Uint8Array::from(bytes.as_slice()).into()));
    let send = async {
        let request = Request::new_with_init(&format!("https://object/{path}"), &init)?;
        let mut response = stub.fetch_with_request(request).await?;
        match response.status_code() {
            200 => response.bytes().await,
            status => Err(format!("the object answered {status}").into()),
        }
    };
    let bytes = send.await.map_err(|error: worker::Error| error.to_string())?;
    postcard::from_bytes(&bytes).map_err(|error| format!("the object's answer: {error}"))
}

/// What an object was asked; none when the bytes are no question.
pub(crate) async fn asked<A: DeserializeOwned>(mut request: Request) -> worker::Result<Option<A>> {
    Ok(postcard::from_bytes(&request.bytes().await?).ok())
}

/// An object's answer.
pub(crate) fn answer<R: Serialize>(answer: &R) -> worker::Result<Response> {
    let bytes = postcard::to_allocvec(answer).map_err(|error| error.to_string())?;
    Response::from_bytes(bytes)
}

/// The answer to what is no question.
pub(crate) fn not_asked() -> worker::Result<Response> {
    Response::error("this is no question for an object", 400)
}

impl From<Message> for Told {
    fn from(message: Message) -> Self {
        let Message { id, source, topic, key, time, body } = message;
        // Bodies are JSON, which is text.
        let body = String::from_utf8_lossy(&body).into_owned();
        Self { id, source, topic, key, time, body }
    }
}

impl From<Told> for Message {
    fn from(told: Told) -> Self {
        let Told { id, source, topic, key, time, body } = told;
        Self { id, source, topic, key, time, body: body.into_bytes() }
    }
}

impl From<&Letter> for Written {
    fn from(letter: &Letter) -> Self {
        let Letter { to, subject, text, html, headers } = letter.clone();
        Self { to, subject, text, html, headers }
    }
}

impl From<Written> for Letter {
    fn from(written: Written) -> Self {
        let Written { to, subject, text, html, headers } = written;
        Self { to, subject, text, html, headers }
    }
}

pub(crate) fn kept(captured: Captured) -> Kept {
    (captured.id, Written::from(&captured.letter), captured.sent_at)
}

pub(crate) fn captured((id, letter, sent_at): Kept) -> Captured {
    Captured { id, letter: letter.into(), sent_at }
}

pub(crate) fn told4(event: PublicEvent) -> Told4 {
    (event.seq, event.prev, event.head, event.public)
}

pub(crate) fn public_event((seq, prev, head, public): Told4) -> PublicEvent {
    PublicEvent { seq, prev, head, public }
}

impl From<EntityError> for Trouble {
    fn from(error: EntityError) -> Self {
        match error {
            EntityError::NotGranted => Self::NotGranted,
            EntityError::MachineFault(why) => Self::MachineFault(why),
            EntityError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<Trouble> for EntityError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotGranted => Self::NotGranted,
            Trouble::MachineFault(why) => Self::MachineFault(why),
            Trouble::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<MailError> for Unsent {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Rejected(why) => Self::Rejected(why),
            MailError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<Unsent> for MailError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Rejected(why) => Self::Rejected(why),
            Unsent::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

/// The wall clock. It stands still while a Worker computes.
pub(crate) fn now() -> Timestamp {
    let ms = worker::Date::now().as_millis();
    Timestamp::from_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}
