//! What operators see: probes, metrics, logs, help.

use conformance::{Host, Setup, id_of};
use serde_json::json;

#[tokio::test]
async fn probes_and_metrics_answer_on_the_operator_address() {
    let platform = Setup::development().on_host().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    ben.bids(&id, 5_000).await.expect(201);
    for path in ["/healthz", "/readyz"] {
        let probe = platform.operator().get(path).await.expect(200);
        assert_eq!(probe.header("content-type"), Some("application/json"));
        let posted = platform.operator().call("POST", path).send().await.unwrap();
        assert!(posted.refused(405, "method_not_allowed").header("allow").is_some());
    }
    let metrics = platform.operator().get("/metrics").await.expect(200).text();
    for name in [
        "ecomauction_http_requests_total{class=\"2xx\"}",
        "ecomauction_http_request_duration_seconds_bucket",
        "ecomauction_entities_loaded 1",
        "ecomauction_timers 1",
        "ecomauction_journal_records",
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
    platform.operator().get("/v1/auctions").await.refused(404, "not_found");
    let operator = platform.operator();
    let token = operator.post("/_dev/token", &json!({"user": "ana"}));
    assert_eq!(token.send().await.unwrap().status, 404);
}

#[tokio::test]
async fn the_operator_address_answers_to_its_names_alone() {
    let platform = Setup::production().on_host().start().await;
    let operator = platform.operator();
    for path in ["/", "/healthz", "/metrics", "/v1/admin/queues"] {
        let called = async |name: &str| {
            operator.call("GET", path).header("host", name).send().await.unwrap()
        };
        called("rebound.example:9090").await.refused(421, "misdirected_request");
        called("localhost:9090").await.expect(200);
    }
}

#[tokio::test]
async fn logs_outside_development_are_json_lines() {
    let platform = Setup::production().on_host().start().await;
    platform.client().get("/v1/auctions").await.expect(200);
    for line in platform.log().lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("logs are JSON lines");
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn help_teaches_by_examples() {
    let said = async |arguments: &[&str]| Host::run(arguments).await;
    let (status, help) = said(&["--help"]).await;
    assert!(status.success());
    for word in ["up", "doctor", "--help"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    let (_, help) = said(&["up", "--help"]).await;
    let option = ["--listen", "--operator-listen", "--data", "--dev", "--variable", "default"];
    for word in option.into_iter().chain(["Examples:", "ecomauction up --dev"]) {
        assert!(help.contains(word), "{word}: {help}");
    }
    let (_, help) = said(&["doctor", "--help"]).await;
    assert!(help.contains("--json") && help.contains("--data"), "{help}");
    let (status, told) = said(&["up", "--listen", "nowhere"]).await;
    assert!(!status.success() && told.contains("--listen"), "{told}");
    let (status, told) = said(&["up", "--manifest", "missing.toml"]).await;
    assert!(!status.success() && told.contains("missing.toml"), "{told}");
}
