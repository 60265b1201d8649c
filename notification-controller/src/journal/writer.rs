//! The thread that writes.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::mpsc,
};

use tokio::sync::oneshot;

use super::{JournalError, segment};

/// Bytes that are gathered before a write at most.
const BATCH: usize = 8 * 1024 * 1024;

type Answer = oneshot::Sender<Result<u64, String>>;

pub(super) enum Command {
    Append { frame: Vec<u8>, answer: Option<Answer> },
    RemoveBefore { keep_from: u64, answer: Answer },
}

/// The last segment, open.
pub(super) struct Writer {
    dir: PathBuf,
    file: fs::File,
    number: u64,
    length: u64,
    limit: u64,
}

impl Writer {
    /// Begins a new segment: the end of the one before may be damaged.
    pub(super) fn open(dir: &Path, limit: u64) -> Result<Self, JournalError> {
        let number = segment::list(dir)?.last().map_or(1, |last| last + 1);
        let path = segment::path(dir, number);
        let file = create(dir, number).map_err(JournalError::file("create", &path))?;
        Ok(Self { dir: dir.to_owned(), file, number, length: 0, limit })
    }

    /// Serves commands until there is nobody to send any.
    pub(super) fn run(mut self, queue: &mpsc::Receiver<Command>) {
        while let Ok(first) = queue.recv() {
            let mut bytes = Vec::new();
            let mut waiting = Vec::new();
            let mut removal = None;
            let mut next = Some(first);
            while let Some(command) = next.take() {
                match command {
                    Command::Append { frame, answer } => {
                        bytes.extend(frame);
                        waiting.extend(answer);
                    }
                    Command::RemoveBefore { keep_from, answer } => removal = Some((keep_from, answer)),
                }
                if removal.is_none() && bytes.len() < BATCH {
                    next = queue.try_recv().ok();
                }
            }
            let result = self.write(&bytes, !waiting.is_empty() || removal.is_some()).map_err(|e| e.to_string());
            if let Err(error) = &result {
                tracing::error!(error, "cannot write to the event journal");
            }
            for answer in waiting {
                // Whoever waited may have gone meanwhile.
                let _ = answer.send(result.clone());
            }
            if let Some((keep_from, answer)) = removal {
                let removed = result.and_then(|_| self.remove_before(keep_from).map_err(|e| e.to_string()));
                let _ = answer.send(removed);
            }
        }
    }

    /// Writes all of `bytes` or none of it. Gives the segment it is in.
    fn write(&mut self, bytes: &[u8], sync: bool) -> std::io::Result<u64> {
        if self.length >= self.limit && !bytes.is_empty() {
            self.roll()?;
        }
        let written = self.file.write_all(bytes).and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            // Nobody is told that these are safe, so they must not come back.
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(self.number)
    }

    fn roll(&mut self) -> std::io::Result<()> {
        self.file.sync_data()?;
        self.file = create(&self.dir, self.number + 1)?;
        self.number += 1;
        self.length = 0;
        Ok(())
    }

    fn remove_before(&mut self, keep_from: u64) -> std::io::Result<u64> {
        if keep_from > self.number {
            self.roll()?;
        }
        for number in segment::list(&self.dir).map_err(std::io::Error::other)? {
            if number < keep_from.min(self.number) {
                fs::remove_file(segment::path(&self.dir, number))?;
            }
        }
        segment::sync_dir(&self.dir)?;
        Ok(self.number)
    }
}

fn create(dir: &Path, number: u64) -> std::io::Result<fs::File> {
    let file = fs::OpenOptions::new().create_new(true).append(true).open(segment::path(dir, number))?;
    segment::sync_dir(dir)?;
    Ok(file)
}
