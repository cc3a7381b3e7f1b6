//! pictures.wasm: the service over the WIT ports.

ports_wasi::export_service!(
    pictures_service::handle,
    pictures_service::consume,
    pictures_service::migrate,
    pictures_service::run
);
