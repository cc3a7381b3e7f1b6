//! The entry for libFuzzer: hands each input to the target that `FUZZ_TARGET` names.
#![no_main]

use std::sync::LazyLock;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));

static TARGET: LazyLock<&fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    match fuzz::target(&name) {
        Some(target) => target,
        None => panic!("FUZZ_TARGET names no target: {name}"),
    }
});
