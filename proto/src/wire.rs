//! The JSON form of an event, as Flux's controllers POST it, and its way to and from the protobuf form.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::v1::{Event, ObjectReference, Severity};

/// An event as JSON: event.toolkit.fluxcd.io/v1beta1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireEvent {
    /// What it happened to.
    pub involved_object: WireReference,
    /// `trace`, `info` or `error`.
    pub severity: String,
    /// When it happened; whole seconds on the wire.
    #[serde(serialize_with = "seconds", deserialize_with = "time")]
    pub timestamp: Timestamp,
    /// For people.
    pub message: String,
    /// For machines.
    pub reason: String,
    /// Keys carry the prefix of the object's group or of the event API.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The controller that says so.
    pub reporting_controller: String,
    /// The host it runs on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}

/// A core/v1 ObjectReference as JSON: empty fields are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireReference {
    /// Kind, for example `Kustomization`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Namespace of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// UID of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// API version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Resource version the event was seen at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// Part of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field_path: String,
}

/// A protobuf event that says too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// No `involved_object`.
    #[error("the event names no object: set involved_object")]
    NoObject,
    /// A time that no clock shows.
    #[error("the event's timestamp is out of range")]
    Timestamp,
}

impl TryFrom<Event> for WireEvent {
    type Error = InvalidEvent;

    /// Never loses a field; a missing timestamp becomes the epoch, for the receiver to replace.
    fn try_from(event: Event) -> Result<Self, InvalidEvent> {
        let Event {
            involved_object,
            severity,
            timestamp,
            message,
            reason,
            metadata,
            reporting_controller,
            reporting_instance,
        } = event;
        let severity = match Severity::try_from(severity) {
            Ok(Severity::Trace) => "trace",
            Ok(Severity::Error) => "error",
            _ => "info",
        };
        let timestamp = match timestamp {
            Some(t) => Timestamp::new(t.seconds, t.nanos).map_err(|_| InvalidEvent::Timestamp)?,
            None => Timestamp::UNIX_EPOCH,
        };
        Ok(Self {
            involved_object: involved_object.ok_or(InvalidEvent::NoObject)?.into(),
            severity: severity.to_owned(),
            timestamp,
            message,
            reason,
            metadata: metadata.into_iter().collect(),
            reporting_controller,
            reporting_instance,
        })
    }
}

impl From<WireEvent> for Event {
    fn from(event: WireEvent) -> Self {
        let severity = match event.severity.as_str() {
            "trace" => Severity::Trace,
            "error" => Severity::Error,
            _ => Severity::Info,
        };
        Self {
            involved_object: Some(event.involved_object.into()),
            severity: severity.into(),
            timestamp: Some(prost_types::Timestamp {
                seconds: event.timestamp.as_second(),
                nanos: event.timestamp.subsec_nanosecond(),
            }),
            message: event.message,
            reason: event.reason,
            metadata: event.metadata.into_iter().collect(),
            reporting_controller: event.reporting_controller,
            reporting_instance: event.reporting_instance,
        }
    }
}

impl From<ObjectReference> for WireReference {
    fn from(o: ObjectReference) -> Self {
        let ObjectReference { kind, namespace, name, uid, api_version, resource_version, field_path } = o;
        Self { kind, namespace, name, uid, api_version, resource_version, field_path }
    }
}

impl From<WireReference> for ObjectReference {
    fn from(o: WireReference) -> Self {
        let WireReference { kind, namespace, name, uid, api_version, resource_version, field_path } = o;
        Self { kind, namespace, name, uid, api_version, resource_version, field_path }
    }
}

/// Writes whole seconds, as metav1.Time does.
fn seconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(*time);
    serializer.collect_str(&whole)
}

/// Reads a time; absent or null is the epoch, as metav1.Time's zero value is tolerated by Flux.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    Ok(Option::<Timestamp>::deserialize(deserializer)?.unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Reads a map; null is empty, as Go decodes it.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::<BTreeMap<String, String>>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"involvedObject":{"kind":"Kustomization","namespace":"apps","name":"web","uid":"u-1","apiVersion":"kustomize.toolkit.fluxcd.io/v1","resourceVersion":"7"},"severity":"error","timestamp":"2026-01-02T03:04:05Z","message":"m","reason":"BuildFailed","metadata":{"kustomize.toolkit.fluxcd.io/revision":"main@sha1:1"},"reportingController":"kustomize-controller","reportingInstance":"pod-1"}"#;

    #[test]
    fn json_to_protobuf_and_back_is_the_same_text() {
        let wire: WireEvent = serde_json::from_str(JSON).unwrap();
        let event = Event::from(wire.clone());
        assert_eq!(event.severity(), Severity::Error);
        assert_eq!(serde_json::to_string(&WireEvent::try_from(event).unwrap()).unwrap(), JSON);
    }

    #[test]
    fn reads_what_go_leaves_out_or_sets_to_null() {
        let text = r#"{"involvedObject":{},"severity":"info","timestamp":null,"message":"m","reason":"r","metadata":null,"reportingController":"c"}"#;
        let wire: WireEvent = serde_json::from_str(text).unwrap();
        assert!(wire.metadata.is_empty());
        assert_eq!(wire.timestamp, Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn an_event_without_object_is_refused() {
        assert_eq!(WireEvent::try_from(Event::default()), Err(InvalidEvent::NoObject));
    }

    #[test]
    fn descriptors_hold_both_services() {
        let set = <prost_types::FileDescriptorSet as prost::Message>::decode(crate::FILE_DESCRIPTOR_SET).unwrap();
        let services: Vec<_> = set.file.iter().flat_map(|f| &f.service).filter_map(|s| s.name.clone()).collect();
        assert_eq!(services, ["Artifacts", "Events"]);
    }
}
