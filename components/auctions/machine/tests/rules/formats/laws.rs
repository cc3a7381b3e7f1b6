//! Laws between auctions: what must stay the same, or change with it, when bids change places,
//! units have one price, or somebody had never been there.

use auction_machine::contract::{Command, PlaceBid, Reply, RetractionReason, Row, Terms};
use proptest::prelude::*;

use super::USERS;
use super::model::{Kind, Numbers};
use super::pair::{terms, usd};
use crate::bench::{Bench, user};

const END: i64 = 120_000;

/// (user, amount, units)
type Asked = (usize, i64, u32);

fn numbers(kind: Kind, reserve: Option<i64>, units: u32) -> Numbers {
    Numbers { kind, start: START, reserve, units, ends_ms: END }
}

fn english(reserve: Option<i64>) -> Terms {
    let ladder = vec![(1, 5), (100, 25), (500, 50), (2_500, 100)];
    Terms { format: "english".to_owned(), ..terms(&numbers(Kind::Outcry { ladder }, reserve, 1)) }
}

/// The auction with these bids in this order, and which of them were accepted.
fn with(terms: Terms, bids: &[Asked]) -> (Bench, Vec<bool>) {
    let mut bench = Bench::listed(terms);
    let mut accepted = Vec::new();
    for (index, (user, amount, units)) in bids.iter().enumerate() {
        let bid = PlaceBid {
            amount: usd(*amount),
            quantity: Some(*units),
            min_quantity: None,
            confirm: Some(true),
        };
        let ms = i64::try_from(index).unwrap();
        let who = Some(USERS[*user]);
        let reply = bench.send(ms, who, &format!("c{index}"), &Command::PlaceBid(bid));
        accepted.push(matches!(reply, Reply::Bid { .. }));
    }
    (bench, accepted)
}

fn closed(mut bench: Bench) -> Row {
    bench.send(END, None, "wake", &Command::Wake);
    bench.view().row
}

/// (user, units, unit price) of every winner.
fn winners(row: &Row) -> Vec<(usize, u32, i64)> {
    let index = |id| USERS.iter().position(|name| user(name) == id).unwrap();
    let winners = row.result.iter().flat_map(|result| &result.winners);
    winners.map(|won| (index(won.user_id), won.quantity, won.unit_price.amount.get())).collect()
}

/// One bid of each user, in any order.
fn each_once() -> impl Strategy<Value = Vec<Asked>> {
    let amounts = prop::collection::vec((START..START + 400, 1_u32..5), 2..=5);
    amounts.prop_flat_map(|amounts| {
        let bids = amounts.into_iter().enumerate();
        let bids: Vec<Asked> = bids.map(|(user, (amount, units))| (user, amount, units)).collect();
        Just(bids).prop_shuffle()
    })
}

fn many() -> impl Strategy<Value = Vec<Asked>> {
    prop::collection::vec((0_usize..5, START..START + 3_000, Just(1)), 1..=12)
}

fn singles(mut bids: Vec<Asked>) -> Vec<Asked> {
    bids.iter_mut().for_each(|bid| bid.2 = 1);
    bids
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(600)
    })]

    #[test]
    fn equal_bids_that_change_places_change_the_winner_not_the_price(
        others in each_once(), over in 0_i64..500, at in 0_usize..4,
    ) {
        let top = START + 400 + over;
        for kind in [None, Some(Kind::FirstPrice), Some(Kind::Vickrey)] {
            let terms = || match &kind {
                None => english(None),
                Some(kind) => terms(&numbers(kind.clone(), None, 1)),
            };
            // Two of the five tie at the top, with the third's bid anywhere among them.
            let third = others.iter().find(|bid| bid.0 == 0).map_or(START, |bid| bid.1);
            let order = |first, second| {
                let mut bids = vec![(first, top, 1), (second, top, 1)];
                bids.insert(at % 2, (0, third, 1));
                bids
            };
            let one = closed(with(terms(), &order(3, 4)).0);
            let other = closed(with(terms(), &order(4, 3)).0);
            let (one, other) = (winners(&one), winners(&other));
            prop_assert_eq!(one[0].2, other[0].2);
            prop_assert_eq!((one[0].0, other[0].0), (3, 4));
            prop_assert!(kind.is_none() || one[0].2 == top);
        }
    }

    #[test]
    fn vickrey_pays_the_second_or_the_floor(
        bids in each_once(), reserve in prop::option::of(START..START + 450),
    ) {
        let bids = singles(bids);
        let row = closed(with(terms(&numbers(Kind::Vickrey, reserve, 1)), &bids).0);
        let mut amounts: Vec<i64> = bids.iter().map(|bid| bid.1).collect();
        amounts.sort_unstable();
        let (first, second) = (amounts[amounts.len() - 1], amounts[amounts.len() - 2]);
        let floor = reserve.unwrap_or(START);
        match winners(&row).as_slice() {
            [] => prop_assert!(first < floor),
            [(winner, 1, pays)] => {
                prop_assert_eq!(*pays, second.max(floor));
                let own = bids.iter().find(|bid| bid.0 == *winner).unwrap().1;
                prop_assert!(own == first && *pays <= own);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn first_price_and_vickrey_have_the_same_winner(bids in each_once()) {
        let bids = singles(bids);
        let one = closed(with(terms(&numbers(Kind::FirstPrice, None, 1)), &bids).0);
        let other = closed(with(terms(&numbers(Kind::Vickrey, None, 1)), &bids).0);
        prop_assert_eq!(winners(&one)[0].0, winners(&other)[0].0);
        prop_assert!(winners(&other)[0].2 <= winners(&one)[0].2);
    }

    #[test]
    fn many_units_have_one_price_that_every_winner_bid(bids in each_once(), units in 4_u32..9) {
        let at = |kind| {
            let row = closed(with(terms(&numbers(kind, None, units)), &bids).0);
            let winners = winners(&row);
            let (price, hammer) = (winners[0].2, row.result.unwrap().hammer_price.unwrap());
            assert_eq!(hammer.amount.get(), price);
            winners
        };
        let (lowest, rejected) = (at(Kind::LowestAccepted), at(Kind::HighestRejected));
        for winners in [&lowest, &rejected] {
            let sold: u32 = winners.iter().map(|won| won.1).sum();
            let asked: u32 = bids.iter().filter(|bid| bid.2 <= units).map(|bid| bid.2).sum();
            prop_assert_eq!(sold, units.min(asked));
            let price = winners[0].2;
            let revenue: i64 = winners.iter().map(|won| i64::from(won.1) * won.2).sum();
            prop_assert_eq!(revenue, i64::from(sold) * price);
            for (user, got, _) in winners {
                let bid = bids.iter().find(|bid| bid.0 == *user).unwrap();
                prop_assert!(price <= bid.1 && *got <= bid.2);
            }
        }
        // The pricing does not say who gets units, and the highest rejected is never the dearer.
        let who = |winners: &[(usize, u32, i64)]| -> Vec<_> {
            winners.iter().map(|won| (won.0, won.1)).collect()
        };
        prop_assert_eq!(who(&lowest), who(&rejected));
        prop_assert!(rejected[0].2 <= lowest[0].2);
    }

    #[test]
    fn an_english_price_lies_between_the_beaten_and_the_leading_maximum(
        bids in many(), reserve in prop::option::of(START..START + 2_000),
    ) {
        let (bench, _) = with(english(reserve), &bids);
        let lot = bench.entity.state().lot().unwrap();
        let (Some(price), Some(leading)) = (lot.price, lot.leading_bid()) else { return Ok(()) };
        prop_assert!(price <= leading.max());
        for live in lot.live_bids().filter(|live| live.bidder != leading.bidder) {
            // Equal only after a tie (B2.3, B2.5).
            prop_assert!(price >= live.max());
        }
    }

    #[test]
    fn without_somebody_it_is_as_if_that_one_had_never_bid(
        bids in many(), who in 0_usize..5, reserve in prop::option::of(START..START + 2_000),
    ) {
        let (mut bench, accepted) = with(english(reserve), &bids);
        let kept = bids.iter().zip(&accepted).filter(|(_, accepted)| **accepted);
        let kept: Vec<Asked> = kept.map(|(bid, _)| *bid).collect();
        let others: Vec<Asked> = kept.iter().copied().filter(|bid| bid.0 != who).collect();
        let Some(bid) = kept.iter().position(|bid| bid.0 == who) else { return Ok(()) };
        let bid_id = bench.entity.state().lot().unwrap().bids[bid].id;
        let reason = RetractionReason::CancelledBySeller;
        bench.send(500, Some("sam"), "back", &Command::Retract { bid_id, reason });
        let (alone, accepted) = with(english(reserve), &others);
        // As far as minimums allow.
        prop_assume!(accepted.iter().all(|accepted| *accepted));
        let (one, other) = (bench.view().row, alone.view().row);
        prop_assert_eq!(one.price, other.price);
        prop_assert_eq!(one.next_minimum, other.next_minimum);
        prop_assert_eq!(one.reserve, other.reserve);
        prop_assert_eq!((one.bid_count, one.bidder_count), (other.bid_count, other.bidder_count));
        let leader = |bench: &Bench| {
            let lot = bench.entity.state().lot().unwrap();
            lot.leading_bid().and_then(|bid| lot.bidder(bid.bidder)).map(|bidder| bidder.user)
        };
        prop_assert_eq!(leader(&bench), leader(&alone));
    }

    #[test]
    fn a_higher_bid_never_lowers_the_english_price(bids in many(), more in 1_i64..3_000) {
        let (mut bench, _) = with(english(None), &bids);
        let before = bench.view().row;
        let amount = before.next_minimum.unwrap().amount.get() + more;
        let bid = PlaceBid {
            amount: usd(amount),
            quantity: None,
            min_quantity: None,
            confirm: Some(true),
        };
        bench.send(900, Some("gus"), "more", &Command::PlaceBid(bid));
        let amount = |row: &Row| row.price.map(|price| price.amount);
        prop_assert!(amount(&bench.view().row) > amount(&before));
    }
}

const START: i64 = 100;
