//! Kubernetes objects as values: what they are called, in which order they are applied, what a plan changes, and
//! whether they are healthy.
//!
//! ```text
//! [Object] --normalize--> [Object] --stages--> Stage
//! Stage + live objects + dry-run results --plan--> Plan { changes, deletions }
//! Object --health--> Health        Metadata --fingerprint--> Fingerprint
//! ```
//!
//! Nothing here does I/O or reads a clock.

pub mod fields;
pub mod fingerprint;
pub mod health;
pub mod ignore;
pub mod inventory;
pub mod normalize;
pub mod object;
pub mod order;
pub mod plan;
pub mod pointer;
pub mod policy;
pub mod reference;
pub mod repair;
pub mod selector;

pub use fields::{Cleanup, FieldManager, Operation};
pub use fingerprint::{Fingerprint, Metadata};
pub use health::{Health, Status, health};
pub use ignore::IgnoreRule;
pub use inventory::{Entry, Inventory};
pub use object::{InvalidObject, Object};
pub use order::{Stage, StageKind, stages};
pub use plan::{Action, Change, Deletion, FieldChange, Live, Plan};
pub use policy::{Policy, Ssa};
pub use reference::{GroupKind, ObjectRef};
pub use selector::{InvalidSelector, Selector, Target};
