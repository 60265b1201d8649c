//! Records on disk, appended and made safe before anybody is told that they are.
//!
//! ```text
//! <dir>/00000000000000000001.log   segments of frames, the last one is written to
//!       00000000000000000002.log
//! frame = mark (4) | length (4) | digest (8) | payload
//! ```
//!
//! # Flow
//! One thread writes. It takes everything that waits, writes it in one go, syncs once, and answers everybody.
//!
//! # Guarantees
//! * [`Journal::append`] returns when the record is on disk, or an error when it is not and never will be.
//! * After a kill at any moment every record that was acknowledged is read back, in order; a frame that was cut is dropped.
//! * A frame that was damaged takes no other with it: reading goes on at the next mark.
//!
//! # Assumptions
//! One process per directory; a lock file tells a second one.
//!
//! # Caveats
//! [`Journal::note`] gives no answer: such a record is lost when the machine (not the process) dies within moments.

mod frame;
mod segment;
mod writer;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use tokio::sync::oneshot;

pub use frame::MAX_PAYLOAD;

/// The journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The directory or a file in it.
    #[error("cannot {action} {path}: check --queue-path, its permissions and free space")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds the lock.
    #[error("{path} is used by another process: give each replica its own --queue-path")]
    Locked {
        /// The directory.
        path: String,
    },
    /// The record could not be written; nothing of it is kept.
    #[error("cannot write to the journal: {0}")]
    Write(String),
    /// The writer is gone, at shutdown.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { action, path, source }
    }
}

/// A record that was read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The segment it stands in.
    pub segment: u64,
    /// The record.
    pub payload: Vec<u8>,
}

/// What opening found.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Every whole record, oldest first.
    pub records: Vec<Recovered>,
    /// Bytes that were no whole record.
    pub damaged: u64,
}

/// The journal; dropping it ends its thread once everything is written.
#[derive(Debug)]
pub struct Journal {
    commands: Option<mpsc::Sender<writer::Command>>,
    thread: Option<thread::JoinHandle<()>>,
    _lock: fs::File,
}

impl Journal {
    /// Opens the journal in `dir`, which is made if it is not there, and reads back what it holds. Segments are closed at
    /// about `segment_size` bytes. Blocks.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub fn open(dir: &Path, segment_size: u64) -> Result<(Self, Recovery), JournalError> {
        fs::create_dir_all(dir).map_err(JournalError::file("create", dir))?;
        let lock = segment::lock(dir)?;
        let recovery = segment::recover(dir)?;
        let writer = writer::Writer::open(dir, segment_size)?;
        let (commands, queue) = mpsc::channel();
        let run = move || writer.run(&queue);
        let thread = thread::Builder::new().name("journal".to_owned()).spawn(run);
        let thread = thread.map_err(JournalError::file("start a thread for", dir))?;
        Ok((Self { commands: Some(commands), thread: Some(thread), _lock: lock }, recovery))
    }

    /// Appends a record; the receipt resolves when it is on disk. Records are written in the order of these calls.
    pub fn append(&self, payload: &[u8]) -> Receipt {
        let (sender, answer) = oneshot::channel();
        self.send(writer::Command::Append { frame: frame::encode(payload), answer: Some(sender) });
        Receipt(answer)
    }

    /// Appends a record without waiting for it.
    pub fn note(&self, payload: &[u8]) {
        self.send(writer::Command::Append { frame: frame::encode(payload), answer: None });
    }

    /// Resolves when everything appended before is on disk.
    pub fn barrier(&self) -> Receipt {
        let (sender, answer) = oneshot::channel();
        self.send(writer::Command::Append { frame: Vec::new(), answer: Some(sender) });
        Receipt(answer)
    }

    /// Closes the current segment and deletes all before `keep_from`, once what was appended before is on disk.
    pub fn remove_before(&self, keep_from: u64) -> Receipt {
        let (sender, answer) = oneshot::channel();
        self.send(writer::Command::RemoveBefore { keep_from, answer: sender });
        Receipt(answer)
    }

    fn send(&self, command: writer::Command) {
        if let Some(commands) = &self.commands {
            // A writer that is gone drops the answer's sender, and the receipt says so.
            let _ = commands.send(command);
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Resolves to the segment that the record is in.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<u64, String>>);

impl Receipt {
    /// Waits until the record is on disk.
    ///
    /// # Errors
    /// When it is not and never will be.
    pub async fn wait(self) -> Result<u64, JournalError> {
        self.0.await.map_err(|_| JournalError::Closed)?.map_err(JournalError::Write)
    }
}

/// Number and size of every segment, ascending.
///
/// # Errors
/// When the directory cannot be read.
pub fn segments(dir: &Path) -> Result<Vec<(u64, u64)>, JournalError> {
    let numbers = segment::list(dir)?;
    Ok(numbers.into_iter().map(|n| (n, fs::metadata(segment::path(dir, n)).map_or(0, |meta| meta.len()))).collect())
}

/// The file of a segment.
#[must_use]
pub fn segment_path(dir: &Path, number: u64) -> PathBuf {
    segment::path(dir, number)
}

#[cfg(test)]
mod tests;
