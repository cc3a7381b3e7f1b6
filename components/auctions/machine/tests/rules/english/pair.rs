//! Machine and model side by side.

use std::collections::BTreeSet;

use auction_machine::contract::{Command, PlaceBid, Reply, ReserveState, RetractionReason, Status};
use kernel::{Entity, Minor, Money};
use serde_json::Value;

use super::model::{Model, ModelTerms, Over, Plant};
use super::terms::{bid, contract_terms, usd};
use super::{Amount, Jump, MAX, Step, USERS, leaks};
use crate::bench::{Bench, KEY, START};

/// Machine and model side by side.
struct Pair {
    bench: Bench,
    model: Model,
    now: i64,
    /// A retraction may lower the price.
    may_fall: bool,
    /// (user, command id, bid, reply) of every accepted bid.
    accepted: Vec<(usize, String, PlaceBid, Value)>,
    /// Prices that were public once.
    prices: BTreeSet<i64>,
    last: Option<i64>,
    count: usize,
}

pub(super) type Checked = Result<(), String>;

pub(super) fn run(terms: &ModelTerms, steps: &[Step], plant: Plant) -> Checked {
    let mut pair = Pair {
        bench: Bench::listed(contract_terms(terms)),
        model: Model::new(terms.clone(), plant),
        now: 0,
        may_fall: false,
        accepted: Vec::new(),
        prices: BTreeSet::new(),
        last: None,
        count: 0,
    };
    for (index, step) in steps.iter().enumerate() {
        pair.count = index;
        pair.may_fall = false;
        pair.step(step).map_err(|why| format!("step {index} {step:?}: {why}"))?;
        pair.compare().map_err(|why| format!("after step {index} {step:?}: {why}"))?;
    }
    pair.now = pair.now.max(pair.model.ends_ms) + 5_000;
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
            Step::Retract { user, which, seller, jump } => {
                self.jump(jump);
                self.retract(*user, *which, *seller)
            }
            Step::BuyNow { user, jump } => {
                self.jump(jump);
                self.buy_now(*user)
            }
            Step::Lower { amount, jump } => {
                self.jump(jump);
                let amount = self.amount(amount);
                let expected = self.model.lower(amount, self.decided_at());
                self.sellers(&Command::LowerReserve { amount: usd(amount) }, expected)
            }
            Step::Cancel { jump } => {
                self.jump(jump);
                let expected = self.model.cancel(self.decided_at());
                self.sellers(&Command::Cancel { reason: "sorry".to_owned() }, expected)
            }
            Step::SellerBids => {
                let reply = self.place("sam", "x", &bid(1 << 40));
                same("code", &code(&reply), &Some("seller_cannot_bid".to_owned()))
            }
        }
    }

    /// The platform's clock may go back; the machine's time may not.
    fn jump(&mut self, jump: &Jump) {
        let ends_ms = self.model.ends_ms;
        let window = self.model.terms.soft_close.map_or(0, |(_, window, _)| window);
        let wanted = match jump {
            Jump::Ahead(ms) => self.now + ms,
            Jump::ToStart(ms) => self.now.max(self.model.terms.starts_ms + ms),
            Jump::ToWindow(ms) => self.now.max(ends_ms - window + ms),
            Jump::ToEnd(ms) => self.now.max(ends_ms + ms),
            Jump::ToTwelveHours(ms) => self.now.max(ends_ms - 12 * HOUR + ms),
            Jump::AnHourAfterTheLast(ms) => {
                let last = self.model.bids.iter().map(|bid| bid.ms).max();
                self.now.max(last.unwrap_or(self.now) + HOUR + ms)
            }
            Jump::Hours(hours) => self.now + hours * HOUR,
        };
        self.now = wanted;
    }

    /// The instant at which the machine decides.
    fn decided_at(&self) -> i64 {
        self.now.max(self.bench.entity.position().time.unwrap().ms_since(START))
    }

    fn amount(&self, amount: &Amount) -> i64 {
        let (stand, terms) = (self.model.stand(), &self.model.terms);
        let next = self.model.next(&stand);
        let amount = match amount {
            Amount::OverMinimum(over) => next + over,
            Amount::OverLeader(over) => stand.leader_max().unwrap_or(next) + over,
            Amount::OverReserve(over) => stand.reserve.unwrap_or(next) + over,
            Amount::AtEdge { band, over } => terms.ladder[band % terms.ladder.len()].0 + over,
            Amount::Largest => MAX,
        };
        amount.clamp(0, MAX)
    }

    fn bid(&mut self, user: usize, amount: &Amount) -> Checked {
        let amount = self.amount(amount);
        let (command_id, asked) = (format!("c{}", self.count), bid(amount));
        let (at, ends_ms) = (self.decided_at(), self.model.ends_ms);
        let reply = self.place(USERS[user], &command_id, &asked);
        let expected = self.model.bid(user, amount, at);
        same("refusal", &code(&reply).as_deref(), &expected)?;
        let Reply::Bid { replayed, bid, row, newcomer, ended } = &reply else { return Ok(()) };
        if at >= ends_ms {
            return Err("accepted at or after the end".to_owned());
        }
        let after = self.model.stand();
        same("replayed", &(*replayed, *ended), &(false, false))?;
        let first = self.model.bids.iter().filter(|bid| bid.user == user).count() == 1;
        same("newcomer", newcomer, &first)?;
        same("leading", &bid.leading, &(after.leader() == Some(user)))?;
        same("reply price", &amount_of(bid.price), &after.price)?;
        let next = self.model.next(&after).min(MAX);
        same("reply next", &amount_of(bid.next_minimum), &Some(next))?;
        same("reply end", &bid.ends_at.ms_since(START), &self.model.ends_ms)?;
        same("reply time", &bid.server_time.ms_since(START), &at)?;
        same("row", row, &self.bench.view().row)?;
        let event = &self.bench.log[usize::try_from(bid.seq).unwrap() - 1];
        same("receipt", &bid.receipt.head, &event.head.digest().to_hex())?;
        same("receipt", &bid.receipt.prev, &event.prev.digest().to_hex())?;
        let value = serde_json::to_value(bid).unwrap();
        self.accepted.push((user, command_id, asked, value));
        Ok(())
    }

    fn retract(&mut self, user: usize, which: usize, seller: bool) -> Checked {
        let bidders = &self.model.bidders;
        let Some(user) = bidders.get(user % bidders.len().max(1)).copied() else { return Ok(()) };
        let own = self.model.bids.iter().enumerate().filter(|(_, bid)| bid.user == user);
        let own: Vec<usize> = own.map(|(index, _)| index).collect();
        let Some(index) = own.len().checked_sub(1 + which % own.len().max(1)) else {
            return Ok(());
        };
        let (bid, at) = (own[index], self.decided_at());
        let (who, reason, name) = match seller {
            true => ("sam", RetractionReason::CancelledBySeller, "cancelled_by_seller"),
            false => (USERS[user], RetractionReason::WrongAmount, "wrong_amount"),
        };
        let bid_id = self.bench.entity.state().lot().unwrap().bids[bid].id;
        let command = Command::Retract { bid_id, reason };
        let reply = self.bench.send(self.now, Some(who), "retract", &command);
        self.may_fall = true;
        same("refusal", &code(&reply).as_deref(), &self.model.retract(bid, name, at))
    }

    fn buy_now(&mut self, user: usize) -> Checked {
        let at = self.decided_at();
        let command_id = format!("c{}", self.count);
        let reply = self.bench.send(self.now, Some(USERS[user]), &command_id, &Command::BuyNow);
        let expected = self.model.buy_now(user, at);
        same("refusal", &code(&reply).as_deref(), &expected)?;
        let Reply::Bid { bid, ended, .. } = &reply else { return Ok(()) };
        self.prices.extend(self.model.terms.buy_now);
        same("ended", &(*ended, bid.leading, bid.next_minimum), &(true, true, None))?;
        same("price", &amount_of(bid.price), &self.model.terms.buy_now)
    }

    fn sellers(&mut self, command: &Command, expected: Option<&'static str>) -> Checked {
        let reply = self.bench.send(self.now, Some("sam"), "seller", command);
        same("refusal", &code(&reply).as_deref(), &expected)
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
        let due = self.falls_due(self.decided_at());
        let decision = self.bench.send_raw(self.now, None, "wake", b"\"wake\"");
        let closes = Bench::names(&decision).contains(&"auction_closed".to_owned());
        same("closes", &closes, &due)?;
        if twice {
            // One millisecond later the end itself may have come.
            let due = self.falls_due(self.decided_at().max(self.now + 1));
            let again = self.bench.send_raw(self.now + 1, None, "wake", b"\"wake\"");
            let starts = self.model.terms.starts_ms == self.now + 1;
            same("second wake", &(again.events.is_empty() || starts), &!due)?;
        }
        Ok(())
    }

    /// Does the regular end come with a wake at that instant?
    fn falls_due(&mut self, at: i64) -> bool {
        let due = self.model.over.is_none() && at >= self.model.ends_ms;
        if due {
            self.model.over = Some(Over::Time);
            self.model.buy_now_open = false;
        }
        due
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
        let (stand, over) = (self.model.stand(), self.model.over);
        let row = self.bench.view().row;
        let bought = match over {
            Some(Over::Bought(user)) => Some(user),
            _ => None,
        };
        let price = bought.map_or(stand.price, |_| self.model.terms.buy_now);
        same("price", &amount_of(row.price), &price)?;
        if price < self.last && !self.may_fall {
            return Err(format!("the price fell to {price:?}"));
        }
        self.last = price;
        self.prices.extend(price);
        let next = over.is_none().then(|| self.model.next(&stand).min(MAX));
        same("next", &amount_of(row.next_minimum), &next)?;
        let place = |user| self.model.bidders.iter().position(|known| *known == user).unwrap() + 1;
        let leader = bought.or(stand.leader()).map(|user| format!("bidder-{}", place(user)));
        same("leader", &row.leader, &leader)?;
        let met = match (bought, stand.reserve) {
            (Some(_), Some(_)) => Some(true),
            _ => stand.reserve_met(),
        };
        let reserve = match met {
            None => ReserveState::None,
            Some(true) => ReserveState::Met,
            Some(false) => ReserveState::NotMet,
        };
        same("reserve", &row.reserve, &reserve)?;
        same("end", &row.ends_at.ms_since(START), &self.model.ends_ms)?;
        let standing = self.model.bids.iter().filter(|bid| bid.void.is_none());
        let mut users: BTreeSet<usize> = standing.clone().map(|bid| bid.user).collect();
        let count = standing.count() + usize::from(bought.is_some());
        users.extend(bought);
        same("counts", &(row.bid_count, row.bidder_count), &(count as u64, users.len() as u64))?;
        let offered =
            self.model.terms.buy_now.filter(|_| self.model.buy_now_open && over.is_none());
        same("buy now", &amount_of(row.buy_now_price), &offered)?;
        let ended = !matches!(row.status, Status::Scheduled | Status::Open);
        same("closed", &ended, &over.is_some())?;
        if let Some(result) = row.result {
            let (status, reason) = match (over.unwrap(), met) {
                (Over::Cancelled, _) => (Status::Cancelled, Some("cancelled_by_seller")),
                (Over::Bought(_), _) => (Status::Sold, Some("bought_now")),
                (Over::Time, _) if stand.leader().is_none() => (Status::Unsold, Some("no_bids")),
                (Over::Time, Some(false)) => (Status::Unsold, Some("reserve_not_met")),
                (Over::Time, _) => (Status::Sold, None),
            };
            same("outcome", &(result.outcome, result.reason.as_deref()), &(status, reason))?;
            let hammer = price.filter(|_| status == Status::Sold);
            same("hammer", &amount_of(result.hammer_price), &hammer)?;
            same("winner", &result.winner.map(|w| w.bidder), &leader.filter(|_| hammer.is_some()))?;
        }
        leaks::none(&self.bench, &self.model, &self.prices)
    }
}

fn refold(bench: &Bench) -> Entity<auction_machine::Auction> {
    let mut entity = Entity::new(KEY);
    for event in &bench.log {
        entity.apply(&event.fact).unwrap();
    }
    entity
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

const HOUR: i64 = 3_600_000;
