//! The `ecomauction` command.

/// Requests allocate on one thread and are freed on another (service, shard, journal), which costs
/// the system's allocator a tenth of a bid.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    host::run()
}
