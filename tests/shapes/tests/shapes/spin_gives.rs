//! What the Spin shape gives components besides tables: headers, files, other components, other
//! servers. All of it is as Spin 4.1 does it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::net::SocketAddr;

use shapes::artefacts;
use shapes::process::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const MANIFEST: &str = r#"
spin_manifest_version = 2

[application]
name = "relays"

[variables]
port = { required = true }
elsewhere = { default = "" }

[[trigger.http]]
route = "/seen"
component = "front"

[[trigger.http]]
route = "/file"
component = "front"

[[trigger.http]]
route = "/ask"
component = "front"

[[trigger.http]]
route = "/ask-blocking"
component = "front"

[[trigger.http]]
route = { private = true }
component = "cellar"

[[trigger.http]]
route = "/robots.txt"
static_response = { status_code = 418, headers = { x-robots = "yes" }, body = "no" }

[component.front]
source = "relay.wasm"
allowed_outbound_hosts = [
    "http://*.spin.internal", "http://127.0.0.1:{{ port }}", "{{ elsewhere }}",
]
files = ["spin.toml"]

[component.cellar]
source = "relay.wasm"
allowed_outbound_hosts = ["http://front.spin.internal"]
"#;

/// A server that was started for a test, and one more that it may ask.
struct World {
    server: Server,
    address: SocketAddr,
    other: TcpListener,
    _folder: tempfile::TempDir,
}

async fn started() -> World {
    let folder = tempfile::tempdir().unwrap();
    let relay = artefacts::guest("shapes-relay-wasm", artefacts::WASIP2).unwrap();
    std::fs::copy(relay, folder.path().join("relay.wasm")).unwrap();
    std::fs::write(folder.path().join("spin.toml"), MANIFEST).unwrap();
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = format!("port={}", other.local_addr().unwrap().port());
    let mut command = tokio::process::Command::new(artefacts::platform().unwrap());
    command.args(["up", "--only", "spin", "--listen", "127.0.0.1:0", "--data", "state"]);
    command.args(["--variable", &port]).current_dir(folder.path());
    let address = |line: &str| line.strip_prefix("Serving http://")?.parse::<SocketAddr>().ok();
    let (server, address) = Server::start(command, address).await.unwrap();
    World { server, address, other, _folder: folder }
}

impl World {
    /// The whole answer to a request with these header lines.
    async fn get(&self, target: &str, headers: &str) -> String {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn ask(&self, target: &str) -> String {
        self.get(target, "host: shop.test\r\n").await
    }
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_see_what_spin_shows_them() {
    let world = started().await;
    let forged = "host: shop.test\r\nspin-client-addr: 0.0.0.0:0\r\n";
    let seen = world.get("/seen?a=b", forged).await;
    assert!(body(&seen).starts_with("shop.test\n"), "{seen}");
    for line in ["spin-full-url: http://shop.test/seen?a=b", "spin-matched-route: /seen"] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    let addresses = seen.lines().filter_map(|line| line.strip_prefix("spin-client-addr: "));
    let addresses: Vec<_> = addresses.collect();
    assert_eq!(addresses.first(), Some(&"0.0.0.0:0"), "what a client forges stays, in front");
    assert!(addresses.last().unwrap().starts_with("127.0.0.1:"), "the last is Spin's: {seen}");
    assert!(!body(&seen).contains("connection:") && !seen.contains("\nhost:"), "{seen}");

    assert_eq!(body(&world.ask("/file?/spin.toml").await), MANIFEST);
    assert!(world.ask("/file?/relay.wasm").await.starts_with("HTTP/1.1 404"));
    let robots = world.ask("/robots.txt").await;
    assert!(robots.starts_with("HTTP/1.1 418") && robots.contains("x-robots: yes"), "{robots}");
    assert_eq!(body(&robots), "no");
    let missing = world.ask("/nothing").await;
    assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
    assert_eq!(body(&missing), "");
    assert_eq!(body(&world.ask("/.well-known/spin/health").await), "OK");
    world.server.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_ask_each_other_by_both_wasi_https() {
    let world = started().await;
    for way in ["/ask", "/ask-blocking"] {
        let seen = world.ask(&format!("{way}?http://cellar.spin.internal/seen?x")).await;
        assert!(body(&seen).starts_with("cellar.spin.internal\n"), "{way}: {seen}");
        for line in ["spin-client-addr: 0.0.0.0:0", "spin-path-info: /seen"] {
            assert!(seen.contains(line), "{way}: {line} in {seen}");
        }
        let circle = "http://cellar.spin.internal/ask?http://front.spin.internal/seen";
        let seen = world.ask(&format!("{way}?{circle}")).await;
        assert!(body(&seen).starts_with("front.spin.internal\n"), "{way}: {seen}");
    }
    world.server.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_whom_the_manifest_does_not_allow() {
    let world = started().await;
    let port = world.other.local_addr().unwrap().port();
    let others = [
        "http://unknown.spin.internal/seen".to_owned(),
        format!("http://localhost:{port}/"),
        "http://127.0.0.1:1/".to_owned(),
        "http://cellar.spin.internal/ask?http://cellar.spin.internal/seen".to_owned(),
    ];
    for way in ["/ask", "/ask-blocking"] {
        for url in &others {
            let refused = world.ask(&format!("{way}?{url}")).await;
            assert!(body(&refused).contains("HttpRequestDenied"), "{way} {url}: {refused}");
        }
    }
    let answer = async {
        let (mut connection, _) = world.other.accept().await.unwrap();
        let mut head = [0; 1024];
        let length = connection.read(&mut head).await.unwrap();
        let moved = "HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 5\r\n\r\nmoved";
        connection.write_all(moved.as_bytes()).await.unwrap();
        String::from_utf8(head.get(..length).unwrap().to_vec()).unwrap()
    };
    let target = format!("/ask?http://127.0.0.1:{port}/a");
    let (asked, answered) = tokio::join!(answer, world.ask(&target));
    assert!(asked.starts_with("GET /a HTTP/1.1\r\n"), "{asked}");
    assert!(answered.starts_with("HTTP/1.1 302"), "a redirect is the component's: {answered}");
    assert_eq!(body(&answered), "moved");
    world.server.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_does_not_reach_what_is_private() {
    let world = started().await;
    for host in ["cellar.spin.internal", "front.spin.internal:80"] {
        let answer = world.get("/seen", &format!("host: {host}\r\n")).await;
        assert_eq!(answer, "", "Spin closes the connection");
    }
    world.server.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_waits_for_nobody() {
    let world = started().await;
    let port = world.other.local_addr().unwrap().port();
    let mut client = TcpStream::connect(world.address).await.unwrap();
    let request = format!("GET /ask?http://127.0.0.1:{port}/ HTTP/1.1\r\nhost: a\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let _asking = world.other.accept().await.unwrap();
    assert!(world.server.terminate().await.unwrap().success());
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "a request under way is cut");
}
