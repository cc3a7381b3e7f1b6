//! Stand-ins for the places where people sign in elsewhere, over real HTTP with real redirects: an
//! OpenID provider in the manner of Google (OIDC Core), and one of OAuth in the manner of Facebook.
//!
//! It asks nobody for a password: the test says who signs in. It checks what a provider has to
//! check and keeps every complaint; it lies when it is told to.

mod endpoints;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::{Client, client::Address};

/// Which manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// OpenID Connect: an ID token tells who it is.
    Google,
    /// OAuth: a profile tells who it is.
    Facebook,
}

/// Somebody with an account at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Stable id.
    pub subject: String,
    /// Mail address.
    pub email: String,
    /// Name.
    pub name: String,
}

/// What is wrong with the next sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The person says no.
    Denied,
    /// The state that comes back is another.
    State,
    /// The nonce in the ID token is another.
    Nonce,
    /// There is no nonce in the ID token.
    NoNonce,
    /// The ID token is for another client.
    Audience,
    /// The ID token is for several clients, and another one asked for it.
    AuthorizedParty,
    /// The ID token is of another provider.
    Issuer,
    /// The ID token is over.
    Expired,
    /// The ID token is of the day after tomorrow.
    Future,
    /// The mail address is not verified; Facebook tells none then.
    Unverified,
    /// The answer has no ID token, or the profile no id.
    Nothing,
    /// The token endpoint refuses the code.
    Refused,
    /// The token endpoint fails.
    Broken,
}

impl Wrong {
    /// Everything that an OpenID provider can do wrong.
    pub const ALL: [Self; 13] = [
        Self::Denied,
        Self::State,
        Self::Nonce,
        Self::NoNonce,
        Self::Audience,
        Self::AuthorizedParty,
        Self::Issuer,
        Self::Expired,
        Self::Future,
        Self::Unverified,
        Self::Nothing,
        Self::Refused,
        Self::Broken,
    ];
    /// What a provider without ID tokens can do wrong.
    pub const OF_OAUTH: [Self; 6] =
        [Self::Denied, Self::State, Self::Unverified, Self::Nothing, Self::Refused, Self::Broken];
}

/// A running provider; it closes when this is dropped.
pub struct Provider {
    address: SocketAddr,
    kind: Kind,
    shared: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

struct State {
    kind: Kind,
    issuer: String,
    person: Option<Person>,
    wrong: Option<Wrong>,
    next: u64,
    codes: BTreeMap<String, Grant>,
    spent: BTreeSet<String>,
    access: BTreeMap<String, Person>,
    complaints: Vec<String>,
}

/// What a code stands for.
struct Grant {
    person: Person,
    redirect_uri: String,
    challenge: String,
    nonce: String,
}

impl Provider {
    /// Listens on a port of its own.
    pub async fn open(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(State {
            kind,
            issuer: format!("http://{address}"),
            person: None,
            wrong: None,
            next: 0,
            codes: BTreeMap::new(),
            spent: BTreeSet::new(),
            access: BTreeMap::new(),
            complaints: Vec::new(),
        }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, kind, shared, accepting }
    }

    /// Who signs in from here on.
    pub fn signs_in(&self, person: &Person) {
        self.shared.lock().unwrap().person = Some(person.clone());
    }

    /// What is wrong from here on, or that all is well again.
    pub fn is_wrong(&self, wrong: Option<Wrong>) {
        self.shared.lock().unwrap().wrong = wrong;
    }

    /// Every sentence is a request that a real provider would have refused.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.lock().unwrap().complaints.clone()
    }

    /// Codes that were exchanged.
    pub fn exchanged(&self) -> usize {
        self.shared.lock().unwrap().spent.len()
    }

    /// The variables with which a platform finds it.
    pub fn variables(&self) -> Vec<String> {
        let base = format!("http://{}", self.address);
        let (name, rest) = match self.kind {
            Kind::Google => ("google", format!("google_issuer={base}")),
            Kind::Facebook => {
                ("facebook", format!("facebook_profile_url={base}/me?fields=id,name,email"))
            }
        };
        vec![
            format!("{name}_client_id={CLIENT_ID}"),
            format!("{name}_client_secret={CLIENT_SECRET}"),
            format!("{name}_authorization_url={base}/authorize"),
            format!("{name}_token_url={base}/token"),
            format!("{name}_host={base}"),
            rest,
        ]
    }

    /// Speaks to it as a browser would.
    pub fn client(&self) -> Client {
        let address = Address::default();
        *address.write().unwrap() = Some(self.address);
        Client::of_operators(address)
    }

    /// Does a redirect lead here?
    pub fn is_at(&self, location: &str) -> bool {
        location.starts_with(&format!("http://{}/", self.address))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let answer = service_fn(|request| endpoints::answer(request, &shared));
            let connection = hyper::server::conn::http1::Builder::new();
            // A client that goes away has lost its answer, and that is all.
            let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// What the platform is known as.
pub const CLIENT_ID: &str = "ecomauction-test";
/// What only the platform knows.
pub const CLIENT_SECRET: &str = "a secret, not told & =in the open";

#[cfg(test)]
mod tests;
