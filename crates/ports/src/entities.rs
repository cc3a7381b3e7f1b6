//! Commands and questions to entities.

use kernel::Digest;

/// Entities live in single-writer machines; what they decided is durable before anything that
/// depends on it leaves the request. Believe nothing of an earlier request that the entity does not
/// confirm in this one.
pub trait Entities {
    /// Sends a command; the machine's JSON reply. The platform may hold back what the request says
    /// until the decision is durable.
    async fn call(
        &self,
        machine: &str,
        key: &str,
        command_id: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError>;

    /// Asks a question; what the request says is held back until the answer is durable.
    async fn query(
        &self,
        machine: &str,
        key: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError>;

    /// Events with `seq > after`, in order, at most `limit`.
    async fn events(
        &self,
        machine: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicEvent>, EntityError>;

    /// What decides for the entities of a machine now.
    async fn engine(&self, machine: &str) -> Result<Engine, EntityError>;
}

/// What decides for the entities of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// SHA-256 of the machine's component; none in a build that was not told.
    pub component_sha256: Option<Digest>,
    /// Version of the application.
    pub version: String,
}

/// One event of an entity's public log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicEvent {
    /// Position, gap-free from 1.
    pub seq: u64,
    /// Chain head before the event.
    pub prev: Vec<u8>,
    /// Chain head after the event.
    pub head: Vec<u8>,
    /// Canonical JSON of `{data, event, seq, time}`.
    pub public: Vec<u8>,
}

/// Why an entity did not answer. Refusals of the machine are replies, not errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntityError {
    /// The deployer must grant the machine in the manifest.
    #[error("the manifest does not grant this machine")]
    NotGranted,
    /// A developer must act; trying again will not help.
    #[error("machine fault: {0}")]
    MachineFault(String),
    /// The caller may try again with the same command id.
    #[error("entity unavailable: {0}")]
    Unavailable(String),
}
