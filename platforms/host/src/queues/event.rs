//! A message with the attributes of CloudEvents 1.0.

use kernel::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Unique within the source, stable over redeliveries.
    pub(crate) id: String,
    /// `/machines/<name>` or `/components/<id>`.
    pub(crate) source: String,
    /// Topic name, versioned.
    pub(crate) topic: String,
    /// Ordering key.
    pub(crate) key: String,
    /// When it was sent, milliseconds since the epoch.
    pub(crate) time: i64,
    /// JSON body.
    pub(crate) body: Vec<u8>,
}

/// The JSON form of CloudEvents 1.0.
#[derive(Serialize)]
struct Structured<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    r#type: &'a str,
    subject: &'a str,
    time: Timestamp,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

impl Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        let data: Option<&RawValue> = serde_json::from_slice(&self.body).ok();
        // What is no JSON is shown as it is, so that somebody can find out why.
        let encoded = || base64::engine::general_purpose::STANDARD.encode(&self.body);
        let structured = Structured {
            specversion: "1.0",
            id: &self.id,
            source: &self.source,
            r#type: &self.topic,
            subject: &self.key,
            time: Timestamp::from_ms(self.time),
            datacontenttype: "application/json",
            data_base64: data.is_none().then(encoded),
            data,
        };
        structured.serialize(serializer)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_as_a_cloud_event() {
        let mut event = Event {
            id: "7-0".to_owned(),
            source: "/machines/auction".to_owned(),
            topic: "auction.closed".to_owned(),
            key: "auc_1".to_owned(),
            time: 1_795_000_000_123,
            body: br#"{"price":1.50}"#.to_vec(),
        };
        let shown = |event: &Event| serde_json::to_string(event).unwrap();
        assert_eq!(
            shown(&event),
            concat!(
                r#"{"specversion":"1.0","id":"7-0","source":"/machines/auction","#,
                r#""type":"auction.closed","subject":"auc_1","time":"2026-11-18T11:06:40.123Z","#,
                r#""datacontenttype":"application/json","data":{"price":1.50}}"#
            )
        );
        event.body = vec![0xff];
        assert!(shown(&event).ends_with(r#""data_base64":"/w=="}"#), "{}", shown(&event));
    }
}
