//! Reads Git repositories over HTTP and SSH, without Git.
//!
//! ```text
//! Remote + Auth + Reference --Client::fetch--> Checkout { revision, commit, tree } --Tree::visit--> files
//!                                  |
//!                  a bare repository kept per source: the next fetch brings the difference
//! ```
//!
//! The transports (reqwest, russh) and the wire protocol are ours: every byte of a server is counted before it is kept.
//! gix resolves packs and reads objects.

mod auth;
mod checkout;
mod client;
mod error;
mod known_hosts;
mod options;
mod pack;
mod reference;
mod remote;
mod store;
mod transport;
mod tree;
mod wire;

pub use auth::{Auth, DEFAULT_SSH_USER, Proxy};
pub use client::{Checkout, Client, Outcome, Request};
pub use error::{Error, Kind};
pub use known_hosts::{KnownHosts, Verdict};
pub use options::{Limits, Options};
pub use reference::{DEFAULT_BRANCH, Reference, Revision};
pub use remote::{Remote, Scheme};
pub use tree::{Commit, Descend, Tree, TreeFile, Visitor};
