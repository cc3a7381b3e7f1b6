//! What letters are about.

use serde::{Deserialize, Serialize};

/// What a letter is about; each kind can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "document", derive(utoipa::ToSchema))]
pub(crate) enum Kind {
    /// An auction takes bids.
    Opened,
    /// Somebody else leads now.
    Outbid,
    /// Fifteen minutes are left.
    EndingSoon,
    /// A late bid moved the end.
    Extended,
    /// The user bought.
    Won,
    /// The user bid and did not buy.
    Lost,
    /// The user sold.
    Sold,
    /// Nobody bought what the user offers.
    Unsold,
    /// An auction was called off.
    Cancelled,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Opened,
        Self::Outbid,
        Self::EndingSoon,
        Self::Extended,
        Self::Won,
        Self::Lost,
        Self::Sold,
        Self::Unsold,
        Self::Cancelled,
    ];

    /// The name in tables and on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Outbid => "outbid",
            Self::EndingSoon => "ending_soon",
            Self::Extended => "extended",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Sold => "sold",
            Self::Unsold => "unsold",
            Self::Cancelled => "cancelled",
        }
    }

    /// The kind of a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Completes "letters about …".
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Opened => "auctions that open",
            Self::Outbid => "being outbid",
            Self::EndingSoon => "auctions that end soon",
            Self::Extended => "auctions whose end has moved",
            Self::Won => "auctions that you have won",
            Self::Lost => "auctions that somebody else has won",
            Self::Sold => "what you have sold",
            Self::Unsold => "what stayed unsold",
            Self::Cancelled => "auctions that were called off",
        }
    }
}
