//! Commitments: what was hidden behind them when it is shown.

use kernel::{Digest, Minor, Money, Salt};

use crate::book::Book;
use crate::request::Opened;
use crate::said::Revealed;

/// Is that what the commitment hides?
pub(crate) fn opens(commitment: Digest, salt: Salt, amount: Money) -> Result<(), String> {
    if salt.commit(&amount) == commitment {
        return Ok(());
    }
    let shown = format!("{} {}", amount.amount.get(), amount.currency);
    Err(format!("the commitment {commitment} does not hide {shown} under that salt"))
}

impl Book {
    /// Bids that a bid or a retraction shows.
    pub(crate) fn revealed(
        &mut self,
        revealed: &[Revealed],
        due: Option<usize>,
    ) -> Result<(), String> {
        let due = due.into_iter().collect::<Vec<_>>();
        let shown = revealed.iter().map(|shown| self.by_id(&shown.bid_id));
        let shown: Option<Vec<_>> = shown.collect();
        if shown.as_ref() != Some(&due) {
            return Err(
                "it does not reveal the maximum that it beats, and that alone (B2.7)".to_owned()
            );
        }
        for (index, revealed) in due.into_iter().zip(revealed) {
            let amount = self.terms.amount(revealed.amount)?;
            if let Some(commitment) = self.bids.get(index).and_then(|bid| bid.commitment) {
                let salt = revealed.salt.ok_or("a revealed maximum lacks its salt")?;
                opens(commitment, salt, revealed.amount)?;
            }
            self.reveal(index, amount)?;
        }
        Ok(())
    }

    /// What the reader knows of a commitment in this event.
    pub(crate) fn open_for_owner(
        &self,
        commitment: Option<Digest>,
        opened: Option<&&Opened>,
    ) -> Result<Option<Minor>, String> {
        let Some(Opened { salt, amount, .. }) = opened else { return Ok(None) };
        let commitment = commitment.ok_or("a salt was given, but there is no commitment")?;
        opens(commitment, *salt, *amount)?;
        self.terms.amount(*amount).map(Some)
    }
}
