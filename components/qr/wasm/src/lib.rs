//! qr.wasm: the service over the WIT ports.

ports_wasi::export_service!(qr_service::handle, qr_service::consume, qr_service::migrate);
