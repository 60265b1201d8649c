//! Logs as Flux's controllers write them: zap's JSON with controller-runtime's keys, which `flux logs` reads.
//!
//! ```json
//! {"level":"info","ts":"2026-01-02T03:04:05.678Z","msg":"…","controller":"gitrepository",
//!  "controllerGroup":"source.toolkit.fluxcd.io","controllerKind":"GitRepository",
//!  "GitRepository":{"name":"app","namespace":"flux-system"},"namespace":"flux-system","name":"app",
//!  "reconcileID":"…","error":"…"}
//! ```
//! Every text is scrubbed of credentials on the way out. Traces are in [`crate::trace`].

mod format;

use std::io::Write;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::flags::{LogEncoding, LogLevel};

/// Sends the process's logs to standard error. A second call does nothing.
pub fn init(level: LogLevel, encoding: LogEncoding) {
    let layer = format::Format::new(encoding, |line: &[u8]| {
        // Nothing sensible can be done when standard error is closed.
        let _ = std::io::stderr().lock().write_all(line);
    });
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets(level))).try_init();
}

/// Our own at the level that was asked for; libraries speak of errors only, unless everything was asked for.
fn targets(level: LogLevel) -> Targets {
    let (own, others) = match level {
        LogLevel::Trace => (LevelFilter::TRACE, LevelFilter::DEBUG),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::ERROR),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::ERROR),
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::OFF),
    };
    let ours = [
        "weir_",
        "source_controller",
        "kustomize_controller",
        "helm_controller",
        "notification_controller",
        "image_automation",
    ];
    ours.into_iter().fold(Targets::new().with_default(others), |targets, name| targets.with_target(name, own))
}
