//! The same archive from files that are in no directory, for example those of a Git tree.

use std::{error::Error, io::Write};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType};

use super::{IGNORE_BYTES, IGNORE_PATTERNS, PackError, Packed, Walk};
use crate::{
    digest::{Algorithm, Tee},
    ignore::{self, Pattern, Rules},
};

/// Files that can be shown one after the other, as often as asked.
pub trait Files: Send {
    /// Shows each directory and file to `taker`: names sorted by bytes, a directory before what is in it, links and
    /// whatever else is neither left out. Paths are relative, with `/` between parts.
    ///
    /// # Errors
    /// When the files cannot be read, or `taker` fails.
    fn show(&self, taker: &mut dyn Taker) -> Result<(), PackError>;
}

/// Who is shown files.
pub trait Taker {
    /// A directory. False: nothing in it is wanted.
    ///
    /// # Errors
    /// Ends the show.
    fn directory(&mut self, path: &str) -> Result<bool, PackError>;

    /// Whether a file's content is wanted.
    fn wants(&mut self, path: &str) -> bool;

    /// A file that was wanted.
    ///
    /// # Errors
    /// Ends the show.
    fn file(&mut self, path: &str, executable: bool, content: &[u8]) -> Result<(), PackError>;
}

impl PackError {
    /// The files could not be shown.
    pub fn files(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Files(Box::new(source))
    }
}

/// Packs files, leaving out what their `.sourceignore` files and `spec_ignore` exclude: the same bytes as
/// [`super::rules`] and [`super::pack`] make of a directory with them.
pub fn pack_files<W: Write>(
    files: &dyn Files,
    spec_ignore: Option<&str>,
    out: W,
    algorithm: Algorithm,
) -> Result<(W, Packed), PackError> {
    let mut found = Found::default();
    files.show(&mut found)?;
    found.patterns.extend(ignore::parse(spec_ignore.unwrap_or_default(), &[]));
    let rules = Rules::new(found.patterns);
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Tee::new(out, algorithm), Compression::default());
    let mut packing = Packing { walk: Walk { tar: Builder::new(gzip), rules: &rules, files: 0 } };
    files.show(&mut packing)?;
    packing.walk.finish()
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

/// Collects `.sourceignore` files.
#[derive(Default)]
struct Found {
    patterns: Vec<Pattern>,
}

impl Taker for Found {
    fn directory(&mut self, path: &str) -> Result<bool, PackError> {
        let parts = parts(path);
        if parts.len() > super::DEPTH {
            return Err(PackError::Depth { path: path.to_owned() });
        }
        Ok(parts.last() != Some(&".git"))
    }

    fn wants(&mut self, path: &str) -> bool {
        path.rsplit('/').next() == Some(ignore::FILE)
    }

    fn file(&mut self, path: &str, _: bool, content: &[u8]) -> Result<(), PackError> {
        let mut domain: Vec<String> = parts(path).into_iter().map(str::to_owned).collect();
        domain.pop();
        self.patterns.extend(ignore::parse(&String::from_utf8_lossy(content), &domain));
        if content.len() as u64 > IGNORE_BYTES || self.patterns.len() > IGNORE_PATTERNS {
            return Err(PackError::Rules { path: path.to_owned() });
        }
        Ok(())
    }
}

/// Packs what the rules leave.
struct Packing<'a, W: Write> {
    walk: Walk<'a, W>,
}

impl<W: Write> Taker for Packing<'_, W> {
    fn directory(&mut self, path: &str) -> Result<bool, PackError> {
        if self.walk.rules.excludes(&parts(path), true) {
            return Ok(!self.walk.rules.may_prune());
        }
        self.walk.append(path, EntryType::Directory, 0o750, 0, std::io::empty())?;
        Ok(true)
    }

    fn wants(&mut self, path: &str) -> bool {
        !self.walk.rules.excludes(&parts(path), false)
    }

    fn file(&mut self, path: &str, executable: bool, content: &[u8]) -> Result<(), PackError> {
        let mode = if executable { 0o700 } else { 0o600 };
        self.walk.append(path, EntryType::Regular, mode, content.len() as u64, content)?;
        self.walk.files += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cap_std::{ambient_authority, fs::Dir};

    use super::*;
    use crate::pack::{pack, rules};

    /// Directories end in a slash.
    struct List(Vec<(&'static str, &'static str)>);

    impl Files for List {
        fn show(&self, taker: &mut dyn Taker) -> Result<(), PackError> {
            let mut skipped: Option<&str> = None;
            for (path, content) in &self.0 {
                if skipped.is_some_and(|dir| path.starts_with(dir)) {
                    continue;
                }
                match path.strip_suffix('/') {
                    Some(dir) if !taker.directory(dir)? => skipped = Some(path),
                    Some(_) => {}
                    None if taker.wants(path) => taker.file(path, path.ends_with(".sh"), content.as_bytes())?,
                    None => {}
                }
            }
            Ok(())
        }
    }

    #[test]
    fn the_same_bytes_as_from_a_directory() {
        let list = List(vec![
            (".sourceignore", "*.md\n/out/\n"),
            ("a.yaml", "a"),
            ("dir/", ""),
            ("dir/.sourceignore", "!keep.md\n"),
            ("dir/keep.md", "k"),
            ("dir/run.sh", "r"),
            ("out/", ""),
            ("out/x.yaml", "x"),
            ("z.md", "z"),
        ]);
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(temp.path(), ambient_authority()).unwrap();
        for (path, content) in &list.0 {
            match path.strip_suffix('/') {
                Some(name) => dir.create_dir(name).unwrap(),
                None => dir.write(path, content).unwrap(),
            }
        }
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(temp.path().join("dir/run.sh"), executable).unwrap();
        for ignore in [None, Some("*.yaml\n"), Some("!/out/\n")] {
            let expected = pack(&dir, &rules(&dir, ignore).unwrap(), Vec::new(), Algorithm::Sha256).unwrap();
            let got = pack_files(&list, ignore, Vec::new(), Algorithm::Sha256).unwrap();
            assert_eq!(got.1, expected.1, "{ignore:?}");
            assert!(got.0 == expected.0 && got.1.files > 1, "{ignore:?}");
        }
    }
}
