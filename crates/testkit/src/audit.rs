//! What the API server was asked, read from its audit log.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The policy: who asked what, no bodies, one line per finished request.
pub(crate) fn policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"], "rules": [{"level": "Metadata"}],
    })
}

/// The audit log of one control plane.
#[derive(Clone, Debug)]
pub struct Audit {
    pub(crate) file: PathBuf,
}

/// A place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);

/// One request that the API server answered.
#[derive(Clone, Debug)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// Who, as authenticated.
    pub user: String,
    /// The client's own name.
    pub user_agent: String,
    /// Plural name of the resource, empty for none.
    pub resource: String,
    /// `status`, `token` …, empty for the object itself.
    pub subresource: String,
    /// Namespace, empty for none.
    pub namespace: String,
    /// Object, empty for none.
    pub name: String,
    /// HTTP status of the answer.
    pub code: i64,
}

impl Request {
    /// A write that changes nothing by request.
    pub fn is_dry_run(&self) -> bool {
        self.uri.contains("dryRun=")
    }

    /// Anything but a read.
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// A server-side apply or any other write of an object itself, dry-runs included: no status, no event, no lease, no token or review.
    pub fn touches_objects(&self) -> bool {
        self.is_write()
            && self.subresource.is_empty()
            && !matches!(self.resource.as_str(), "events" | "leases" | "tokenreviews" | "subjectaccessreviews")
    }
}

impl Audit {
    /// Where the log ends now.
    pub fn mark(&self) -> Result<Mark> {
        Ok(Mark(std::fs::metadata(&self.file).with_context(|| format!("no audit log {}", self.file.display()))?.len()))
    }

    /// The requests answered since `mark`, once they are `enough` or have had 30 s to become so: the API server writes a line after
    /// the client has its answer, on a busy machine long after.
    pub async fn until(&self, mark: Mark, enough: impl Fn(&[Request]) -> bool) -> Result<Vec<Request>> {
        for _ in 0..1_500 {
            let requests = self.since(mark)?;
            if enough(&requests) {
                return Ok(requests);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.since(mark)
    }

    /// The requests answered since `mark` whose lines are written by now.
    pub fn since(&self, mark: Mark) -> Result<Vec<Request>> {
        let mut file = std::fs::File::open(&self.file)?;
        file.seek(SeekFrom::Start(mark.0))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).map(|entry: Value| parse(&entry)).collect())
    }
}

fn parse(entry: &Value) -> Request {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Request {
        verb: text("/verb"),
        uri: text("/requestURI"),
        user: text("/user/username"),
        user_agent: text("/userAgent"),
        resource: text("/objectRef/resource"),
        subresource: text("/objectRef/subresource"),
        namespace: text("/objectRef/namespace"),
        name: text("/objectRef/name"),
        code: entry.pointer("/responseStatus/code").and_then(Value::as_i64).unwrap_or_default(),
    }
}
