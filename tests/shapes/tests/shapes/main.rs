//! One trivial capability through two shapes: resident in our host, and composed for Spin.

mod instance;
mod resident;
mod spin;
mod spin_gives;
