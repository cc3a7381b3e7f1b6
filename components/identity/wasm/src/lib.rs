//! identity.wasm: the service over the WIT ports.

ports_wasi::export_service!(
    identity_service::handle,
    identity_service::consume,
    identity_service::migrate,
    identity_service::run
);
