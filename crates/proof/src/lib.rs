//! What anybody can check of a public log (docs/guide/proof.md): that its events follow each other
//! in one chain, that a key of the platform signed where it stands, and its Merkle root. What an
//! event means is not known here.
//!
//! ```
//! use proof::{Chain, Event};
//! let auction = "auc_01m8ctjw0efqbrvdfs2dzy7ptg";
//! let body = br#"{"data":{},"event":"opened","seq":1,"time":"2026-11-26T21:01:04.399Z"}"#;
//! let hash = kernel::ChainHead::genesis(auction).extend(body);
//! let shown = format!(
//!     r#"{{"seq":1,"event":"opened","time":"2026-11-26T21:01:04.399Z","data":{{}},
//!         "prev":"{}","hash":"{}"}}"#,
//!     kernel::ChainHead::genesis(auction).digest(),
//!     hash.digest(),
//! );
//! let mut chain = Chain::genesis(auction);
//! chain.follow(&Event::read(shown.as_bytes()).unwrap()).unwrap();
//! assert_eq!((chain.seq(), chain.head()), (1, hash.digest()));
//! ```

mod chain;
mod keys;
mod merkle;
mod strict;

pub use chain::{Chain, Event, Flaw};
pub use keys::{KeySet, message};
pub use merkle::MerkleTree;
pub use strict::read as strict_json;
