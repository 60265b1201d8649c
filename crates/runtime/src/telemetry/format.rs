//! One line per event.

use std::fmt;

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{clock, flags::LogEncoding, redact::scrub};

pub(super) struct Format<W> {
    encoding: LogEncoding,
    write: W,
}

impl<W> Format<W> {
    pub(super) fn new(encoding: LogEncoding, write: W) -> Self {
        Self { encoding, write }
    }
}

/// Fields of a span, in order.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::String(scrub(value).into_owned()));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_str(field, &weir_reconcile::describe(value));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl<S, W> Layer<S> for Format<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let message = own.0.remove("message").unwrap_or_else(|| Value::String(String::new()));
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(Fields(map)) = span.extensions().get::<Fields>() {
                object(&mut fields, map);
            }
        }
        fields.extend(own.0);
        let line = match self.encoding {
            LogEncoding::Json => json(*event.metadata().level(), message, fields),
            LogEncoding::Console => console(*event.metadata().level(), &message, &fields),
        };
        (self.write)(line.as_bytes());
    }
}

/// Copies a span's fields; one that names an object also gets it as `<Kind>: {name, namespace}`.
fn object(out: &mut Map<String, Value>, span: &Map<String, Value>) {
    for (key, value) in span {
        out.insert(key.clone(), value.clone());
        if key == "controllerKind"
            && let (Some(kind), Some(name)) = (value.as_str(), span.get("name"))
        {
            let mut reference = Map::new();
            reference.insert("name".to_owned(), name.clone());
            reference.insert("namespace".to_owned(), span.get("namespace").cloned().unwrap_or_default());
            out.insert(kind.to_owned(), Value::Object(reference));
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        // Flux's controllers know no warnings.
        _ => "error",
    }
}

fn time() -> String {
    let now = clock::now();
    // ISO 8601 with milliseconds, as zap writes it.
    format!("{:.3}", now)
}

fn json(at: Level, message: Value, fields: Map<String, Value>) -> String {
    let message = match message {
        Value::String(text) => Value::String(scrub(&text).into_owned()),
        other => other,
    };
    let mut text = format!(r#"{{"level":"{}","ts":"{}","msg":{message}"#, level(at), time());
    for (key, value) in &fields {
        text.push_str(&format!(",{}:{value}", Value::String(key.clone())));
    }
    text.push_str("}\n");
    text
}

fn console(at: Level, message: &Value, fields: &Map<String, Value>) -> String {
    let message = message.as_str().unwrap_or_default();
    let mut text = format!("{}\t{}\t{message}", time(), level(at).to_uppercase());
    if !fields.is_empty() {
        text.push('\t');
        text.push_str(&Value::Object(fields.clone()).to_string());
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn lines(encoding: LogEncoding, log: impl FnOnce()) -> Vec<String> {
        let out = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&out);
        let layer = Format::new(encoding, move |line: &[u8]| {
            sink.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
        });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        Arc::try_unwrap(out).map_or_else(|shared| shared.lock().unwrap().clone(), |own| own.into_inner().unwrap())
    }

    #[test]
    fn keys_are_those_of_flux() {
        let out = lines(LogEncoding::Json, || {
            let span = tracing::info_span!("x", controllerKind = "GitRepository", namespace = "ns", name = "app");
            let _in = span.enter();
            tracing::error!(error = "https://u:p4ss@h/x", count = 3, "failed");
        });
        let value: Value = serde_json::from_str(&out[0]).unwrap();
        assert_eq!(value["level"], "error");
        assert_eq!(value["msg"], "failed");
        assert_eq!(value["GitRepository"], serde_json::json!({"name": "app", "namespace": "ns"}));
        assert_eq!(value["error"], "https://*****@h/x");
        assert_eq!(value["count"], 3);
        let ts = value["ts"].as_str().unwrap();
        assert!(ts.len() == 24 && ts.ends_with('Z') && ts.as_bytes()[19] == b'.', "{ts}");
    }

    #[test]
    fn console_is_for_people() {
        let out = lines(LogEncoding::Console, || tracing::info!(a = 1, "started"));
        assert!(out[0].ends_with("\tINFO\tstarted\t{\"a\":1}\n"), "{}", out[0]);
    }
}
