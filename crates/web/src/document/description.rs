//! What the document says of an operation beyond what its route says.

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::parameter::Parameter;
use super::shape::Schemas;

/// What there is to say of an operation. All of it is told in the order in which a reader asks:
/// what it is, what it takes, what it answers, what it refuses.
#[derive(Debug, Clone)]
#[must_use]
pub struct Description {
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) notes: &'static str,
    pub(super) path: Vec<Parameter>,
    pub(super) query: Vec<Parameter>,
    pub(super) paged: bool,
    pub(super) ignores_parameters: bool,
    pub(super) keys: Option<Keys>,
    pub(super) changes_what_was_seen: bool,
    pub(super) tagged: bool,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    pub(super) refusals: Vec<Refusals>,
    schemas: Schemas,
}

/// Who remembers idempotency keys (rules.md B11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// A table of the service: a key may be held by a request that is still running.
    Service,
    /// The entity itself, which decides one command after the other.
    Entity,
}

#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) media_type: &'static str,
    pub(super) required: bool,
    pub(super) schema: Value,
    pub(super) example: Value,
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: &'static str,
    /// Media types and their schemas.
    pub(super) content: Vec<(&'static str, Value)>,
    pub(super) has_location: bool,
    pub(super) leads_to: Vec<Links>,
}

/// Operations that take what the answer says as parameters of their paths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    pub(super) operations: &'static [&'static str],
    /// Name of the parameter and where its value stands (OpenAPI 3.1, "Runtime Expressions").
    pub(super) parameters: &'static [(&'static str, &'static str)],
}

#[derive(Debug, Clone)]
pub(super) struct Refusals {
    pub(super) status: u16,
    pub(super) codes: &'static [&'static str],
    /// Reference to the schema of further members.
    pub(super) members: Option<Value>,
}

impl Description {
    /// An operation under a heading, in one sentence.
    pub fn new(tag: &'static str, summary: &'static str) -> Self {
        Self {
            tag,
            summary,
            notes: "",
            path: Vec::new(),
            query: Vec::new(),
            paged: false,
            ignores_parameters: false,
            keys: None,
            changes_what_was_seen: false,
            tagged: false,
            body: None,
            answers: Vec::new(),
            refusals: Vec::new(),
            schemas: Schemas::default(),
        }
    }

    /// What a caller should know besides.
    pub fn notes(self, notes: &'static str) -> Self {
        Self { notes, ..self }
    }

    /// A parameter of the path.
    pub fn path(mut self, parameter: Parameter) -> Self {
        self.path.push(parameter);
        self
    }

    /// Parameters of the query, `limit` and `cursor` apart ([`Self::answers_page`]).
    pub fn query(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.query.extend(parameters);
        self
    }

    /// Needs an `Idempotency-Key`, remembered there.
    pub fn keyed(self, keys: Keys) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// Query parameters that nobody knows are no mistake: somebody else makes the address.
    pub fn ignores_parameters(self) -> Self {
        Self { ignores_parameters: true, ..self }
    }

    /// Needs `If-Match` with the tag of what the caller has seen.
    pub fn changes_what_was_seen(self) -> Self {
        Self { changes_what_was_seen: true, ..self }
    }

    /// Takes a JSON body; `example` is one that is accepted.
    pub fn takes<T: ToSchema>(mut self, example: Value) -> Self {
        let schema = self.schemas.named::<T>();
        self.body = Some(Body { media_type: JSON, required: true, schema, example });
        self
    }

    /// Takes a form; `example` has its fields.
    pub fn takes_form<T: ToSchema>(mut self, example: Value) -> Self {
        let schema = self.schemas.named::<T>();
        let media_type = "application/x-www-form-urlencoded";
        self.body = Some(Body { media_type, required: true, schema, example });
        self
    }

    /// Takes bytes of a media type.
    pub fn takes_bytes(mut self, media_type: &'static str) -> Self {
        let schema = json!({"type": "string", "contentMediaType": media_type});
        let example = Value::Null;
        self.body = Some(Body { media_type, required: true, schema, example });
        self
    }

    /// The same, and a request without a body says as much.
    pub fn may_take<T: ToSchema>(mut self, example: Value) -> Self {
        let schema = self.schemas.named::<T>();
        self.body = Some(Body { media_type: JSON, required: false, schema, example });
        self
    }

    /// A rule over several members of the body, as a schema.
    pub fn where_holds(mut self, rule: Value) -> Self {
        if let Some(body) = &mut self.body {
            body.schema = json!({"allOf": [body.schema, rule]});
        }
        self
    }

    /// Answers with JSON.
    pub fn answers<T: ToSchema>(mut self, status: u16, text: &'static str) -> Self {
        let schema = self.schemas.named::<T>();
        self.with_answer(status, text, Some(("application/json", schema)))
    }

    /// Answers with a page of `T`; takes `limit` and `cursor`.
    pub fn answers_page<T: ToSchema>(mut self, text: &'static str) -> Self {
        let item = self.schemas.named::<T>();
        let page = json!({
            "type": "object",
            "required": ["items", "next_cursor"],
            "properties": {
                "items": {"type": "array", "items": item,
                    "maxItems": kernel::limits::PAGE_MAX_ITEMS},
                "next_cursor": {"type": ["string", "null"],
                    "description": "`cursor` of the next page; null on the last one."},
            },
        });
        self.paged = true;
        self.with_answer(200, text, Some(("application/json", page)))
    }

    /// Answers with a JSON object whose shape is described elsewhere.
    pub fn answers_object(self, status: u16, text: &'static str) -> Self {
        self.with_answer(status, text, Some(("application/json", json!({"type": "object"}))))
    }

    /// Answers with text of a media type.
    pub fn answers_text(self, status: u16, text: &'static str, media_type: &'static str) -> Self {
        self.with_answer(status, text, Some((media_type, json!({"type": "string"}))))
    }

    /// The answer before, as text of another media type for those who ask for it.
    pub fn or_text(mut self, media_type: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push((media_type, json!({"type": "string"})));
        }
        self
    }

    /// Answers without a body.
    pub fn answers_empty(self, status: u16, text: &'static str) -> Self {
        self.with_answer(status, text, None)
    }

    /// The answer before tells where the new resource is.
    pub fn with_location(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.has_location = true;
        }
        self
    }

    /// These operations take what the answer before says in the parameters of their paths: names,
    /// and where the values stand.
    pub fn leads_to(
        mut self,
        operations: &'static [&'static str],
        parameters: &'static [(&'static str, &'static str)],
    ) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.leads_to.push(Links { operations, parameters });
        }
        self
    }

    /// Its 2xx answers carry an `ETag`. A read with one honours `If-None-Match`.
    pub fn tagged(self) -> Self {
        Self { tagged: true, ..self }
    }

    /// May refuse with these codes, which do not follow from anything else said here.
    pub fn refuses(mut self, status: u16, codes: &'static [&'static str]) -> Self {
        self.refusals.push(Refusals { status, codes, members: None });
        self
    }

    /// The same, and the problem may have the members of a `T`.
    pub fn refuses_with<T: ToSchema>(
        mut self,
        status: u16,
        codes: &'static [&'static str],
    ) -> Self {
        let members = Some(self.schemas.named::<T>());
        self.refusals.push(Refusals { status, codes, members });
        self
    }

    pub(super) fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// Is there money in the body?
    pub(super) fn takes_money(&self) -> bool {
        let mut known: Vec<&Value> = self.body.iter().map(|body| &body.schema).collect();
        let mut at = 0;
        while let Some(schema) = known.get(at).copied() {
            at += 1;
            for name in references(schema) {
                if name == "Money" || name == "Minor" {
                    return true;
                }
                known.extend(self.schemas.known.get(&name).filter(|found| !known.contains(found)));
            }
        }
        false
    }

    fn with_answer(
        mut self,
        status: u16,
        text: &'static str,
        content: Option<(&'static str, Value)>,
    ) -> Self {
        let content = content.into_iter().collect();
        let leads_to = Vec::new();
        self.answers.push(Answer { status, text, content, has_location: false, leads_to });
        self
    }
}

pub(super) const JSON: &str = "application/json";

/// Names of the schemas that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            let own = own.and_then(|path| path.rsplit('/').next()).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
