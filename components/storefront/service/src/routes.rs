//! The route table.

use kernel::limits::PICTURE_MAX_BYTES;
use web::{Auth, Method, Route};

/// What the storefront can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The front page.
    Home,
    /// Auctions by words and filters.
    Search,
    /// What somebody sells.
    Seller,
    /// The auction room.
    Room,
    /// The rules of an auction in plain words.
    Rules,
    /// Place a bid.
    Bid,
    /// Buy it now.
    BuyNow,
    /// Take a bid back.
    Retract,
    /// Watch an auction, or no longer.
    Watch,
    /// Accept or decline a second-chance offer.
    AnswerOffer,
    /// A ticket for a socket, for scripts.
    Ticket,
    /// Check an auction in the browser.
    Proof,
    /// Try out how auctions go.
    Sandbox,
    /// The form of a listing.
    SellForm,
    /// List something, or look how it would be listed.
    Sell,
    /// One auction, for its seller.
    Manage,
    /// Change an auction.
    Change,
    /// Add a picture.
    AddPicture,
    /// Take a picture away.
    RemovePicture,
    /// What the visitor sells.
    MyAuctions,
    /// Where the visitor bids.
    MyBids,
    /// What the visitor watches.
    MyWatches,
    /// The form to sign in.
    SignInForm,
    /// Sign in.
    SignIn,
    /// The way back from a provider.
    SignInReturn,
    /// What it still wants to know.
    SignInByProvider,
    /// The form to sign up.
    SignUpForm,
    /// Sign up.
    SignUp,
    /// The form for the code of a letter.
    ConfirmForm,
    /// Confirm an address.
    Confirm,
    /// The form for a forgotten password.
    PasswordForm,
    /// Ask for a code, or set a new password by it.
    Password,
    /// Sign out.
    SignOut,
    /// The visitor's account.
    Account,
    /// Change the account.
    ChangeAccount,
    /// Everything that is known about the visitor.
    Export,
    /// A style, a script, a module.
    Asset,
    /// What robots are asked to leave alone.
    Robots,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

/// A page. Who visits is known by cookies, not by a token in a header.
const fn page(path: &'static str, operation: &'static str, handler: Operation) -> Route<Operation> {
    let (method, auth) = (Method::Get, Auth::Ignored);
    Route { method, path, operation, auth, body_max_bytes: 0, handler }
}

/// A form that was sent.
const fn form(path: &'static str, operation: &'static str, handler: Operation) -> Route<Operation> {
    let (method, auth) = (Method::Post, Auth::Ignored);
    Route { method, path, operation, auth, body_max_bytes: FORM_MAX_BYTES, handler }
}

const ROUTES: &[Route<Operation>] = &[
    page("/", "showHome", Operation::Home),
    page("/search", "showSearch", Operation::Search),
    page("/sellers/{id}", "showSeller", Operation::Seller),
    page("/auctions/{id}", "showRoom", Operation::Room),
    page("/auctions/{id}/rules", "showRules", Operation::Rules),
    form("/auctions/{id}/bids", "submitBid", Operation::Bid),
    form("/auctions/{id}/buy-now", "submitBuyNow", Operation::BuyNow),
    form("/auctions/{id}/retraction", "submitRetract", Operation::Retract),
    form("/auctions/{id}/watch", "submitWatch", Operation::Watch),
    form("/auctions/{id}/offers/{offer_id}", "submitAnswerOffer", Operation::AnswerOffer),
    form("/auctions/{id}/ticket", "submitTicket", Operation::Ticket),
    page("/auctions/{id}/proof", "showProof", Operation::Proof),
    page("/sandbox", "showSandbox", Operation::Sandbox),
    page("/sell", "showSellForm", Operation::SellForm),
    form("/sell", "submitSell", Operation::Sell),
    page("/sell/{id}", "showManage", Operation::Manage),
    form("/sell/{id}", "submitChange", Operation::Change),
    Route {
        method: Method::Post,
        path: "/sell/{id}/pictures",
        operation: "submitAddPicture",
        auth: Auth::Ignored,
        // The form around it.
        body_max_bytes: PICTURE_MAX_BYTES + FORM_MAX_BYTES,
        handler: Operation::AddPicture,
    },
    form("/sell/{id}/pictures/{n}", "submitRemovePicture", Operation::RemovePicture),
    page("/my/auctions", "showMyAuctions", Operation::MyAuctions),
    page("/my/bids", "showMyBids", Operation::MyBids),
    page("/my/watches", "showMyWatches", Operation::MyWatches),
    page("/sign-in", "showSignInForm", Operation::SignInForm),
    form("/sign-in", "submitSignIn", Operation::SignIn),
    page("/sign-in/return", "showSignInReturn", Operation::SignInReturn),
    form("/sign-in/return", "submitSignInReturn", Operation::SignInByProvider),
    page("/sign-up", "showSignUpForm", Operation::SignUpForm),
    form("/sign-up", "submitSignUp", Operation::SignUp),
    page("/confirm", "showConfirmForm", Operation::ConfirmForm),
    form("/confirm", "submitConfirm", Operation::Confirm),
    page("/password", "showPasswordForm", Operation::PasswordForm),
    form("/password", "submitPassword", Operation::Password),
    form("/sign-out", "submitSignOut", Operation::SignOut),
    page("/account", "showAccount", Operation::Account),
    form("/account", "submitChangeAccount", Operation::ChangeAccount),
    page("/account/export", "showExport", Operation::Export),
    page("/assets/{version}/{file}", "showAsset", Operation::Asset),
    page("/robots.txt", "showRobots", Operation::Robots),
];

/// The longest listing, percent-encoded.
const FORM_MAX_BYTES: usize = 256 << 10;
