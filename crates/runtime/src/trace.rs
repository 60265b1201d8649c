//! Spans of one run, exported only if the run turns out to matter.
//!
//! ```text
//! GitRepository reconcile            root: the run that stored a new revision (it calls keep())
//! ├─ fetch
//! ├─ store
//! └─ Kustomization reconcile         continues from the artifact's weir.dev/traceparent (continue_from())
//!    ├─ artifact ├─ build ├─ apply ├─ health
//!    └─ notification                 continues from the event's weir.dev/traceparent
//! ```
//! Most runs change nothing and would only be noise, and whether a run matters is known near its end. So spans are
//! gathered in memory and handed to the exporter when the run ends, and only if [`Trace::keep`] was called. Ids are
//! chosen at the start, so that [`Trace::traceparent`] can travel before anything is exported.

mod export;
mod parent;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};

use jiff::Timestamp;

pub use export::{ExportError, Exporter};
pub use parent::TraceParent;

use crate::clock::Clock;

/// Key of the trace context in artifact, event and gRPC metadata.
pub const TRACEPARENT: &str = "weir.dev/traceparent";

/// Spans of one run; clones share them.
#[derive(Clone, Debug)]
pub struct Trace {
    inner: Option<Arc<Inner>>,
}

#[derive(Debug)]
struct Inner {
    exporter: Exporter,
    clock: Clock,
    name: String,
    started: Timestamp,
    own_trace: u128,
    span: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    parent: Option<TraceParent>,
    attributes: Vec<(String, String)>,
    steps: Vec<Finished>,
    keep: bool,
    error: Option<String>,
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub name: String,
    pub span: u64,
    pub started: SystemTime,
    pub ended: SystemTime,
    pub attributes: Vec<(String, String)>,
    pub error: Option<String>,
}

/// One run's spans on their way out.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub trace: u128,
    pub parent: Option<u64>,
    pub root: Finished,
    pub steps: Vec<Finished>,
}

impl Trace {
    /// Records nothing and hands on nothing.
    #[must_use]
    pub fn off() -> Self {
        Self { inner: None }
    }

    /// Begins a trace whose root span has this name.
    #[must_use]
    pub fn begin(exporter: &Exporter, name: impl Into<String>, clock: Clock) -> Self {
        let inner = Inner {
            exporter: exporter.clone(),
            clock,
            name: name.into(),
            started: clock.now(),
            own_trace: parent::random_trace(),
            span: parent::random_span(),
            state: Mutex::default(),
        };
        Self { inner: Some(Arc::new(inner)) }
    }

    /// Makes this run's root span a child of another process's span. Text that is no traceparent is ignored.
    pub fn continue_from(&self, traceparent: &str) {
        if let (Some(mut state), Ok(parent)) = (self.state(), traceparent.parse::<TraceParent>()) {
            state.parent = Some(parent);
        }
    }

    /// Adds an attribute to the root span.
    pub fn attribute(&self, key: impl Into<String>, value: impl Into<String>) {
        if let Some(mut state) = self.state() {
            state.attributes.push((key.into(), value.into()));
        }
    }

    /// Marks the root span as failed.
    pub fn error(&self, message: impl Into<String>) {
        if let Some(mut state) = self.state() {
            state.error = Some(message.into());
        }
    }

    /// Begins a child of the root span; it ends when the guard is dropped.
    #[must_use]
    pub fn step(&self, name: impl Into<String>) -> Step {
        let started = self.inner.as_ref().map_or(Timestamp::UNIX_EPOCH, |inner| inner.clock.now());
        Step { trace: self.clone(), name: name.into(), started, attributes: Vec::new(), error: None }
    }

    /// Adds a child whose times are known, for work that was not done in this run (a wait between two runs).
    pub fn step_between(&self, name: impl Into<String>, started: Timestamp, ended: Timestamp) {
        if let Some(mut state) = self.state() {
            state.steps.push(Finished {
                name: name.into(),
                span: parent::random_span(),
                started: started.into(),
                ended: ended.into(),
                attributes: Vec::new(),
                error: None,
            });
        }
    }

    /// The run matters: its spans are exported when it ends. Returns the trace context to hand on.
    pub fn keep(&self) -> Option<String> {
        if let Some(mut state) = self.state() {
            state.keep = true;
        }
        self.traceparent()
    }

    /// The trace context to hand on: this run's root span, or, when this process exports none, the one it continues
    /// from.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        let inner = self.inner.as_ref()?;
        let parent = self.state()?.parent;
        if !inner.exporter.is_on() {
            return parent.map(|parent| parent.to_string());
        }
        let trace = parent.map_or(inner.own_trace, |parent| parent.trace);
        Some(TraceParent { trace, span: inner.span, sampled: true }.to_string())
    }

    /// Ends the root span and hands everything over, if the run is to be kept.
    pub fn end(&self) {
        let (Some(inner), Some(mut state)) = (&self.inner, self.state()) else { return };
        if !std::mem::take(&mut state.keep) {
            return;
        }
        let root = Finished {
            name: inner.name.clone(),
            span: inner.span,
            started: inner.started.into(),
            ended: inner.clock.now().into(),
            attributes: std::mem::take(&mut state.attributes),
            error: state.error.take(),
        };
        let trace = state.parent.as_ref().map_or(inner.own_trace, |p| p.trace);
        let parent = state.parent.as_ref().map(|p| p.span);
        inner.exporter.send(Batch { trace, parent, root, steps: std::mem::take(&mut state.steps) });
    }

    fn state(&self) -> Option<MutexGuard<'_, State>> {
        Some(self.inner.as_ref()?.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A child span under way.
#[derive(Debug)]
pub struct Step {
    trace: Trace,
    name: String,
    started: Timestamp,
    attributes: Vec<(String, String)>,
    error: Option<String>,
}

impl Step {
    /// Adds an attribute.
    pub fn attribute(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.attributes.push((key.into(), value.into()));
    }

    /// Marks the step as failed.
    pub fn error(&mut self, message: impl Into<String>) {
        self.error = Some(message.into());
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let Some(inner) = &self.trace.inner else { return };
        let ended = inner.clock.now();
        if let Some(mut state) = self.trace.state() {
            state.steps.push(Finished {
                name: std::mem::take(&mut self.name),
                span: parent::random_span(),
                started: self.started.into(),
                ended: ended.into(),
                attributes: std::mem::take(&mut self.attributes),
                error: self.error.take(),
            });
        }
    }
}
