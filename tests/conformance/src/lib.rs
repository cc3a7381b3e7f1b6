//! One suite over the network, for every platform.
