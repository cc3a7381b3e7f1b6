//! The pages that people list, bid and buy on: rendered here, readable and usable without script.
//!
//! The storefront knows no rule and keeps no table. It asks the API of its neighbours as anybody
//! would ([`api`]), with the tokens of whoever visits ([`visit`]): what a page may show and do is
//! what the API shows and does for that person. Scripts ([`assets`]) add what moves.

mod account;
mod api;
mod assets;
mod bidding;
mod browse;
mod form;
mod mine;
mod page;
mod proof;
mod room;
mod routes;
mod sandbox;
mod sell;
mod show;
mod sign;
mod visit;

use ports::{Delivery, Message, Ports};
use web::{Exchange, Request, Response};

pub use routes::{Operation, routes};

/// Answers a request.
pub async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    let answer = web::serve(ports, routes(), &request, async |exchange, operation| {
        routed(ports, exchange, operation).await
    });
    let response = answer.await;
    // A person gets a page that says what a program reads in a problem.
    if response.status < 400 || !page::is_problem(&response) {
        return response;
    }
    if form::is_from_script(&request) {
        return page::keeping(ports, &request, response).await;
    }
    page::of_problem(ports, &request, response).await
}

async fn routed<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    operation: Operation,
) -> Result<Response, web::Problem> {
    match operation {
        Operation::Home => browse::home(ports, exchange).await,
        Operation::Search => browse::search(ports, exchange).await,
        Operation::Seller => browse::seller(ports, exchange).await,
        Operation::Room => room::show(ports, exchange).await,
        Operation::Rules => room::rules(ports, exchange).await,
        Operation::Bid => bidding::bid(ports, exchange).await,
        Operation::BuyNow => bidding::buy_now(ports, exchange).await,
        Operation::Retract => bidding::retract(ports, exchange).await,
        Operation::Watch => bidding::watch(ports, exchange).await,
        Operation::AnswerOffer => bidding::answer_offer(ports, exchange).await,
        Operation::Ticket => bidding::ticket(ports, exchange).await,
        Operation::Proof => proof::show(ports, exchange).await,
        Operation::Sandbox => sandbox::show(ports, exchange).await,
        Operation::SellForm => sell::form(ports, exchange).await,
        Operation::Sell => sell::list(ports, exchange).await,
        Operation::Manage => sell::manage(ports, exchange).await,
        Operation::Change => sell::change(ports, exchange).await,
        Operation::AddPicture => sell::add_picture(ports, exchange).await,
        Operation::RemovePicture => sell::remove_picture(ports, exchange).await,
        Operation::MyAuctions => mine::auctions(ports, exchange).await,
        Operation::MyBids => mine::bids(ports, exchange).await,
        Operation::MyWatches => mine::watches(ports, exchange).await,
        Operation::SignInForm => sign::in_form(ports, exchange).await,
        Operation::SignIn => sign::sign_in(ports, exchange).await,
        Operation::SignInReturn => sign::back(ports, exchange).await,
        Operation::SignInByProvider => sign::by_provider(ports, exchange).await,
        Operation::SignUpForm => sign::up_form(ports, exchange).await,
        Operation::SignUp => sign::sign_up(ports, exchange).await,
        Operation::ConfirmForm => sign::confirm_form(ports, exchange).await,
        Operation::Confirm => sign::confirm(ports, exchange).await,
        Operation::PasswordForm => sign::password_form(ports, exchange).await,
        Operation::Password => sign::password(ports, exchange).await,
        Operation::SignOut => sign::sign_out(ports, exchange).await,
        Operation::Account => account::show(ports, exchange).await,
        Operation::ChangeAccount => account::change(ports, exchange).await,
        Operation::Export => account::export(ports, exchange).await,
        Operation::Asset => assets::serve(exchange),
        Operation::Robots => Ok(page::robots()),
    }
}

/// There are no tables.
pub async fn migrate<P: Ports>(_ports: &P) -> Result<(), String> {
    Ok(())
}

/// It is told nothing.
pub async fn consume<P: Ports>(_ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    vec![Delivery::Retry("the storefront consumes nothing".to_owned()); batch.len()]
}
