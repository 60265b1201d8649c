//! The record of a release, as Helm stores it in a Secret.
//!
//! ```text
//! Release --JSON--> gzip --base64--> data.release of Secret sh.helm.release.v1.NAME.vN (type helm.sh/release.v1)
//! ```
//! Kubernetes' own base64 of Secret data comes on top and is not this module's matter. Records of Helm 3 and 4 are read,
//! and those older than compression; what is written is what Helm 4 writes.

mod chart;

use std::{
    collections::BTreeMap,
    io::{Read, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{hook::HookEvent, values::Table};

pub use chart::chart_json;

/// The type of the Secret.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";
/// The key in the Secret's data.
pub const SECRET_KEY: &str = "release";
/// Labels that Helm sets itself; users may not.
pub const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];
/// No record is larger, unpacked. (A Secret holds 1 MiB.)
const LIMIT: u64 = 256 << 20;

/// A revision of a release.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// The release's name.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub name: String,
    /// How it went.
    #[serde(deserialize_with = "nullable")]
    pub info: Info,
    /// The chart in Helm's JSON, see [`chart_json`]; null when there is none.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub chart: Value,
    /// The user's values.
    #[serde(skip_serializing_if = "Table::is_empty", deserialize_with = "nullable")]
    pub config: Table,
    /// What was installed.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub manifest: String,
    /// What ran before and after.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub hooks: Vec<RecordedHook>,
    /// The revision, from 1.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "nullable")]
    pub version: i64,
    /// The namespace.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub namespace: String,
    /// `ssa` or `csa`; nothing means `csa`.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub apply_method: String,
    /// The user's labels; they stand on the Secret, not in the record.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
}

/// How a revision went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// When the release was installed first.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub first_deployed: Option<Timestamp>,
    /// When this revision was.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub last_deployed: Option<Timestamp>,
    /// When it was uninstalled.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub deleted: Option<Timestamp>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub description: String,
    /// The state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The revision a rollback went back to; 0 for none.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "nullable")]
    pub rollback_revision: i64,
    /// The rendered notes.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub notes: String,
}

/// The state of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is the state of that name")]
pub enum Status {
    Unknown,
    Deployed,
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

impl Status {
    /// As labels and records name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }

    /// Whether an action is under way (or was cut off).
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

/// A hook with how it ran last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordedHook {
    /// `metadata.name`.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub name: String,
    /// `kind`.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub kind: String,
    /// The path of the template.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub path: String,
    /// The document.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub manifest: String,
    /// When it runs.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub events: Vec<HookEvent>,
    /// How it ran last.
    #[serde(deserialize_with = "nullable")]
    pub last_run: HookRun,
    /// Lower ones run first.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "nullable")]
    pub weight: i64,
    /// When its objects are deleted.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub delete_policies: Vec<String>,
    /// When its logs are shown.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub output_log_policies: Vec<String>,
}

/// One run of a hook.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookRun {
    /// When it started.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub completed_at: Option<Timestamp>,
    /// `Unknown`, `Running`, `Succeeded`, `Failed`; empty when it never ran.
    #[serde(deserialize_with = "nullable")]
    pub phase: String,
}

impl From<crate::Hook> for RecordedHook {
    fn from(it: crate::Hook) -> Self {
        let crate::Hook { name, kind, path, manifest, events, weight, delete_policies, output_log_policies } = it;
        let last_run = HookRun::default();
        Self { name, kind, path, manifest, events, last_run, weight, delete_policies, output_log_policies }
    }
}

impl Serialize for HookEvent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for HookEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom(format!("unknown hook event {name:?}")))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Null stands for the zero value, as in Go.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A time; the empty text of Helm 3 and Go's zero time stand for none.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if text.is_empty() || text.starts_with("0001-01-01T00:00:00") {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not base64.
    #[error("the release record is not base64")]
    Base64(#[source] base64::DecodeError),
    /// It does not unpack.
    #[error("the release record cannot be unpacked")]
    Gzip(#[source] std::io::Error),
    /// It unpacks to more than a record holds.
    #[error("the release record unpacks to more than {LIMIT} bytes")]
    TooLarge,
    /// It is not a release. The cause names a place, no content.
    #[error("the release record is no release (line {line}, column {column})")]
    Json {
        /// Line of the JSON.
        line: usize,
        /// Column of the JSON.
        column: usize,
    },
}

/// Packs a release as Helm does: the bytes of the Secret's `data.release`.
#[must_use]
pub fn encode(release: &Release) -> String {
    let json = serde_json::to_vec(release).expect("a release holds nothing JSON cannot");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let packed = gzip.write_all(&json).and_then(|()| gzip.finish()).expect("writing to memory does not fail");
    STANDARD.encode(packed)
}

/// Reads what Helm (or [`encode`]) stored.
///
/// # Errors
/// When it is broken, or larger than a record can be.
pub fn decode(data: &[u8]) -> Result<Release, RecordError> {
    let trimmed = data.trim_ascii();
    let bytes = STANDARD.decode(trimmed).map_err(RecordError::Base64)?;
    let json = unpacked(bytes)?;
    serde_json::from_slice(&json).map_err(|error| RecordError::Json { line: error.line(), column: error.column() })
}

fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, RecordError> {
    if !bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Ok(bytes);
    }
    let mut json = Vec::new();
    flate2::read::MultiGzDecoder::new(&*bytes).take(LIMIT + 1).read_to_end(&mut json).map_err(RecordError::Gzip)?;
    if json.len() as u64 > LIMIT { Err(RecordError::TooLarge) } else { Ok(json) }
}

/// The name of the Secret of a revision.
#[must_use]
pub fn secret_name(release: &str, version: i64) -> String {
    format!("sh.helm.release.v1.{release}.v{version}")
}

/// The labels of the Secret, without `createdAt` and `modifiedAt`.
#[must_use]
pub fn secret_labels(release: &Release) -> BTreeMap<String, String> {
    let mut labels = release.labels.clone();
    let status = release.info.status.unwrap_or(Status::Unknown).as_str();
    for (key, value) in [
        ("name", release.name.clone()),
        ("owner", "helm".to_owned()),
        ("status", status.to_owned()),
        ("version", release.version.to_string()),
    ] {
        labels.insert(key.to_owned(), value);
    }
    labels
}

/// The user's labels among those of a Secret.
#[must_use]
pub fn user_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .filter(|(key, _)| !SYSTEM_LABELS.contains(&key.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> Release {
        Release {
            name: "web".into(),
            info: Info {
                first_deployed: Some("2026-01-02T03:04:05.123456789Z".parse().unwrap()),
                status: Some(Status::PendingUpgrade),
                description: "x".into(),
                ..Info::default()
            },
            manifest: "---\na: 1\n".into(),
            version: 3,
            namespace: "ns".into(),
            ..Release::default()
        }
    }

    #[test]
    fn what_is_packed_unpacks() {
        let it = release();
        assert_eq!(decode(encode(&it).as_bytes()).unwrap(), it);
        let plain = STANDARD.encode(serde_json::to_vec(&it).unwrap());
        assert_eq!(decode(plain.as_bytes()).unwrap(), it);
        assert_eq!(secret_name(&it.name, it.version), "sh.helm.release.v1.web.v3");
        assert_eq!(secret_labels(&it)["status"], "pending-upgrade");
    }

    #[test]
    fn older_and_empty_times_are_none() {
        let json = r#"{"name":"a","info":{"first_deployed":"","last_deployed":"2020-01-01T00:00:00.5+02:00","deleted":"0001-01-01T00:00:00Z","status":"deployed"},"hooks":[{"events":["test"],"last_run":{"started_at":"","phase":""}}],"config":null}"#;
        let it = decode(STANDARD.encode(json).as_bytes()).unwrap();
        assert_eq!(it.info.first_deployed, None);
        assert_eq!(it.info.deleted, None);
        assert_eq!(it.info.last_deployed.unwrap().to_string(), "2019-12-31T22:00:00.5Z");
    }

    #[test]
    fn broken_records_are_refused_without_repeating_them() {
        for bytes in
            [&b"***"[..], STANDARD.encode("secret").as_bytes(), STANDARD.encode([0x1f, 0x8b, 0x08, 0]).as_bytes()]
        {
            let error = decode(bytes).unwrap_err();
            assert!(!format!("{error:?}{error}").contains("secret"), "{error}");
        }
    }
}
