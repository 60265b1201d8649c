//! What a reconcile ends with, in values: errors by kind, conditions, events, and when to look again.
//!
//! ```text
//! Result<Applied, Error> --conclude--> Conclusion { status, events, requeue } --runtime::publish--> API server
//! ```
//!
//! Nothing here reads a clock or knows a client; the time is an argument everywhere.

pub mod conclusion;
pub mod conditions;
pub mod failure;
pub mod schedule;

pub use conclusion::{Conclusion, Event, Outcome, Phase, Requeue, Severity};
pub use conditions::Conditions;
pub use failure::{ErrorKind, Failure, describe};
