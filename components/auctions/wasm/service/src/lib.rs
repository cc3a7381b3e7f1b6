//! auctions.wasm: the service over the WIT ports.

use auctions_service as sockets;

ports_wasi::export_service!(
    auctions_service::handle,
    auctions_service::consume,
    auctions_service::migrate,
    ports_wasi::no_jobs,
    sockets: sockets
);
