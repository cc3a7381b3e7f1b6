//! auctions.wasm: the service over the WIT ports.

ports_wasi::export_service!(
    auctions_service::handle,
    auctions_service::consume,
    auctions_service::migrate
);
