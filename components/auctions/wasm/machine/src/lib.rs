//! auction_machine.wasm: the machine, importing nothing.
