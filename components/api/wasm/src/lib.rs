//! api.wasm: the service over the WIT ports.

ports_wasi::export_service!(api_service::handle, api_service::consume, api_service::migrate);
