//! What every controller shares: flags, client, watches, the queue, the life of a reconcile, status, events, leases,
//! metrics, probes, telemetry and gRPC. A controller supplies a [`Reconciler`] per kind.
//!
//! ```text
//!            ┌── watch ──► store ──┐
//! API server ┤                     ├─► queue ─► run: Reconciler::reconcile ─► Conclusion ─► publish ─┐
//!            └── secondary ─ wake ─┘     ▲                                                           │
//!                                        └────────── requeue ◄──────────── events ─► status ◄────────┘
//! ```
//!
//! [`Runtime`] ties it together: see there for the shape of a service.

pub mod api;
pub mod client;
pub mod clock;
pub mod controller;
pub mod events;
pub mod flags;
pub mod grpc;
pub mod http;
pub mod key;
mod lease;
pub mod metrics;
mod probes;
pub mod publish;
pub mod queue;
pub mod reconciler;
pub mod redact;
pub mod runtime;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod trace;
pub mod watch;

pub use controller::Handle;
pub use events::{Recorder, Target};
pub use key::ObjectKey;
pub use metrics::Metrics;
pub use queue::{Trigger, Triggers, Waker};
pub use reconciler::{FINALIZER, Finalized, Reconciler, Run};
pub use runtime::{Context, Runtime, RuntimeError, main};
pub use settings::Settings;
pub use store::Store;
pub use trace::Trace;
