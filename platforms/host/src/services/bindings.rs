//! The WIT of services, seen from the host: the ports it gives, the faces it calls.
#![allow(missing_docs, unreachable_pub, reason = "generated; the WIT carries the documentation")]
#![allow(clippy::all, reason = "generated")]

/// The ports.
pub mod imports {
    wasmtime::component::bindgen!({
        inline: "
            package ecomauction:host;

            world ports {
                import ecomauction:edge/entities@0.1.0;
                import ecomauction:edge/sql@0.1.0;
                import ecomauction:edge/vault@0.1.0;
                import ecomauction:edge/mail@0.1.0;
                import ecomauction:edge/limits@0.1.0;
                import ecomauction:edge/outbound@0.1.0;
                import ecomauction:edge/objects@0.1.0;
            }
        ",
        path: [
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-clocks",
            "../../wit/deps/wasi-random",
            "../../wit/deps/wasi-cli",
            "../../wit/deps/wasi-http",
            "../../wit/edge",
        ],
        world: "ecomauction:host/ports",
        imports: { default: async },
    });
}

/// `wasi:config`, the variables.
pub mod config {
    wasmtime::component::bindgen!({
        inline: "
            package wasi:config@0.2.0-draft-2024-09-27;

            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }

            world imports {
                import store;
            }
        ",
        world: "imports",
    });
}

/// The buffered HTTP face, and the one of sockets, which shares its types.
pub mod http_face {
    wasmtime::component::bindgen!({
        inline: "
            package ecomauction:host;

            world http-face {
                export ecomauction:edge/http@0.1.0;
                export ecomauction:edge/socket@0.1.0;
            }
        ",
        path: [
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-clocks",
            "../../wit/deps/wasi-random",
            "../../wit/deps/wasi-cli",
            "../../wit/deps/wasi-http",
            "../../wit/edge",
        ],
        world: "ecomauction:host/http-face",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// The consumer of messages.
pub mod consumer_face {
    wasmtime::component::bindgen!({
        inline: "
            package ecomauction:host;

            world consumer-face {
                export ecomauction:edge/consumer@0.1.0;
            }
        ",
        path: [
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-clocks",
            "../../wit/deps/wasi-random",
            "../../wit/deps/wasi-cli",
            "../../wit/deps/wasi-http",
            "../../wit/edge",
        ],
        world: "ecomauction:host/consumer-face",
        exports: { default: async },
    });
}

/// Jobs.
pub mod schedule_face {
    wasmtime::component::bindgen!({
        inline: "
            package ecomauction:host;

            world schedule-face {
                export ecomauction:edge/schedule@0.1.0;
            }
        ",
        path: [
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-clocks",
            "../../wit/deps/wasi-random",
            "../../wit/deps/wasi-cli",
            "../../wit/deps/wasi-http",
            "../../wit/edge",
        ],
        world: "ecomauction:host/schedule-face",
        exports: { default: async },
    });
}

/// Migrations.
pub mod lifecycle_face {
    wasmtime::component::bindgen!({
        inline: "
            package ecomauction:host;

            world lifecycle-face {
                export ecomauction:edge/lifecycle@0.1.0;
            }
        ",
        path: [
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-clocks",
            "../../wit/deps/wasi-random",
            "../../wit/deps/wasi-cli",
            "../../wit/deps/wasi-http",
            "../../wit/edge",
        ],
        world: "ecomauction:host/lifecycle-face",
        exports: { default: async },
    });
}
