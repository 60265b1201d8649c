//! Charts as they are: a directory, an archive, or an archive that was fetched.

use std::{fs, io::Read, path::Path};

use weir_chart::{Chart, Ignore, Limits, LoadError, SourceFile, load};
use weir_remote::charts::Package;

use super::{source::Found, verify::Keyring};
use crate::error::{Cause, Error};

/// Loads a chart that was found. With a keyring it must be an archive that is signed; what was checked is what is loaded.
/// `shown` names it in errors.
pub fn load(found: &Found, shown: &str, limits: &Limits, keyring: Option<&Keyring>) -> Result<Chart, Error> {
    let failed = |action: &str, text: String| Error::Chart {
        action: format!("{action} {shown}"),
        source: Cause::new(text),
        hint: None,
    };
    let loaded = match found {
        Found::Local(path) if path.is_dir() => {
            if keyring.is_some() {
                return Err(failed("verify", "unpacked charts cannot be verified".to_owned()));
            }
            load::from_files(directory(path, limits).map_err(|text| failed("load", text))?, limits)
        }
        Found::Local(path) => {
            let bytes = archive(path, limits).map_err(|text| failed("load", text))?;
            if let Some(keyring) = keyring {
                keyring.check_beside(path, &bytes).map_err(|text| failed("verify", text))?;
            }
            load::from_archive(&bytes, limits)
        }
        Found::Fetched(package) => fetched(package, limits, keyring).map_err(|text| failed("load", text))?,
    };
    loaded.map_err(|error| failed("load", chain(&error)))
}

/// A chart that came from elsewhere.
fn fetched(package: &Package, limits: &Limits, keyring: Option<&Keyring>) -> Result<Result<Chart, LoadError>, String> {
    let bytes = &package.archive;
    gzipped(bytes, "what came")?;
    let chart = load::from_archive(bytes, limits);
    let Some(keyring) = keyring else { return Ok(chart) };
    // Where the address holds no version, the name that was signed is the chart's own; the digest decides.
    let name = match (&package.name, &chart) {
        (Some(name), _) => name.clone(),
        (None, Ok(chart)) => format!("{}-{}.tgz", chart.name(), chart.metadata.version),
        (None, Err(_)) => return Ok(chart),
    };
    let provenance = package.provenance.as_ref().ok_or("it came without its provenance file")?;
    keyring.check(&name, bytes, provenance)?;
    Ok(chart)
}

/// The files of a chart that was found, for who wants to look at them one by one.
pub fn files(found: &Found, shown: &str, limits: &Limits) -> Result<Vec<SourceFile>, Error> {
    let failed = |text: String| Error::Chart { action: format!("load {shown}"), source: Cause::new(text), hint: None };
    let read;
    let bytes = match found {
        Found::Local(path) if path.is_dir() => return directory(path, limits).map_err(failed),
        Found::Local(path) => {
            read = archive(path, limits).map_err(failed)?;
            &read
        }
        Found::Fetched(package) => &package.archive,
    };
    load::archive::source_files(bytes, limits).map_err(|error| failed(error.to_string()))
}

/// An error with its causes, where the text does not have them.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn archive(path: &Path, limits: &Limits) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    if !file.metadata().map_err(|error| error.to_string())?.is_file() {
        return Err(format!("{shown} is no regular file"));
    }
    // An archive that is larger than what it may unpack to holds nothing useful.
    let bytes = read(file, limits.total).map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or_else(|| format!("{shown} is larger than {} bytes", limits.total))?;
    let is_yaml = path.extension().is_some_and(|it| it == "yaml" || it == "yml");
    gzipped(&bytes, &format!("file '{shown}'")).map_err(|text| match is_yaml {
        true => format!("file '{shown}' seems to be a YAML file, but expected a gzipped archive"),
        false => text,
    })?;
    Ok(bytes)
}

fn gzipped(bytes: &[u8], what: &str) -> Result<(), String> {
    match bytes.starts_with(b"\x1f\x8b\x08") {
        true => Ok(()),
        false => Err(format!("{what} does not appear to be a gzipped archive")),
    }
}

fn read(file: fs::File, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    // One byte more tells that it ends there.
    let expected = file.metadata().map_or(0, |it| it.len()).min(limit) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// The files of a directory that `.helmignore` lets through. Links are followed, as Helm does: a person may read what
/// they may read. Anything but files and folders is refused.
fn directory(root: &Path, limits: &Limits) -> Result<Vec<SourceFile>, String> {
    let rules = match fs::read_to_string(root.join(".helmignore")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!(".helmignore: {error}")),
    };
    let ignore = Ignore::parse(&rules).map_err(|error| format!(".helmignore: {error}"))?;
    let mut walk = Walk { root, ignore, limits, left: limits.total, files: Vec::new() };
    walk.folder("", 0)?;
    Ok(walk.files)
}

struct Walk<'a> {
    root: &'a Path,
    ignore: Ignore,
    limits: &'a Limits,
    left: u64,
    files: Vec<SourceFile>,
}

/// Deeper than any chart, and shallow enough for a link to its own parent to end soon.
const MAX_DEPTH: usize = 64;

impl Walk<'_> {
    fn folder(&mut self, path: &str, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("{path}: folders are nested more than {MAX_DEPTH} levels deep (a link to itself?)"));
        }
        let failed = |error: std::io::Error| format!("{path}: {error}");
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(path)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.into_string().map_err(|name| format!("{} is not UTF-8", name.display()))?;
            // The folder says what most entries are.
            let known = entry.file_type().ok().filter(|it| it.is_dir() || it.is_file());
            names.push((name, known));
        }
        names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (name, known) in names {
            let inner = if path.is_empty() { name } else { format!("{path}/{name}") };
            let kind = match known {
                Some(known) => known,
                None => {
                    let metadata = fs::metadata(self.root.join(&inner));
                    metadata.map_err(|error| format!("{inner}: {error}"))?.file_type()
                }
            };
            if self.ignore.ignores(&inner, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                self.folder(&inner, depth + 1)?;
            } else if kind.is_file() {
                self.file(inner)?;
            } else {
                return Err(format!("cannot load irregular file {inner}"));
            }
        }
        Ok(())
    }

    fn file(&mut self, name: String) -> Result<(), String> {
        if self.files.len() >= self.limits.files {
            return Err(format!("chart has more than {} files", self.limits.files));
        }
        let failed = |error: std::io::Error| format!("error reading {name}: {error}");
        let file = fs::File::open(self.root.join(&name)).map_err(failed)?;
        let bytes = read(file, self.left.min(self.limits.file)).map_err(failed)?;
        let too_large = || format!("chart exceeds maximum decompressed size of {} bytes", self.limits.total);
        let bytes = bytes.ok_or_else(too_large)?;
        self.left -= bytes.len() as u64;
        self.files.push(SourceFile { name, data: bytes.into() });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("templates")).unwrap();
        fs::write(dir.path().join("Chart.yaml"), "apiVersion: v2\nname: a\nversion: 1.0.0\n").unwrap();
        fs::write(dir.path().join("templates/a.yaml"), "a: 1\n").unwrap();
        dir
    }

    fn loaded(dir: &tempfile::TempDir, limits: &Limits) -> Result<Chart, Error> {
        load(&Found::Local(dir.path().to_owned()), "it", limits, None)
    }

    fn text(error: Error) -> String {
        crate::error::render(&error, crate::terminal::Style::plain())
    }

    #[test]
    fn ignored_files_stay_out_and_links_are_followed() {
        let dir = chart();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        put(".helmignore", "*.bak\n");
        put("x.bak", "");
        put("templates/.hidden", "");
        put("outside.txt", "hello");
        std::os::unix::fs::symlink("../outside.txt", dir.path().join("templates/link.yaml")).unwrap();
        let chart = loaded(&dir, &Limits::default()).unwrap();
        let names: Vec<_> = chart.templates.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["templates/a.yaml", "templates/link.yaml"]);
        assert_eq!(chart.files.len(), 2);
    }

    #[test]
    fn links_to_parents_and_devices_end_in_errors() {
        let dir = chart();
        std::os::unix::fs::symlink("..", dir.path().join("templates/up")).unwrap();
        let limits = Limits { files: 100, ..Limits::default() };
        let error = text(loaded(&dir, &limits).unwrap_err());
        assert!(error.contains("levels deep") || error.contains("more than 100 files"), "{error}");
        let dir = chart();
        std::os::unix::fs::symlink("/dev/zero", dir.path().join("values.yaml")).unwrap();
        let error = text(loaded(&dir, &Limits::default()).unwrap_err());
        assert!(error.contains("irregular file values.yaml"), "{error}");
    }

    #[test]
    fn sizes_are_bounded() {
        let dir = chart();
        let file = fs::File::create(dir.path().join("big")).unwrap();
        file.set_len(200 << 20).unwrap();
        let error = text(loaded(&dir, &Limits::default()).unwrap_err());
        assert!(error.contains("maximum decompressed size"), "{error}");
    }
}
