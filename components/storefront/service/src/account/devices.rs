//! Where the visitor is signed in, and signing out there.

use kernel::{Id, Timestamp, kind};
use ports::Ports;
use serde::Deserialize;
use web::Problem;

use super::actions::{Act, Came, came};
use crate::api::{Api, Items, Refusal};
use crate::show;
use crate::sign::Refused;
use crate::visit::Visit;

/// A session, as the API lists it.
#[derive(Deserialize)]
pub(super) struct Device {
    pub(super) id: String,
    device: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) last_used_at: Timestamp,
    /// The one that looks at this page.
    pub(super) current: bool,
}

impl Device {
    pub(super) fn name(&self) -> &str {
        self.device.as_deref().unwrap_or("Unknown device")
    }

    /// What a button about it is for: several devices may have one name.
    pub(super) fn told_apart(&self) -> String {
        format!("{}, signed in {}", self.name(), show::instant(&self.created_at))
    }
}

/// The devices, the last used first; none where nobody can say now.
pub(super) async fn of<P: Ports>(api: &Api<'_, P>) -> Option<Vec<Device>> {
    let answer = api.get(TARGET).await.ok().filter(|answer| answer.is_done())?;
    answer.json::<Items<Device>>().ok().map(|page| page.items)
}

/// Ends the session that a form names.
pub(super) async fn sign_out<P: Ports>(
    act: &Act<'_, '_, P>,
    visit: &Visit,
) -> Result<Came, Problem> {
    let gone = || {
        let detail = "That device is not signed in any more.";
        Came::Refused(Refused::because(FORM, Refusal::of(404, "not_found", detail)))
    };
    // Nothing but an id goes into an address.
    let Ok(id) = act.form.get("session").parse::<Id<kind::Session>>() else { return Ok(gone()) };
    let answer = act.ask(visit, "DELETE", &format!("{TARGET}/{id}"), None).await?;
    Ok(if answer.status() == 404 { gone() } else { came(&answer, FORM, Came::Done("device")) })
}

const TARGET: &str = "/v1/sessions";
const FORM: &str = "device";
