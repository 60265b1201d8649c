//! Which files of an object's directory may go.

use std::{io, time::Duration};

use cap_std::fs::{Dir, MetadataExt};
use jiff::Timestamp;

/// So many files are looked at in one run; the next run looks at the rest.
const WALK_LIMIT: usize = 1000;

/// A file and when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Aged {
    pub(super) name: String,
    pub(super) written: Timestamp,
}

/// Removes the garbage and its locks; returns what was removed. Links and locks are never counted.
pub(super) fn collect(
    dir: &Dir,
    current: &str,
    now: Timestamp,
    ttl: Duration,
    records: usize,
) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !entry.file_type()?.is_file() || name.ends_with(".lock") {
            continue;
        }
        let metadata = entry.metadata()?;
        let written = Timestamp::from_second(metadata.mtime()).unwrap_or(now);
        files.push(Aged { name, written });
        if files.len() >= WALK_LIMIT {
            break;
        }
    }
    let garbage = select(&files, current, now, ttl, records);
    for name in &garbage {
        dir.remove_file(name)?;
        let lock = format!("{name}.lock");
        if dir.symlink_metadata(&lock).is_ok() {
            dir.remove_file(&lock)?;
        }
    }
    Ok(garbage)
}

/// Everything older than `ttl`, then the oldest until `records` are left; never the current file.
pub(super) fn select(files: &[Aged], current: &str, now: Timestamp, ttl: Duration, records: usize) -> Vec<String> {
    let mut sorted: Vec<&Aged> = files.iter().collect();
    sorted.sort_by(|a, b| a.written.cmp(&b.written).then_with(|| a.name.cmp(&b.name)));
    let age = |file: &Aged| Duration::try_from(now.duration_since(file.written)).unwrap_or_default();
    let mut left = files.len();
    let mut garbage: Vec<String> = Vec::new();
    for expired in sorted.iter().filter(|file| file.name != current && age(file) > ttl) {
        garbage.push(expired.name.clone());
        left -= 1;
    }
    for file in sorted.iter().filter(|file| file.name != current && age(file) <= ttl) {
        if left <= records {
            break;
        }
        garbage.push(file.name.clone());
        left -= 1;
    }
    garbage
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn files(ages: &[(&str, i64)]) -> Vec<Aged> {
        let at = |seconds: i64| Timestamp::from_second(NOW.as_second() - seconds).unwrap();
        ages.iter().map(|(name, age)| Aged { name: (*name).to_owned(), written: at(*age) }).collect()
    }

    #[test]
    fn what_is_old_goes_and_the_newest_stay() {
        let ttl = Duration::from_secs(60);
        type Case = (&'static [(&'static str, i64)], usize, &'static [&'static str]);
        let cases: &[Case] = &[
            (&[("cur", 500)], 2, &[]),
            (&[("cur", 500), ("old", 61)], 2, &["old"]),
            (&[("cur", 1), ("old", 60)], 2, &[]),
            (&[("cur", 1), ("a", 10), ("b", 20), ("c", 30)], 2, &["c", "b"]),
            (&[("cur", 40), ("a", 10), ("b", 20), ("c", 30)], 2, &["c", "b"]),
            (&[("cur", 40), ("a", 90), ("b", 20), ("c", 30)], 2, &["a", "c"]),
            (&[("cur", 1), ("a", 10)], 0, &["a"]),
            (&[("cur", 1), ("future", -100)], 2, &[]),
        ];
        for (ages, records, expected) in cases {
            assert_eq!(select(&files(ages), "cur", NOW, ttl, *records), *expected, "{ages:?} keep {records}");
        }
    }
}
