//! The auctions capability over HTTP, generic over the ports.
