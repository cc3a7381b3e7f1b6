//! What is done with keys, for every platform: access tokens, key sets, passwords, macs.
