//! Who is next: the bidder or the wake that is due first, until nothing is.

use auction_machine::contract::{Command, PlaceBid, Reply, Row};
use kernel::{Currency, Money, Timestamp};

use crate::bidder::{Bidder, Turn};
use crate::request::{Request, Unplayable};
use crate::stage::{Answered, START, Stage};
use crate::story::{Deed, Story};

struct Game {
    stage: Stage,
    bidders: Vec<Bidder>,
    story: Story,
    currency: Currency,
}

/// Plays an auction to its end, and on until every bidder has had its turn.
pub(crate) fn play(request: Request) -> Result<Story, Unplayable> {
    let Request { seed, terms, bidders } = request;
    let (currency, format) = (terms.start_price.currency, terms.format.clone());
    let (mut stage, listed) = Stage::list(seed, terms)?;
    let mut story = Story::of(seed, format, currency, stage.rules()?);
    if let Some(ticks) = stage.ticks() {
        let every = ticks.count / CLOCK_POINTS_MAX + 1;
        for tick in (0..=ticks.count).step_by(usize::try_from(every).unwrap_or(1)) {
            let at = ticks.at(tick);
            story.clock(at, stage.row(at)?.price);
        }
    }
    let bidders = bidders.into_iter().map(|asked| Bidder::of(asked, &mut stage));
    let bidders = bidders.collect::<Result<Vec<_>, _>>()?;
    let mut game = Game { stage, bidders, story, currency };
    game.happened(START, Deed::platform("list"), listed)?;
    while game.goes_on()? {}
    Ok(game.story.ended())
}

impl Game {
    /// Does what is due first. A wake comes before whoever bids at the same instant: the end is
    /// exclusive (rules.md B6).
    fn goes_on(&mut self) -> Result<bool, Unplayable> {
        let wake = self.stage.wake().map(|wake| wake.at);
        let turns = self.bidders.iter().enumerate();
        let turn = turns.filter_map(|(index, bidder)| Some((bidder.due?, index))).min();
        match (turn, wake) {
            (Some((due, index)), wake) if wake.is_none_or(|at| due < at) => {
                self.turn(due, index)?
            }
            (_, Some(at)) => {
                let woken = self.stage.send(at, None, &Command::Wake)?;
                self.happened(at, Deed::platform("wake"), woken)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn turn(&mut self, now: Timestamp, index: usize) -> Result<(), Unplayable> {
        let row = self.stage.row(now)?;
        let Some(bidder) = self.bidders.get_mut(index) else { return Ok(()) };
        let leads = leads(&self.stage, &row, bidder);
        let (did, amount, command) = match bidder.turn(&row, leads) {
            Turn::Nothing => return Ok(()),
            Turn::Pass(why) => {
                self.story.passed(now, &bidder.name, why, &row);
                return Ok(());
            }
            Turn::BuyNow => ("buy_now", row.buy_now_price, Command::BuyNow),
            Turn::Bid(amount) => {
                let amount = Money::new(amount, self.currency);
                let confirm = Some(true);
                let bid = PlaceBid { amount, quantity: None, min_quantity: None, confirm };
                ("bid", Some(amount), Command::PlaceBid(bid))
            }
        };
        let deed = Deed { did, who: Some(bidder.name.clone()), amount };
        let answered = self.stage.send(now, Some(bidder.user), &command)?;
        if matches!(answered.reply, Reply::Refused(_)) {
            bidder.gives_up();
        }
        if let Some(alias) = self.stage.alias(bidder.user) {
            self.story.knows(alias, &bidder.name);
        }
        self.happened(now, deed, answered)
    }

    fn happened(&mut self, now: Timestamp, deed: Deed, led: Answered) -> Result<(), Unplayable> {
        let row = self.stage.row(now)?;
        self.story.happened(now, deed, led, &row);
        for bidder in &mut self.bidders {
            let leads = leads(&self.stage, &row, bidder);
            bidder.notices(&row, leads, now, &mut self.stage.chance);
        }
        Ok(())
    }
}

fn leads(stage: &Stage, row: &Row, bidder: &Bidder) -> bool {
    row.leader.is_some() && row.leader == stage.alias(bidder.user)
}

const CLOCK_POINTS_MAX: i64 = 200;
