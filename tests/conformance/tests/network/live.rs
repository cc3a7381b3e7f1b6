//! The live protocol (api.md §4): sockets where there are any, event streams everywhere.

mod clients;
mod commands;
mod crowds;
mod doors;
mod frames;
mod resuming;
mod streams;
mod watching;

use conformance::socket::{Ask, Socket};
use conformance::{Platform, Setup, User, id_of};
use serde_json::{Value, json};

/// A platform, a seller, an auction from 10.00 USD.
struct Scene {
    platform: Platform,
    ana: User,
    auction: String,
}

impl Scene {
    async fn set() -> Self {
        Self::with(json!({})).await
    }

    async fn with(changes: Value) -> Self {
        let platform = Setup::development().start().await;
        let ana = platform.user_by_token("ana").await;
        let auction = id_of(&ana.lists(changes).await);
        Self { platform, ana, auction }
    }

    async fn user(&self, name: &str) -> User {
        self.platform.user_by_token(name).await
    }

    /// Somebody who watches and has heard hello.
    async fn watcher(&self) -> (Socket, Value) {
        greeted(self, &Ask::to_watch(&self.auction)).await
    }

    /// Somebody signed in who has heard hello.
    async fn socket_of(&self, user: &User) -> Socket {
        greeted(self, &Ask::to_watch(&self.auction).as_user(&user.client)).await.0
    }

    async fn log(&self) -> Vec<Value> {
        self.platform.client().log(&self.auction).await
    }
}

async fn greeted(scene: &Scene, ask: &Ask) -> (Socket, Value) {
    let mut socket = ask.open(&scene.platform.client()).await;
    let hello = socket.next().await;
    assert_eq!(hello["type"], "hello", "{hello}");
    (socket, hello)
}

/// The amounts of some bids that lead one after the other.
fn rising(count: i64) -> impl Iterator<Item = i64> {
    (0..count).map(|at| 2_000 + at * 1_000)
}

/// A fresh command id.
fn command_id(at: u32) -> String {
    format!("5f7c0f1e-4b1c-4a8a-9f6e-{at:012x}")
}
