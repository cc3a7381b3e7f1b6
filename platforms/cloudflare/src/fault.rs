//! Words for the operator: the runtime keeps what a Worker prints.

/// A line in the log.
pub(crate) fn note(what: &str) {
    worker::console_error!("{what}");
}
