//! Deliveries that were given up, one JSON object a line, for people.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Serialize;
use weir_proto::WireEvent;

use super::record::Target;

/// When the file is this long it replaces the one before it.
const MAX: u64 = 4 << 20;

/// A delivery that was given up.
#[derive(Clone, Debug, Serialize)]
pub struct DeadLetter {
    /// The event's id.
    pub id: u64,
    /// Where it should have gone.
    pub target: Target,
    /// When it was given up.
    pub at: Timestamp,
    /// Why, without secrets.
    pub error: String,
    /// The event.
    pub event: WireEvent,
}

/// The file in a queue's directory.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("dead-letters.jsonl")
}

/// Appends a letter.
pub(super) fn append(dir: &Path, letter: &DeadLetter) -> std::io::Result<()> {
    let path = path(dir);
    if fs::metadata(&path).is_ok_and(|meta| meta.len() > MAX) {
        fs::rename(&path, dir.join("dead-letters.1.jsonl"))?;
    }
    let mut line = serde_json::to_vec(letter)?;
    line.push(b'\n');
    fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(&line)
}
