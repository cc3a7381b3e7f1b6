//! The document of what is said outside of requests and answers (AsyncAPI 3.0): frames of a socket,
//! and the events of a log, which go over the socket and as server-sent events alike.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::Clash;
use super::nouns::{self, Instant};
use super::shape::Schemas;

/// Everything that is said about one resource while it is watched.
#[derive(Debug)]
#[must_use]
pub struct Conversation {
    /// Path of the socket.
    socket: &'static str,
    /// Path of the event stream.
    stream: &'static str,
    about: &'static str,
    protocols: &'static [(&'static str, &'static str)],
    query: Value,
    parameters: Value,
    frames: Vec<Frame>,
    events: Vec<Event>,
    closes: &'static [(u16, &'static str)],
    schemas: Schemas,
}

#[derive(Debug)]
struct Frame {
    key: &'static str,
    summary: &'static str,
    from_client: bool,
    payload: Value,
    example: Value,
}

#[derive(Debug)]
struct Event {
    name: &'static str,
    summary: &'static str,
    data: Value,
}

impl Conversation {
    /// At the paths of a socket and of a stream, in a few sentences.
    pub fn new(socket: &'static str, stream: &'static str, about: &'static str) -> Self {
        Self {
            socket,
            stream,
            about,
            protocols: &[],
            query: json!({}),
            parameters: json!({}),
            frames: Vec::new(),
            events: Vec::new(),
            closes: &[],
            schemas: nouns::schemas(),
        }
    }

    /// Subprotocols that a client offers, and what each means.
    pub fn protocols(self, protocols: &'static [(&'static str, &'static str)]) -> Self {
        Self { protocols, ..self }
    }

    /// What may stand in the query of the socket's address: schemas by name.
    pub fn query(self, query: Value) -> Self {
        Self { query, ..self }
    }

    /// Parameters of the paths: AsyncAPI's objects by name.
    pub fn parameters(self, parameters: Value) -> Self {
        Self { parameters, ..self }
    }

    /// Close codes and what each asks of the client.
    pub fn closes(self, closes: &'static [(u16, &'static str)]) -> Self {
        Self { closes, ..self }
    }

    /// A frame of the server: `T` and its `type`.
    pub fn server<T: ToSchema>(self, key: &'static str, summary: &'static str) -> Self {
        self.frame::<T>(key, key, summary, false, Value::Null)
    }

    /// A frame of the client, with one that is understood.
    pub fn client<T: ToSchema>(
        self,
        key: &'static str,
        kind: &'static str,
        summary: &'static str,
        example: Value,
    ) -> Self {
        self.frame::<T>(key, kind, summary, true, example)
    }

    /// An event whose `data` is a `T`.
    pub fn event<T: ToSchema>(mut self, name: &'static str, summary: &'static str) -> Self {
        let data = self.schemas.named::<T>();
        self.events.push(Event { name, summary, data });
        self
    }

    fn frame<T: ToSchema>(
        mut self,
        key: &'static str,
        kind: &'static str,
        summary: &'static str,
        from_client: bool,
        example: Value,
    ) -> Self {
        let payload = self.schemas.named::<T>();
        if let Some(shape) = self.schemas.known.get_mut(T::name().as_ref()) {
            typed(shape, kind);
        }
        self.frames.push(Frame { key, summary, from_client, payload, example });
        self
    }

    fn messages(&self) -> Map<String, Value> {
        let frames = self.frames.iter().map(|frame| {
            let mut message = message(frame.key, frame.summary, &frame.payload);
            if let Some(members) = message.as_object_mut()
                && !frame.example.is_null()
            {
                members.insert("examples".to_owned(), json!([{"payload": frame.example}]));
            }
            (frame.key.to_owned(), message)
        });
        let events = self.events.iter().flat_map(|event| {
            let framed = logged(event, true);
            let logged = logged(event, false);
            [
                (format!("event.{}", event.name), message("event", event.summary, &framed)),
                (format!("logged.{}", event.name), message(event.name, event.summary, &logged)),
            ]
        });
        frames.chain(events).collect()
    }

    /// Keys of messages: what the server says on the socket, what the client says there, and what
    /// the stream says.
    fn keys(&self) -> [Vec<String>; 3] {
        let frames = |from_client| {
            let mine = self.frames.iter().filter(move |frame| frame.from_client == from_client);
            mine.map(|frame| frame.key.to_owned())
        };
        let events =
            |prefix| self.events.iter().map(move |event| format!("{prefix}.{}", event.name));
        [
            frames(false).chain(events("event")).collect(),
            frames(true).collect(),
            events("logged").collect(),
        ]
    }
}

/// A shape becomes a frame: it says its type first.
fn typed(shape: &mut Value, kind: &str) {
    let Some(members) = shape.as_object_mut() else { return };
    if let Some(required) = members.entry("required").or_insert(json!([])).as_array_mut() {
        required.insert(0, "type".into());
    }
    if let Some(properties) = members.entry("properties").or_insert(json!({})).as_object_mut() {
        properties.insert("type".to_owned(), json!({"const": kind}));
    }
}

fn message(name: &str, summary: &str, payload: &Value) -> Value {
    json!({"name": name, "summary": summary, "contentType": "application/json",
        "payload": payload})
}

/// An event as a frame, or as a line of the log.
fn logged(event: &Event, is_frame: bool) -> Value {
    let hash = json!({"type": "string", "pattern": "^[0-9a-f]{64}$"});
    let mut required = vec!["seq", "event", "time", "data"];
    let mut properties = json!({
        "seq": {"type": "integer", "minimum": 1,
            "description": "Without gaps, the same for every subscriber."},
        "event": {"const": event.name},
        "time": {"$ref": "#/components/schemas/Instant"},
        "data": event.data,
    });
    let added = if is_frame {
        required.insert(0, "type");
        vec![("type", json!({"const": "event"}))]
    } else {
        required.extend(["prev", "hash"]);
        vec![("prev", hash.clone()), ("hash", hash)]
    };
    if let Some(members) = properties.as_object_mut() {
        members.extend(added.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
    }
    json!({"type": "object", "required": required, "properties": properties})
}

/// The document of a conversation.
pub fn render_live(said: &Conversation) -> Result<Value, Clash> {
    let mut schemas = said.schemas.clone();
    schemas.named::<Instant>();
    if let Some(name) = schemas.clashes.into_iter().next() {
        return Err(Clash(name));
    }
    let [server, client, stream] = said.keys();
    let of = |channel: &str, keys: &[String]| -> Vec<Value> {
        let path = |key| json!({"$ref": format!("#/channels/{channel}/messages/{key}")});
        keys.iter().map(path).collect()
    };
    let held = |keys: &[String]| -> Map<String, Value> {
        let message =
            |key: &String| (key.clone(), json!({"$ref": format!("#/components/messages/{key}")}));
        keys.iter().map(message).collect()
    };
    let operation = |action: &str, channel: &str, summary: &str, keys: &[String]| {
        json!({"action": action, "summary": summary,
            "channel": {"$ref": format!("#/channels/{channel}")}, "messages": of(channel, keys)})
    };
    let both: Vec<String> = server.iter().chain(&client).cloned().collect();
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "EcomAuction, live",
            "version": "1",
            "description": said.about,
            "license": {"name": "Apache License 2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "live": {
                "address": said.socket,
                "title": "A socket",
                "description": socket_words(said),
                "parameters": said.parameters,
                "messages": held(&both),
                "bindings": {"ws": {"method": "GET",
                    "query": {"type": "object", "properties": said.query},
                    "bindingVersion": "0.1.0"}},
            },
            "events": {
                "address": said.stream,
                "title": "Server-sent events",
                "description": STREAM,
                "parameters": said.parameters,
                "messages": held(&stream),
            },
        },
        "operations": {
            "say": operation("send", "live", "What the server says.", &server),
            "hear": operation("receive", "live", "What a client says.", &client),
            "tell": operation("send", "events", "What the event stream says.", &stream),
        },
        "components": {"messages": said.messages(), "schemas": schemas.known},
    });
    document.sort_all_objects();
    Ok(document)
}

fn socket_words(said: &Conversation) -> String {
    let protocols = said.protocols.iter().map(|(name, text)| format!("- `{name}`: {text}\n"));
    let closes = said.closes.iter().map(|(code, text)| format!("- `{code}`: {text}\n"));
    let (protocols, closes) = (protocols.collect::<String>(), closes.collect::<String>());
    format!("Subprotocols:\n\n{protocols}\nClose codes:\n\n{closes}")
}

const STREAM: &str = "\
With `Accept: text/event-stream`. `id` is the `seq`, `event` the name of the event, `data` the \
item as in the JSON page. `Last-Event-ID`, or `?after=`, resumes. A comment comes every 15 s; the \
stream ends by itself after some minutes, and the client comes back.";

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[derive(ToSchema)]
    #[allow(dead_code, reason = "a shape")]
    struct Greeting {
        name: String,
    }

    #[derive(ToSchema)]
    #[allow(dead_code, reason = "a shape")]
    struct Arrival {
        name: String,
    }

    #[test]
    fn frames_say_their_type_and_events_their_name() {
        let said = Conversation::new("/live", "/events", "Words.")
            .server::<Greeting>("hello", "First.")
            .client::<super::super::Money>("pay", "pay", "A coin.", json!({"type": "pay"}))
            .event::<Arrival>("greeted", "Somebody came.")
            .closes(&[(4000, "come back")]);
        let document = render_live(&said).unwrap();
        let greeting = &document["components"]["schemas"]["Greeting"];
        assert_eq!(greeting["properties"]["type"]["const"], "hello");
        let event = &document["components"]["messages"]["event.greeted"]["payload"];
        assert_eq!(event["properties"]["event"]["const"], "greeted");
        assert_eq!(document["operations"]["hear"]["messages"].as_array().unwrap().len(), 1);
        assert!(document["components"]["messages"]["pay"]["examples"].is_array());
        let words = document["channels"]["live"]["description"].as_str().unwrap();
        assert!(words.contains("`4000`: come back"));
    }
}
