//! Shows an auction as it happens: `watch ws://127.0.0.1:8080 auc_… [TOKEN [CENTS]]`.
//!
//! With a token it is signed in, with an amount it bids once.

use std::process::ExitCode;

use ecomauction_client::{Bid, Live, Settings, SignIn, Update};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(auction)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: watch ws://127.0.0.1:8080 auc_… [TOKEN [CENTS]]");
        return ExitCode::FAILURE;
    };
    let token = arguments.next();
    let amount = arguments.next().and_then(|amount| amount.parse().ok());
    let settings = Settings::signed_in(server, auction, move || {
        let token = token.clone();
        async move { token.map_or(SignIn::Watcher, SignIn::Token) }
    });
    let mut live = Live::open(settings);
    if let Some(amount) = amount {
        live.bid(Bid::of(amount, "USD"));
    }
    while let Some(update) = live.next().await {
        match update {
            Update::Hello(hello) => println!("{} from {} on", hello.auction, hello.seq),
            Update::Event(event) => println!("{} {} {}", event.seq, event.event, event.data),
            Update::Reply(reply) => println!("reply {} {}", reply.status, reply.body),
            Update::Outbid(outbid) => println!("outbid by event {}", outbid.seq),
            Update::Complaint(complaint) => println!("{}: {}", complaint.code, complaint.detail),
            Update::Lost { why, pause } => println!("{why}; again in {} ms", pause.as_millis()),
            Update::Ended(why) => println!("over: {why}"),
        }
    }
    ExitCode::SUCCESS
}
