//! storefront.wasm: the service over the WIT ports.

ports_wasi::export_service!(
    storefront_service::handle,
    storefront_service::consume,
    storefront_service::migrate
);
