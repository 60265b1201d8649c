//! A chart in Helm's JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    chart::{Chart, File, Lock},
    metadata::Dependency,
};

/// What Go writes for a time that was never set.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// The chart as a release record holds it: without the charts it depends on. Times of files are not recorded.
#[must_use]
pub fn chart_json(chart: &Chart) -> Value {
    json!({
        "metadata": chart.metadata.to_json(),
        "lock": chart.lock.as_ref().map(lock),
        "templates": files(&chart.templates),
        "values": numbers(&Value::Object(Map::clone(&chart.values))),
        "schema": chart.schema.as_ref().map(|it| STANDARD.encode(it)),
        "schemamodtime": ZERO_TIME,
        "files": files(&chart.files),
    })
}

/// Null where there is none, as Go writes a nil slice.
fn files(files: &[File]) -> Value {
    if files.is_empty() {
        return Value::Null;
    }
    files.iter().map(|it| json!({"name": it.name, "data": STANDARD.encode(&it.data)})).collect()
}

fn lock(it: &Lock) -> Value {
    let generated = if it.generated.is_empty() { ZERO_TIME } else { it.generated.as_str() };
    let dependencies: Vec<Value> = it.dependencies.iter().map(Dependency::to_json).collect();
    json!({"generated": generated, "digest": it.digest, "dependencies": dependencies})
}

/// Whole floats as integers: that is how Go writes them.
fn numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(numbers).collect(),
        Value::Object(table) => table.iter().map(|(key, it)| (key.clone(), numbers(it))).collect(),
        other => other.clone(),
    }
}
