//! What `spin.toml` says about components under our own keys.
