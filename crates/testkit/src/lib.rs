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

#![allow(clippy::indexing_slicing, reason = "`json[\"key\"] = …` on values written a line above; nothing here ships")]

pub mod api;
pub mod audit;
pub mod background;
pub mod binaries;
mod control_plane;
mod git_server;
mod hostile;
mod http_server;
pub mod kind;
mod otlp_receiver;
pub mod packages;
pub mod pki;
pub mod port;
pub mod process;
pub mod registry;
mod repository;
pub mod scratch;
mod ssh_server;
mod suite;
mod webhook_sink;

pub use api::Api;
pub use control_plane::{ControlPlane, Standing, derive_kubeconfig, kubectl, token_of};
pub use git_server::{GitOptions, GitRequest, GitServer};
pub use hostile::{ENDLESS, Hostile};
pub use http_server::{HttpServer, Tls};
pub use kind::Kind;
pub use otlp_receiver::{OtlpReceiver, Span};
pub use registry::{Registry, RegistryOptions};
pub use repository::{Repository, git};
pub use ssh_server::{KeyType, SshKey, SshServer};
pub use suite::{EventRoute, NAMESPACE, Service, Suite, SuiteOptions, build_services, install_crds, install_roles};
pub use webhook_sink::{Received, WebhookSink};
