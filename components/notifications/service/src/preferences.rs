//! Which letters a user gets: all, but for those that were switched off.

use std::collections::BTreeMap;

use ports::{Ports, Sql, SqlError, Statement, Value};
use serde::{Deserialize, Deserializer};
use web::json::Object;
use web::{Exchange, Problem, Response, json};

use crate::kind::Kind;

/// Kinds to switch; what is left out stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "document", derive(utoipa::ToSchema))]
pub(crate) struct Wanted {
    /// An auction of yours, or one that you watch, takes bids.
    #[serde(deserialize_with = "switch_of")]
    opened: Option<bool>,
    /// Somebody else leads in your place.
    #[serde(deserialize_with = "switch_of")]
    outbid: Option<bool>,
    /// An auction that you watch or bid in ends in fifteen minutes.
    #[serde(deserialize_with = "switch_of")]
    ending_soon: Option<bool>,
    /// A late bid has moved the end of such an auction.
    #[serde(deserialize_with = "switch_of")]
    extended: Option<bool>,
    /// You bought.
    #[serde(deserialize_with = "switch_of")]
    won: Option<bool>,
    /// You bid and did not buy.
    #[serde(deserialize_with = "switch_of")]
    lost: Option<bool>,
    /// You sold.
    #[serde(deserialize_with = "switch_of")]
    sold: Option<bool>,
    /// Your auction ended without a sale.
    #[serde(deserialize_with = "switch_of")]
    unsold: Option<bool>,
    /// An auction that you watch or bid in was called off.
    #[serde(deserialize_with = "switch_of")]
    cancelled: Option<bool>,
}

/// A member that is there is true or false, and nothing else.
fn switch_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    bool::deserialize(deserializer).map(Some)
}

impl Wanted {
    fn switches(&self) -> Vec<(Kind, bool)> {
        let asked = |kind| match kind {
            Kind::Opened => self.opened,
            Kind::Outbid => self.outbid,
            Kind::EndingSoon => self.ending_soon,
            Kind::Extended => self.extended,
            Kind::Won => self.won,
            Kind::Lost => self.lost,
            Kind::Sold => self.sold,
            Kind::Unsold => self.unsold,
            Kind::Cancelled => self.cancelled,
        };
        Kind::ALL.into_iter().filter_map(|kind| Some((kind, asked(kind)?))).collect()
    }
}

/// `GET /v1/me/notifications/preferences`.
pub(crate) async fn read<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let user = &exchange.signed_in()?.subject;
    shown(ports, user).await
}

/// `PATCH /v1/me/notifications/preferences`.
pub(crate) async fn change<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let user = &exchange.signed_in()?.subject;
    let Object(wanted) = json::body::<Object<Wanted>>(exchange.request)?;
    switch(ports, user, &wanted.switches()).await?;
    shown(ports, user).await
}

/// Switches kinds on or off.
pub(crate) async fn switch<P: Ports>(
    ports: &P,
    user: &str,
    switches: &[(Kind, bool)],
) -> Result<(), SqlError> {
    // An account that was erased meanwhile leaves no trace here.
    let sql = "INSERT INTO notifications_preferences (user_id, kind, is_on) SELECT ?1, ?2, ?3
        WHERE NOT EXISTS (SELECT 1 FROM notifications_contacts
            WHERE user_id = ?1 AND email IS NULL)
        ON CONFLICT (user_id, kind) DO UPDATE SET is_on = excluded.is_on";
    let one = |(kind, is_on): &(Kind, bool)| {
        let values = [user.into(), kind.as_str().into(), i64::from(*is_on).into()];
        Statement::new(sql, values)
    };
    if !switches.is_empty() {
        Sql::batch(ports, switches.iter().map(one).collect()).await?;
    }
    Ok(())
}

async fn shown<P: Ports>(ports: &P, user: &str) -> Result<Response, Problem> {
    let sql = "SELECT kind, is_on FROM notifications_preferences WHERE user_id = ?1";
    let rows = Sql::query(ports, Statement::new(sql, [user.into()])).await?.rows;
    let mut all: BTreeMap<&str, bool> =
        Kind::ALL.into_iter().map(|kind| (kind.as_str(), true)).collect();
    for row in &rows {
        let kind = row.first().and_then(Value::as_text).and_then(Kind::parse);
        let is_on = row.get(1).and_then(Value::as_integer);
        if let Some((kind, is_on)) = kind.zip(is_on) {
            all.insert(kind.as_str(), is_on != 0);
        }
    }
    Response::json(200, &all)
}
