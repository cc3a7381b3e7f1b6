//! notifications.wasm: the service over the WIT ports.

ports_wasi::export_service!(
    notifications_service::handle,
    notifications_service::consume,
    notifications_service::migrate,
    notifications_service::run
);
