//! The `ecomauction` command.

fn main() -> std::process::ExitCode {
    host::run()
}
