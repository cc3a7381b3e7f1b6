//! Random commands drive the machine and the naive model side by side; what both show is compared
//! after every command, and hidden values are searched for in everything that is public.

use std::collections::BTreeSet;

use auction_machine::contract::{
    Band, Command, Increments, PlaceBid, Query, Reply, ReserveState, SoftClose, SoftCloseMode,
    Status, Terms,
};
use kernel::{Entity, Minor, Money};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::bench::{Bench, KEY, START};
use crate::model::{Model, ModelTerms, Plant};

/// One random command; amounts and instants are relative to what stands when it comes.
#[derive(Debug, Clone)]
enum Step {
    Bid { user: usize, amount: Amount, jump: Jump },
    Replay { which: usize, changed: bool },
    Wake { jump: Jump, twice: bool },
    Wrong { user: usize, currency: bool },
    SellerBids,
}

#[derive(Debug, Clone)]
enum Amount {
    OverMinimum(i64),
    OverLeader(i64),
    OverReserve(i64),
    AtEdge { band: usize, over: i64 },
    Largest,
}

#[derive(Debug, Clone)]
enum Jump {
    Ahead(i64),
    ToStart(i64),
    ToWindow(i64),
    ToEnd(i64),
}

fn amounts() -> impl Strategy<Value = Amount> {
    prop_oneof![
        24 => (-3_i64..400).prop_map(Amount::OverMinimum),
        4 => (0_i64..90_000).prop_map(Amount::OverMinimum),
        12 => (-2_i64..3).prop_map(Amount::OverLeader),
        8 => (-120_i64..300).prop_map(Amount::OverLeader),
        8 => (-2_i64..3).prop_map(Amount::OverReserve),
        6 => (0_usize..10, -2_i64..3).prop_map(|(band, over)| Amount::AtEdge { band, over }),
        1 => Just(Amount::Largest),
    ]
}

fn jumps() -> impl Strategy<Value = Jump> {
    prop_oneof![
        60 => (-500_i64..1_500).prop_map(Jump::Ahead),
        4 => (0_i64..40_000).prop_map(Jump::Ahead),
        8 => (-1_i64..2).prop_map(Jump::ToStart),
        4 => (-2_i64..2).prop_map(Jump::ToWindow),
        2 => (-2_i64..2).prop_map(Jump::ToEnd),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => (0_usize..5, amounts(), jumps())
            .prop_map(|(user, amount, jump)| Step::Bid { user, amount, jump }),
        2 => (any::<usize>(), any::<bool>())
            .prop_map(|(which, changed)| Step::Replay { which, changed }),
        2 => (jumps(), any::<bool>()).prop_map(|(jump, twice)| Step::Wake { jump, twice }),
        1 => (0_usize..5, any::<bool>())
            .prop_map(|(user, currency)| Step::Wrong { user, currency }),
        1 => Just(Step::SellerBids),
    ];
    prop::collection::vec(step, 1..=60)
}

fn all_terms() -> impl Strategy<Value = ModelTerms> {
    let ladder = prop_oneof![
        Just(Vec::from(US)),
        Just(Vec::from(UK)),
        (1_i64..50, 1_i64..3_000, 1_i64..900).prop_map(|(a, b, c)| vec![(1, a), (1 + b, c)]),
    ];
    let soft_close = prop::option::weighted(
        0.85,
        (any::<bool>(), 1_i64..90, 1_i64..90)
            .prop_map(|(adds, window, extension)| (adds, window * 1_000, extension * 1_000)),
    );
    (
        ladder,
        1_i64..20_000,
        prop::option::of(0_i64..30_000),
        prop_oneof![3 => Just(0), 1 => 1_i64..20_000],
        5_000_i64..600_000,
        soft_close,
        prop::option::weighted(0.3, 0_i64..120_000),
    )
        .prop_map(|(ladder, start, reserve, starts_ms, run, soft_close, stop)| ModelTerms {
            start,
            reserve: reserve.map(|over| start + over),
            ladder,
            starts_ms,
            ends_ms: starts_ms + run,
            soft_close,
            hard_stop_ms: stop.map(|over| starts_ms + run + over),
        })
}

/// Machine and model side by side.
struct Pair {
    bench: Bench,
    model: Model,
    now: i64,
    closed: bool,
    /// (user, command id, bid, reply) of every accepted bid.
    accepted: Vec<(usize, String, PlaceBid, Value)>,
    /// Prices that were public once.
    prices: BTreeSet<i64>,
    count: usize,
}

type Checked = Result<(), String>;

fn run(terms: &ModelTerms, steps: &[Step], plant: Plant) -> Checked {
    let mut pair = Pair {
        bench: Bench::listed(contract_terms(terms)),
        model: Model::new(terms.clone(), plant),
        now: 0,
        closed: false,
        accepted: Vec::new(),
        prices: BTreeSet::new(),
        count: 0,
    };
    for (index, step) in steps.iter().enumerate() {
        pair.count = index;
        pair.step(step).map_err(|why| format!("step {index} {step:?}: {why}"))?;
        pair.compare().map_err(|why| format!("after step {index} {step:?}: {why}"))?;
    }
    pair.now = pair.now.max(pair.model.stand().ends_ms) + 5_000;
    pair.wake(true)?;
    pair.compare()?;
    same("refold", &refold(&pair.bench).snapshot(), &pair.bench.entity.snapshot())
}

impl Pair {
    fn step(&mut self, step: &Step) -> Checked {
        match step {
            Step::Bid { user, amount, jump } => {
                self.jump(jump);
                self.bid(*user, amount)
            }
            Step::Replay { which, changed } => self.replay(*which, *changed),
            Step::Wake { jump, twice } => {
                self.jump(jump);
                self.wake(*twice)
            }
            Step::Wrong { user, currency } => self.wrong(*user, *currency),
            Step::SellerBids => {
                let reply = self.place("sam", "x", &bid(1 << 40));
                same("code", &code(&reply), &Some("seller_cannot_bid".to_owned()))
            }
        }
    }

    /// The platform's clock may go back; the machine's time may not.
    fn jump(&mut self, jump: &Jump) {
        let ends_ms = self.model.stand().ends_ms;
        let window = self.model.terms.soft_close.map_or(0, |(_, window, _)| window);
        let wanted = match jump {
            Jump::Ahead(ms) => self.now + ms,
            Jump::ToStart(ms) => self.now.max(self.model.terms.starts_ms + ms),
            Jump::ToWindow(ms) => self.now.max(ends_ms - window + ms),
            Jump::ToEnd(ms) => self.now.max(ends_ms + ms),
        };
        self.now = wanted;
    }

    /// The instant at which the machine decides.
    fn decided_at(&self) -> i64 {
        self.now.max(self.bench.entity.position().time.unwrap().ms_since(START))
    }

    fn bid(&mut self, user: usize, amount: &Amount) -> Checked {
        let stand = self.model.stand();
        let terms = &self.model.terms;
        let amount = match amount {
            Amount::OverMinimum(over) => stand.next + over,
            Amount::OverLeader(over) => self.model.leader_max().unwrap_or(stand.next) + over,
            Amount::OverReserve(over) => terms.reserve.unwrap_or(stand.next) + over,
            Amount::AtEdge { band, over } => terms.ladder[band % terms.ladder.len()].0 + over,
            Amount::Largest => MAX,
        };
        let amount = amount.clamp(0, MAX);
        let (command_id, asked) = (format!("c{}", self.count), bid(amount));
        let at = self.decided_at();
        let reply = self.place(USERS[user], &command_id, &asked);
        let expected =
            if self.closed { Some("auction_closed") } else { self.model.bid(user, amount, at) };
        same("refusal", &code(&reply).as_deref(), &expected)?;
        let Reply::Bid { replayed, bid, row, .. } = &reply else { return Ok(()) };
        if at >= stand.ends_ms {
            return Err("accepted at or after the end".to_owned());
        }
        let after = self.model.stand();
        same("replayed", replayed, &false)?;
        same("leading", &bid.leading, &(after.leader == Some(user)))?;
        same("reply price", &amount_of(bid.price), &after.price)?;
        same("reply next", &amount_of(bid.next_minimum), &Some(after.next.min(MAX)))?;
        same("reply end", &bid.ends_at.ms_since(START), &after.ends_ms)?;
        same("reply time", &bid.server_time.ms_since(START), &at)?;
        same("row", row, &self.bench.view().row)?;
        let event = &self.bench.log[usize::try_from(bid.seq).unwrap() - 1];
        same("receipt", &bid.receipt.head, &event.head.digest().to_hex())?;
        same("receipt", &bid.receipt.prev, &event.prev.digest().to_hex())?;
        let value = serde_json::to_value(bid).unwrap();
        self.accepted.push((user, command_id, asked, value));
        Ok(())
    }

    fn replay(&mut self, which: usize, changed: bool) -> Checked {
        if self.accepted.is_empty() {
            return Ok(());
        }
        let (user, command_id, mut asked, first) =
            self.accepted[which % self.accepted.len()].clone();
        if changed {
            asked.amount.amount = asked.amount.amount.minus(Minor::new(1).unwrap());
        }
        let reply = self.place(USERS[user], &command_id, &asked);
        if changed {
            return same("code", &code(&reply), &Some("idempotency_key_reused".to_owned()));
        }
        let Reply::Bid { replayed: true, bid, .. } = reply else {
            return Err(format!("not a replay: {reply:?}"));
        };
        same("replay", &serde_json::to_value(bid).unwrap(), &first)
    }

    fn wake(&mut self, twice: bool) -> Checked {
        let at = self.decided_at();
        let stand = self.model.stand();
        let decision = self.bench.send_raw(self.now, None, "wake", b"\"wake\"");
        let due = !self.closed && at >= stand.ends_ms;
        let closes = Bench::names(&decision).contains(&"auction_closed".to_owned());
        same("closes", &closes, &due)?;
        self.closed |= due;
        if twice {
            let again = self.bench.send_raw(self.now + 1, None, "wake", b"\"wake\"");
            // One millisecond later the end itself may have come.
            let due = !self.closed && self.decided_at().max(self.now + 1) >= stand.ends_ms;
            let starts = self.model.terms.starts_ms == self.now + 1;
            same("second wake", &(again.events.is_empty() || starts), &!due)?;
            self.closed |= due;
        }
        Ok(())
    }

    fn wrong(&mut self, user: usize, currency: bool) -> Checked {
        let mut asked = bid(1 << 40);
        if currency {
            asked.amount.currency = "EUR".parse().unwrap();
        } else {
            asked.min_quantity = Some(2);
        }
        let reply = self.place(USERS[user], "wrong", &asked);
        code(&reply).map(drop).ok_or_else(|| format!("accepted: {reply:?}"))
    }

    fn place(&mut self, who: &str, command_id: &str, asked: &PlaceBid) -> Reply {
        self.bench.send(self.now, Some(who), command_id, &Command::PlaceBid(asked.clone()))
    }

    fn compare(&mut self) -> Checked {
        let stand = self.model.stand();
        let row = self.bench.view().row;
        let price = amount_of(row.price);
        if self.prices.last().is_some_and(|last| price < Some(*last)) {
            return Err(format!("the price fell to {price:?}"));
        }
        self.prices.extend(price);
        same("price", &price, &stand.price)?;
        let next = (!self.closed).then_some(stand.next.min(MAX));
        same("next", &amount_of(row.next_minimum), &next)?;
        let place = |user| stand.bidders.iter().position(|known| *known == user).unwrap() + 1;
        let leader = stand.leader.map(|user| format!("bidder-{}", place(user)));
        same("leader", &row.leader, &leader)?;
        let reserve = match stand.reserve_met {
            None => ReserveState::None,
            Some(true) => ReserveState::Met,
            Some(false) => ReserveState::NotMet,
        };
        same("reserve", &row.reserve, &reserve)?;
        same("end", &row.ends_at.ms_since(START), &stand.ends_ms)?;
        same("bid count", &row.bid_count, &(self.model.bids.len() as u64))?;
        same("bidder count", &row.bidder_count, &(stand.bidders.len() as u64))?;
        let ended = matches!(row.status, Status::Sold | Status::Unsold);
        same("closed", &ended, &self.closed)?;
        if let Some(result) = row.result {
            let (status, reason) = self.model.outcome();
            same("outcome", &(result.outcome == Status::Sold), &(status == "sold"))?;
            same("reason", &result.reason.as_deref(), &reason)?;
            let hammer = (status == "sold").then_some(stand.price).flatten();
            same("hammer", &amount_of(result.hammer_price), &hammer)?;
            same("winner", &result.winner.map(|w| w.bidder), &leader.filter(|_| hammer.is_some()))?;
        }
        self.nothing_leaks(&stand.shown)
    }

    /// Every number in public is one that the model calls public, and no hidden salt is there.
    fn nothing_leaks(&self, shown: &[bool]) -> Checked {
        let terms = &self.model.terms;
        let mut public: BTreeSet<i64> = (0..300).collect();
        public.extend(terms.ladder.iter().flat_map(|(from, step)| [*from, *step]));
        public.extend([terms.start]);
        for price in &self.prices {
            let above = terms.ladder.iter().map(|(_, step)| (price + step).min(MAX));
            public.extend([*price].into_iter().chain(above));
        }
        let shown_bids = self.model.bids.iter().zip(shown).filter(|(_, shown)| **shown);
        public.extend(shown_bids.map(|(bid, _)| bid.amount));
        let lot = self.bench.entity.state().lot().unwrap();
        let hidden = lot.bids.iter().filter(|bid| !bid.shown).filter_map(|bid| bid.salt);
        let salts: Vec<String> = hidden
            .chain(lot.listing.reserve.map(|reserve| reserve.salt))
            .map(|salt| salt.digest().to_hex())
            .collect();
        let history = Query::History { after: 0, limit: 100 };
        let mut texts: Vec<Vec<u8>> = [Query::View, Query::Own, history]
            .iter()
            .map(|query| self.bench.ask_raw(Some("eve"), &serde_json::to_vec(query).unwrap()))
            .collect();
        texts.extend(self.bench.log.iter().map(|event| event.public.clone()));
        for text in texts {
            let text = String::from_utf8(text).unwrap();
            if let Some(salt) = salts.iter().find(|salt| text.contains(*salt)) {
                return Err(format!("salt {salt} in {text}"));
            }
            let mut numbers = BTreeSet::new();
            numbers_of(&serde_json::from_str(&text).unwrap(), &mut numbers);
            if let Some(leak) = numbers.difference(&public).next() {
                return Err(format!("{leak} is not public, in {text}"));
            }
        }
        Ok(())
    }
}

fn refold(bench: &Bench) -> Entity<auction_machine::Auction> {
    let mut entity = Entity::new(KEY);
    for event in &bench.log {
        entity.apply(&event.fact).unwrap();
    }
    entity
}

fn numbers_of(value: &Value, into: &mut BTreeSet<i64>) {
    match value {
        Value::Number(number) => drop(into.insert(number.as_i64().unwrap())),
        Value::Array(items) => items.iter().for_each(|item| numbers_of(item, into)),
        Value::Object(members) => members.values().for_each(|member| numbers_of(member, into)),
        _ => {}
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, machine: &T, model: &T) -> Checked {
    if machine == model {
        return Ok(());
    }
    Err(format!("{what}: machine {machine:?}, model {model:?}"))
}

fn code(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Refused(refused) => Some(refused.code.clone()),
        _ => None,
    }
}

fn amount_of(money: Option<Money>) -> Option<i64> {
    money.map(|money| money.amount.get())
}

fn bid(amount: i64) -> PlaceBid {
    PlaceBid { amount: usd(amount), quantity: None, min_quantity: None, confirm: Some(true) }
}

fn usd(amount: i64) -> Money {
    Money::new(Minor::new(amount).unwrap(), "USD".parse().unwrap())
}

fn contract_terms(terms: &ModelTerms) -> Terms {
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
        buy_now_price: None,
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
        retraction: "ebay".to_owned(),
        quantity: 1,
    }
}

#[test]
fn random_commands_agree_with_the_naive_model() {
    let config = Config { cases: 1_500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&(all_terms(), steps()), |(terms, steps)| {
        run(&terms, &steps, Plant::Nothing).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn every_planted_wrong_rule_is_noticed() {
    for plant in PLANTS {
        let config = Config { cases: 600, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::deterministic();
        runner = TestRunner::new_with_rng(config, runner.new_rng());
        let outcome = runner.run(&(all_terms(), steps()), |(terms, steps)| {
            run(&terms, &steps, plant).map_err(TestCaseError::fail)
        });
        assert!(outcome.is_err(), "{plant:?} went unnoticed");
    }
}

const PLANTS: [Plant; 10] = [
    Plant::StepAtOldPrice,
    Plant::TieToTheLater,
    Plant::NoCap,
    Plant::OwnRaiseMovesPrice,
    Plant::NoReserveLift,
    Plant::InclusiveEnd,
    Plant::OwnRaiseExtends,
    Plant::ExclusiveWindow,
    Plant::NoHardStop,
    Plant::NeverReveals,
];

const USERS: [&str; 5] = ["ana", "ben", "cat", "dan", "fay"];
const MAX: i64 = 9_007_199_254_740_991;
const US: &[(i64, i64)] = &[
    (1, 5),
    (100, 25),
    (500, 50),
    (2_500, 100),
    (10_000, 250),
    (25_000, 500),
    (50_000, 1_000),
    (100_000, 2_500),
    (250_000, 5_000),
    (500_000, 10_000),
];
const UK: &[(i64, i64)] = &[
    (1, 5),
    (100, 20),
    (500, 50),
    (1_500, 100),
    (6_000, 200),
    (15_000, 500),
    (30_000, 1_000),
    (60_000, 2_000),
    (150_000, 5_000),
    (300_000, 10_000),
];
