//! Real servers for tests and the demo.
//!
//! ```text
//! ControlPlane   etcd + kube-apiserver + kube-controller-manager, a client, the audit log
//! GitServer      git http-backend: basic, bearer, TLS, mTLS        SshServer   sshd with keys of its own
//! Registry       docker-registry: htpasswd, TLS                    Hostile     endless streams and pages
//! WebhookSink    what was POSTed; can fail and hang                OtlpReceiver  spans over OTLP/gRPC
//! Suite          Weir's services as processes
//! ```
//! Every server listens on loopback, on a port of its own, in a directory of its own. Processes are killed when their owner is dropped
//! and, by the kernel, when this process ends in any other way. Directories are deleted with the process, and kept when a test
//! panicked. Servers inside the process run on a runtime of their own and so outlast the test that started them.

pub mod api;
pub mod audit;
pub mod background;
pub mod binaries;
mod control_plane;
pub mod kind;
pub mod packages;
pub mod pki;
pub mod port;
pub mod process;
pub mod scratch;

pub use api::Api;
pub use control_plane::{ControlPlane, Standing, derive_kubeconfig, kubectl, token_of};
pub use kind::Kind;
