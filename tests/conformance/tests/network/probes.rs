//! What a balancer and a deployer look at, and what does not exist outside development.

use conformance::Setup;
use serde_json::json;

#[tokio::test]
async fn probes_answer_and_metrics_are_not_for_the_public() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    for path in ["/healthz", "/readyz"] {
        let probe = public.get(path).await.expect(200);
        assert_eq!(probe.header("content-type"), Some("application/json"));
        let posted = public.call("POST", path).send().await.unwrap();
        assert!(posted.refused(405, "method_not_allowed").header("allow").is_some());
    }
    public.get("/metrics").await.refused(404, "not_found");
}

#[tokio::test]
async fn development_tokens_do_not_exist_in_production() {
    let platform = Setup::production().start().await;
    let client = platform.client();
    let token = client.post("/_dev/token", &json!({"user": "ana"}));
    token.send().await.unwrap().refused(404, "not_found");
    let list = client.get("/v1/auctions").await.expect(200).json();
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
}
