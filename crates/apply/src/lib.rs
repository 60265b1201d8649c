//! The edge between plans and a cluster: reads what is there, makes a plan true, and notices when it stops being true.
//!
//! ```text
//! [Object] --read--> [Live] --(manifest: diff)--> Plan --execute--> Applied
//!                                                          |
//! watch per kind (metadata, owner label) --> Table <--expect (own writes)
//!                                              |
//!                                              +--> wake(owner, Drift | Health)
//! ```

pub mod cluster;
mod error;
pub mod execute;
pub mod mapping;
pub mod prune;
pub mod read;
pub mod repair;
pub mod sweep;
pub mod table;
pub mod wait;
pub mod watch;

pub use cluster::Cluster;
pub use error::RequestError;
pub use execute::{Applied, ApplyError, Done, Outcome, execute};
pub use mapping::Resource;
pub use prune::{Pruned, prune};
pub use read::{ReadError, Reader};
pub use repair::repair;
pub use sweep::{Stray, sweep};
pub use table::{Attention, Glimpse, Owner, Wake};
pub use wait::Pending;
pub use watch::{Ownership, Watches};
