//! The implementation in memory passes the contract suite.

use kernel::Timestamp;
use ports::memory::Memory;
use ports::{contract, ready};

fn memory() -> Memory {
    Memory::new("probe", Timestamp::from_ms(1_800_000_000_000))
}

#[test]
fn sql_in_memory_keeps_the_contract() {
    ready(contract::sql(&memory(), "probe"));
}

#[test]
fn the_vault_in_memory_keeps_the_contract() {
    ready(contract::vault(&memory()));
    ready(contract::proofs(&memory()));
}

#[test]
fn randomness_in_memory_keeps_the_contract() {
    contract::random(&memory());
}

#[test]
fn entities_in_memory_keep_the_contract() {
    ready(contract::entities(&memory()));
}

#[test]
fn objects_in_memory_keep_the_contract() {
    ready(contract::objects(&memory()));
}
