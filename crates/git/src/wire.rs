//! Git's wire protocol, client side, reading only: packets, references, fetch. Versions 2 and 0.
//!
//! ```text
//! Link (http | ssh) --packets--> Session::open -> references -> fetch -> pack bytes
//! ```
//!
//! Everything a server sends is counted against a budget before it is kept.
//! Protocol: gitprotocol-v2(5), gitprotocol-pack(5), gitprotocol-http(5).

mod greeting;
mod packet;
mod session;

pub(crate) use greeting::{RemoteRef, parse_id};
pub(crate) use packet::{PacketReader, remote_error};
pub(crate) use session::{Depth, Fetch, Session, Shallow};

/// How we name ourselves.
pub(crate) const AGENT: &str = concat!("weir/", env!("CARGO_PKG_VERSION"));
