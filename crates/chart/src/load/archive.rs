//! Gzipped tars of charts: everything is below one folder, nothing reaches out, sizes are bounded while unpacking.

use std::{io::Read, sync::Arc};

use super::{Budget, MARK, SourceFile};

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is no gzip, or no tar.
    #[error("chart archive cannot be read: {0}")]
    Broken(#[from] std::io::Error),
    /// A path starts at the root.
    #[error("chart illegally contains absolute paths")]
    Absolute,
    /// A file lies beside the chart's folder.
    #[error("chart illegally contains content outside the base directory: {0:?}")]
    Outside(String),
    /// A path climbs up.
    #[error("chart illegally references parent directory")]
    Parent,
    /// A path like `c:/x`.
    #[error("chart contains illegally named files")]
    Drive,
    /// `Chart.yaml` lies beside the chart's folder.
    #[error("chart yaml not in base directory")]
    ChartYamlOutside,
    /// An entry that is no file: a device, a FIFO, or a link.
    #[error("chart contains {0:?}, which is no regular file")]
    Irregular(String),
    /// The sum of all files is too large.
    #[error("decompressed chart is larger than the maximum size {0}")]
    TooLarge(u64),
    /// One file is too large.
    #[error("decompressed chart file {name:?} is larger than the maximum file size {limit}")]
    FileTooLarge {
        /// Which.
        name: String,
        /// The bound.
        limit: u64,
    },
    /// Too many files.
    #[error("chart has more than {0} files")]
    TooManyFiles(usize),
    /// There is nothing in it.
    #[error("no files in chart archive")]
    Empty,
}

/// What the names of extended headers may take together, per entry. The tar reader holds them in memory.
const HEADER_ROOM: u64 = 1 << 20;

/// The files of an archive, named from inside the chart's folder.
pub(crate) fn files(bytes: &[u8], budget: &mut Budget) -> Result<Vec<SourceFile>, ArchiveError> {
    // Directories, headers and padding count too, so that an archive of nothing but those ends as well.
    let room = budget.total + 1024 * (budget.files as u64 * 2) + HEADER_ROOM;
    let unzipped = Capped { inner: flate2::read::MultiGzDecoder::new(bytes), left: room };
    let mut archive = tar::Archive::new(unzipped);
    let mut out = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if raw.ends_with('/') {
            continue;
        }
        let name = inside(&raw)?;
        // Links carry no bytes: Helm loads them as empty files. A device or FIFO has no place in a chart.
        if kind.is_character_special() || kind.is_block_special() || kind.is_fifo() {
            return Err(ArchiveError::Irregular(name));
        }
        budget.files = budget.files.checked_sub(1).ok_or(ArchiveError::TooManyFiles(budget.limits.files))?;
        let size = if kind.is_symlink() || kind.is_hard_link() { 0 } else { entry.size() };
        if size > budget.total {
            return Err(ArchiveError::TooLarge(budget.limits.total));
        }
        if size > budget.limits.file {
            return Err(ArchiveError::FileTooLarge { name, limit: budget.limits.file });
        }
        let mut data = Vec::new();
        (&mut entry).take(budget.total).read_to_end(&mut data)?;
        budget.total -= data.len() as u64;
        if (data.len() as u64) < size {
            return Err(ArchiveError::TooLarge(budget.limits.total));
        }
        let data: Arc<[u8]> = data.strip_prefix(MARK).unwrap_or(&data).into();
        out.push(SourceFile { name, data });
    }
    if out.is_empty() { Err(ArchiveError::Empty) } else { Ok(out) }
}

/// The files of an archive, for who wants to look at them before (or without) loading the chart.
///
/// # Errors
/// As loading the archive.
pub fn source_files(bytes: &[u8], limits: &super::Limits) -> Result<Vec<SourceFile>, ArchiveError> {
    files(bytes, &mut Budget::new(limits))
}

/// The path below the first folder.
fn inside(raw: &str) -> Result<String, ArchiveError> {
    let delimiter = if raw.contains('\\') { '\\' } else { '/' };
    let (first, rest) = raw.split_once(delimiter).unwrap_or((raw, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return Err(ArchiveError::Absolute);
    }
    let name = crate::path::clean(&rest);
    if name == "." {
        return Err(ArchiveError::Outside(raw.to_owned()));
    }
    if name.starts_with("..") {
        return Err(ArchiveError::Parent);
    }
    let mut start = name.bytes();
    if start.next().is_some_and(|b| b.is_ascii_alphabetic()) && start.next() == Some(b':') && start.next() == Some(b'/')
    {
        return Err(ArchiveError::Drive);
    }
    if first == "Chart.yaml" {
        return Err(ArchiveError::ChartYamlOutside);
    }
    Ok(name)
}

/// Ends with an error after so many bytes.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(std::io::Error::other("the archive unpacks to more than a chart may hold")),
        }
        Ok(read)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;
    use crate::load::{Limits, LoadError, from_archive};

    /// A tar of these entries; names may be anything.
    pub(crate) fn tgz(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, data) in entries {
            append(&mut tar, name, tar::EntryType::Regular, data);
        }
        gzip(&finished(tar))
    }

    fn append(tar: &mut Vec<u8>, name: &str, kind: tar::EntryType, data: &[u8]) {
        let mut header = tar::Header::new_gnu();
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(data);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }

    fn finished(mut tar: Vec<u8>) -> Vec<u8> {
        tar.resize(tar.len() + 1024, 0);
        tar
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    const CHART: &[u8] = b"apiVersion: v2\nname: a\nversion: 1.0.0\n";

    fn load(bytes: &[u8]) -> Result<crate::Chart, LoadError> {
        from_archive(bytes, &Limits::default())
    }

    #[test]
    fn names_that_reach_out_are_refused() {
        for (name, expected) in [
            ("a/../../x", "chart illegally references parent directory"),
            ("a//etc/passwd", "chart illegally contains absolute paths"),
            ("passwd", "chart illegally contains content outside"),
            ("a/c:/x", "chart contains illegally named files"),
            ("a\\..\\..\\x", "chart illegally references parent directory"),
            ("a/..", "chart illegally references parent directory"),
            ("Chart.yaml/x", "chart yaml not in base directory"),
        ] {
            let error = load(&tgz(&[("a/Chart.yaml", CHART), (name, b"x")])).expect_err(name).to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
        let chart = load(&tgz(&[("a\\Chart.yaml", CHART), ("a\\templates\\x.yaml", b"x")])).unwrap();
        assert_eq!(chart.templates[0].name, "templates/x.yaml");
    }

    #[test]
    fn links_and_devices_bring_nothing_in() {
        for kind in [tar::EntryType::Char, tar::EntryType::Block, tar::EntryType::Fifo] {
            let mut tar = Vec::new();
            append(&mut tar, "a/Chart.yaml", tar::EntryType::Regular, CHART);
            append(&mut tar, "a/values.yaml", kind, b"");
            assert!(matches!(load(&gzip(&finished(tar))), Err(LoadError::Archive(ArchiveError::Irregular(_)))));
        }
        let mut tar = Vec::new();
        append(&mut tar, "a/Chart.yaml", tar::EntryType::Regular, CHART);
        append(&mut tar, "a/templates/passwd.yaml", tar::EntryType::Symlink, b"");
        let chart = load(&gzip(&finished(tar))).unwrap();
        assert!(chart.templates[0].data.is_empty());
    }

    #[test]
    fn bombs_end_at_the_bounds() {
        let limits = Limits { total: 1 << 20, file: 1 << 19, files: 50, depth: 4, ..Limits::default() };
        let zeros = vec![0_u8; 600 << 10];
        let error = from_archive(&tgz(&[("a/Chart.yaml", CHART), ("a/x", &zeros)]), &limits).unwrap_err();
        assert!(error.to_string().contains("larger than the maximum file size"), "{error}");
        let half = vec![0_u8; 400 << 10];
        let error = from_archive(&tgz(&[("a/x", &half), ("a/y", &half), ("a/z", &half)]), &limits).unwrap_err();
        assert!(error.to_string().contains("larger than the maximum size 1048576"), "{error}");
        let names: Vec<String> = (0..60).map(|n| format!("a/{n}")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|it| (it.as_str(), &b""[..])).collect();
        assert!(from_archive(&tgz(&many), &limits).unwrap_err().to_string().contains("more than 50 files"));
        // Nothing but folders: no file to count, and it ends all the same.
        let mut tar = Vec::new();
        for _ in 0..5_000 {
            append(&mut tar, "a/d/", tar::EntryType::Directory, b"");
        }
        let error = from_archive(&gzip(&finished(tar)), &limits).unwrap_err();
        assert!(error.to_string().contains("more than a chart may hold"), "{error}");
    }

    #[test]
    fn archives_inside_share_the_bound() {
        let half = vec![0_u8; 300 << 10];
        let inner = tgz(&[("b/Chart.yaml", b"name: b\nversion: 1.0.0\n"), ("b/x", &half)]);
        let outer = |n: usize| {
            let names: Vec<String> = (0..n).map(|it| format!("a/charts/b{it}-1.0.0.tgz")).collect();
            let mut all: Vec<(&str, &[u8])> = vec![("a/Chart.yaml", CHART)];
            all.extend(names.iter().map(|it| (it.as_str(), inner.as_slice())));
            tgz(&all)
        };
        let limits = Limits { total: 1 << 20, ..Limits::default() };
        assert_eq!(from_archive(&outer(2), &limits).unwrap().dependencies.len(), 2);
        let error = from_archive(&outer(4), &limits).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("larger than the maximum size"), "{source}");
    }

    #[test]
    fn sizes_in_extended_headers_count_as_well() {
        let limits = Limits { total: 1 << 20, ..Limits::default() };
        let first = || {
            let mut tar = Vec::new();
            append(&mut tar, "a/Chart.yaml", tar::EntryType::Regular, CHART);
            tar
        };
        // A PAX record that says a terabyte where the header says nothing, whether or not it is believed.
        let mut pax = first();
        append(&mut pax, "a/PaxHeaders/x", tar::EntryType::XHeader, b"22 size=1099511627776\n");
        append(&mut pax, "a/x", tar::EntryType::Regular, b"");
        let bytes =
            from_archive(&gzip(&finished(pax)), &limits).map_or(0, |it| it.files.iter().map(|it| it.data.len()).sum());
        assert_eq!(bytes, 0);
        // A path in a PAX record is held against the same rules.
        let mut path = first();
        append(&mut path, "a/PaxHeaders/x", tar::EntryType::XHeader, b"20 path=a/../../etc\n");
        append(&mut path, "a/x", tar::EntryType::Regular, b"");
        let error = from_archive(&gzip(&finished(path)), &limits).unwrap_err();
        assert_eq!(error.to_string(), "chart illegally references parent directory");
        // A GNU long name of megabytes is cut off with all else.
        let mut long = first();
        append(&mut long, "././@LongLink", tar::EntryType::GNULongName, &vec![b'n'; 6 << 20]);
        append(&mut long, "a/x", tar::EntryType::Regular, b"");
        let limits = Limits { files: 50, ..limits };
        let error = from_archive(&gzip(&finished(long)), &limits).unwrap_err();
        assert!(error.to_string().contains("more than a chart may hold"), "{error}");
    }

    #[test]
    fn holes_of_sparse_files_count_as_bytes() {
        let mut header = tar::Header::new_gnu();
        header.set_path("a/x").unwrap();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_size(0);
        header.as_gnu_mut().unwrap().set_real_size(1 << 40);
        header.set_cksum();
        let mut tar = Vec::new();
        append(&mut tar, "a/Chart.yaml", tar::EntryType::Regular, CHART);
        tar.extend_from_slice(header.as_bytes());
        let error = from_archive(&gzip(&finished(tar)), &Limits::default()).unwrap_err();
        assert!(matches!(error, LoadError::Archive(ArchiveError::TooLarge(_) | ArchiveError::Broken(_))), "{error}");
    }

    #[test]
    fn archives_in_archives_end_with_the_depth() {
        let mut inner = tgz(&[("b/Chart.yaml", b"name: b\nversion: 1.0.0\n")]);
        for _ in 0..6 {
            inner = tgz(&[("b/Chart.yaml", b"name: b\nversion: 1.0.0\n"), ("b/charts/b-1.0.0.tgz", &inner)]);
        }
        let limits = Limits { depth: 4, ..Limits::default() };
        let error = from_archive(&inner, &limits).unwrap_err();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        assert_eq!(cause.to_string(), "charts are nested more than 4 levels deep");
    }

    #[test]
    fn locks_that_are_links_are_not_followed() {
        for lock in ["a/Chart.lock", "a/requirements.lock", "a/values.yaml"] {
            let mut tar = Vec::new();
            append(&mut tar, "a/Chart.yaml", tar::EntryType::Regular, CHART);
            let mut header = tar::Header::new_gnu();
            header.set_path(lock).unwrap();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_link_name("/etc/passwd").unwrap();
            header.set_size(0);
            header.set_cksum();
            tar.extend_from_slice(header.as_bytes());
            let chart = load(&gzip(&finished(tar))).unwrap();
            let lock = chart.lock.unwrap_or_default();
            assert!(lock.dependencies.is_empty() && lock.digest.is_empty() && chart.values.is_empty());
        }
    }

    #[test]
    fn a_size_that_lies_is_an_error() {
        let mut header = tar::Header::new_gnu();
        header.set_path("a/Chart.yaml").unwrap();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(1 << 40);
        header.set_cksum();
        let error = load(&gzip(header.as_bytes())).unwrap_err();
        assert!(error.to_string().contains("larger than the maximum size"), "{error}");
        assert!(load(b"not a gzip").is_err());
        assert!(load(&gzip(&[])).is_err());
    }
}
