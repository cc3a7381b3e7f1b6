//! One operation of the document.

use serde_json::{Map, Value, json};

use super::description::{Answer, Description, Links};
use super::rules;
use crate::{Auth, Method, Route};

/// The operation object.
pub(super) fn render(route: &Route<()>, said: &Description) -> Value {
    let mut operation = Map::new();
    let mut put = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    put("operationId", route.operation.into());
    put("tags", json!([said.tag]));
    put("summary", said.summary.into());
    if !said.notes.is_empty() {
        put("description", said.notes.into());
    }
    put(
        "security",
        match route.auth {
            Auth::Ignored => json!([]),
            Auth::Optional => json!([{}, {"bearer": []}]),
            Auth::Required | Auth::Active | Auth::Admin => json!([{"bearer": []}]),
        },
    );
    put("parameters", parameters(route, said).into());
    if let Some(body) = &said.body {
        let mut content = json!({"schema": body.schema});
        if let Some(members) = content.as_object_mut().filter(|_| !body.example.is_null()) {
            members.insert("example".to_owned(), body.example.clone());
        }
        put(
            "requestBody",
            json!({
                "required": body.required,
                "description": format!("At most {} bytes.", route.body_max_bytes),
                "content": {body.media_type: content},
            }),
        );
    }
    put("responses", responses(route, said).into());
    Value::Object(operation)
}

fn parameters(route: &Route<()>, said: &Description) -> Vec<Value> {
    let mut parameters: Vec<Value> = said.path.iter().map(super::Parameter::in_path).collect();
    parameters.extend(said.query.iter().map(super::Parameter::in_query));
    if said.paged {
        parameters.extend(rules::page_parameters().iter().map(super::Parameter::in_query));
    }
    parameters.extend(rules::header_parameters(route, said));
    parameters
}

fn responses(route: &Route<()>, said: &Description) -> Map<String, Value> {
    let mut responses = Map::new();
    for answer in &said.answers {
        responses.insert(answer.status.to_string(), answered(said, answer));
    }
    if said.tagged && route.method == Method::Get {
        let known = json!({
            "description": "The caller knows it already.",
            "headers": headers(&[("ETag", true)]),
        });
        responses.insert("304".to_owned(), known);
    }
    for (status, (codes, members)) in rules::refusals(route, said) {
        let headers = rules::refusal_headers(status, &codes);
        responses.insert(status.to_string(), problem(status, &codes, &members, &headers));
    }
    for (status, name) in rules::FAULTS {
        let fault = json!({"$ref": format!("#/components/responses/{name}")});
        responses.insert(status.to_string(), fault);
    }
    responses
}

fn answered(said: &Description, answer: &Answer) -> Value {
    let mut sent = Vec::new();
    if said.tagged {
        sent.push(("ETag", true));
    }
    if answer.has_location {
        sent.push(("Location", true));
    }
    if said.paged {
        sent.push(("Link", false));
    }
    if said.keys.is_some() {
        sent.push(("Idempotent-Replayed", false));
    }
    let mut response = json!({"description": answer.text, "headers": headers(&sent)});
    let Some(members) = response.as_object_mut() else { return response };
    if !answer.content.is_empty() {
        let content = answer.content.iter();
        let content = content
            .map(|(media_type, schema)| ((*media_type).to_owned(), json!({"schema": schema})));
        members.insert("content".to_owned(), content.collect::<Map<_, _>>().into());
    }
    if !answer.leads_to.is_empty() {
        let links = answer.leads_to.iter().flat_map(links);
        members.insert("links".to_owned(), links.collect::<Map<_, _>>().into());
    }
    response
}

fn links(links: &Links) -> impl Iterator<Item = (String, Value)> {
    let parameters = links.parameters.iter();
    let parameters: Map<_, _> =
        parameters.map(|(name, place)| ((*name).to_owned(), (*place).into())).collect();
    links
        .operations
        .iter()
        .map(move |id| ((*id).to_owned(), json!({"operationId": id, "parameters": parameters})))
}

/// A problem document with one of these codes.
pub(super) fn problem(
    status: u16,
    codes: &[&str],
    members: &[Value],
    sent: &[(&str, bool)],
) -> Value {
    let names: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let mut schema = vec![json!({"$ref": "#/components/schemas/Problem"})];
    schema.extend(members.first().cloned());
    schema.push(json!({
        "type": "object",
        "properties": {"status": {"const": status}, "code": {"enum": codes}},
    }));
    json!({
        "description": names.join(", "),
        "headers": headers(sent),
        "content": {"application/problem+json": {"schema": {"allOf": schema}}},
    })
}

/// References to headers, the request id among them; with each, whether every such answer has it.
fn headers(sent: &[(&str, bool)]) -> Map<String, Value> {
    let sent = sent.iter().copied().chain([("X-Request-Id", true)]);
    let sent = sent.map(|(name, required)| (name.to_owned(), header(name, required)));
    sent.collect()
}

/// Most headers are always there or never certain; the one that is neither is written out.
fn header(name: &str, required: bool) -> Value {
    let mut header = rules::headers().get(name).cloned().unwrap_or_default();
    if header.get("required") == Some(&Value::Bool(required)) {
        return json!({"$ref": format!("#/components/headers/{name}")});
    }
    if let Some(members) = header.as_object_mut() {
        members.insert("required".to_owned(), required.into());
    }
    header
}
