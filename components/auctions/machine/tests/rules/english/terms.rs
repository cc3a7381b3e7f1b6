//! What is sent: terms and bids as the contract says them.

use auction_machine::contract::{Band, Increments, PlaceBid, SoftClose, SoftCloseMode, Terms};
use kernel::{Minor, Money};

use super::model::{ModelTerms, Policy};
use super::{UK, US};
use crate::bench::START;

pub(super) fn bid(amount: i64) -> PlaceBid {
    PlaceBid { amount: usd(amount), quantity: None, min_quantity: None, confirm: Some(true) }
}

pub(super) fn usd(amount: i64) -> Money {
    Money::new(Minor::new(amount).unwrap(), "USD".parse().unwrap())
}

pub(super) fn contract_terms(terms: &ModelTerms) -> Terms {
    let minor = |units| Minor::new(units).unwrap();
    let band = |(from, step): &(i64, i64)| Band { from: minor(*from), step: minor(*step) };
    let (mode, window, extension) = match terms.soft_close {
        None => (SoftCloseMode::Off, None, None),
        Some((adds, window, extension)) => {
            let mode = if adds { SoftCloseMode::Add } else { SoftCloseMode::Reset };
            (mode, Some(window / 1_000), Some(extension / 1_000))
        }
    };
    let hard_stop_at = terms.hard_stop_ms.filter(|_| terms.soft_close.is_some());
    Terms {
        title: "A lot".to_owned(),
        description: String::new(),
        category: String::new(),
        format: "english".to_owned(),
        start_price: usd(terms.start),
        reserve_price: terms.reserve.map(usd),
        buy_now_price: terms.buy_now.map(usd),
        increments: Some(match terms.ladder.as_slice() {
            ladder if ladder == US => Increments::Preset("ebay_us".to_owned()),
            ladder if ladder == UK => Increments::Preset("ebay_uk".to_owned()),
            ladder => Increments::Bands(ladder.iter().map(band).collect()),
        }),
        dutch: None,
        reverse: None,
        uniform_price: None,
        starts_at: (terms.starts_ms > 0).then(|| START.plus_ms(terms.starts_ms)),
        ends_at: Some(START.plus_ms(terms.ends_ms)),
        duration_seconds: None,
        soft_close: SoftClose {
            mode,
            window_seconds: window,
            extension_seconds: extension,
            hard_stop_at: hard_stop_at.map(|stop| START.plus_ms(stop)),
        },
        retraction: match terms.retraction {
            Policy::None => "none".to_owned(),
            Policy::Ebay => "ebay".to_owned(),
            Policy::Until(hours) => format!("until({hours})"),
        },
        quantity: 1,
    }
}
