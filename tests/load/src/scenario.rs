//! What is measured, and beside what.

use clap::ValueEnum;
use serde::Serialize;

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// GET on the raw server, as many bytes as the view of an auction.
    RawGet,
    /// POST of a bid to the raw server, which echoes it.
    RawPost,
    /// A probe: on the host the listener and nothing else.
    Probe,
    /// An auction id that cannot be one: listener and service, no entity.
    UnknownAuction,
    /// GET of an auction.
    View,
    /// Bids that are too low: everything but the journal.
    RefusedBids,
    /// Durable bids on many auctions.
    Bids,
    /// Durable bids on one auction.
    HotAuction,
    /// The queues beside RabbitMQ and Redis Streams, if those are installed.
    Queues,
    /// Many auctions in memory, and a restart with them. Only when asked for: takes minutes.
    Resident,
    /// Many sockets on one auction. Only when asked for.
    Sockets,
}

impl Scenario {
    /// What its figures are divided by.
    pub(crate) fn base(self) -> Option<Self> {
        match self {
            Self::RawGet | Self::RawPost | Self::Queues | Self::Resident | Self::Sockets => None,
            Self::Probe | Self::UnknownAuction | Self::View => Some(Self::RawGet),
            Self::RefusedBids | Self::Bids | Self::HotAuction => Some(Self::RawPost),
        }
    }

    /// Its name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::RawGet => "raw GET",
            Self::RawPost => "raw POST echo",
            Self::Probe => "GET of /healthz",
            Self::UnknownAuction => "impossible id (listener, service)",
            Self::View => "GET of an auction",
            Self::RefusedBids => "refused bids",
            Self::Bids => "durable bids, many auctions",
            Self::HotAuction => "durable bids, one auction",
            Self::Queues => "queues beside others",
            Self::Resident => "auctions in memory",
            Self::Sockets => "sockets on one auction",
        }
    }
}

/// The scenarios that are driven, in the order of their turns: each close to what it is compared
/// with.
pub(crate) fn chosen(only: &[Scenario]) -> Vec<Scenario> {
    let is_chosen = |scenario: &Scenario| {
        let is_base = |one: &Scenario| {
            one.base() == Some(*scenario)
                || (*one == Scenario::HotAuction && *scenario == Scenario::Bids)
        };
        only.is_empty() || only.contains(scenario) || only.iter().any(is_base)
    };
    TURNS.into_iter().filter(is_chosen).collect()
}

const TURNS: [Scenario; 8] = [
    Scenario::Probe,
    Scenario::UnknownAuction,
    Scenario::RawGet,
    Scenario::View,
    Scenario::RefusedBids,
    Scenario::RawPost,
    Scenario::Bids,
    Scenario::HotAuction,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scenario_is_compared_with_is_measured_too() {
        assert_eq!(chosen(&[Scenario::View]), [Scenario::RawGet, Scenario::View]);
        let hot = [Scenario::RawPost, Scenario::Bids, Scenario::HotAuction];
        assert_eq!(chosen(&[Scenario::HotAuction]), hot);
        assert_eq!(chosen(&[Scenario::Resident, Scenario::Queues, Scenario::Sockets]), []);
        assert_eq!(chosen(&[]), TURNS);
    }
}
