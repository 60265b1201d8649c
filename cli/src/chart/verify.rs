//! Provenance files of archives.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use weir_chart::provenance;

use crate::clock;

/// Whose signatures count.
#[derive(Debug, Clone)]
pub struct Keyring {
    /// The file with public keys.
    pub path: PathBuf,
}

/// No keyring and no provenance file is larger.
const LIMIT: u64 = 16 << 20;

impl Keyring {
    /// The keyring at a path; without one GnuPG's own in its older form, which is helm's default as well.
    pub fn at(path: Option<&Path>) -> Self {
        let path = path.map(Path::to_owned).unwrap_or_else(|| {
            let home = || std::env::var_os("HOME").map(|it| PathBuf::from(it).join(".gnupg")).unwrap_or_default();
            let folder = std::env::var_os("GNUPGHOME").filter(|it| !it.is_empty()).map_or_else(home, PathBuf::from);
            folder.join("pubring.gpg")
        });
        Self { path }
    }

    /// Checks an archive on the disk against the provenance file beside it. Anything that is missing is an error.
    pub fn check_beside(&self, archive: &Path, bytes: &[u8]) -> Result<(), String> {
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        named(&name)?;
        let mut signed = archive.as_os_str().to_owned();
        signed.push(".prov");
        let signed = PathBuf::from(signed);
        let provenance =
            read(&signed).map_err(|error| format!("could not load provenance file {}: {error}", signed.display()))?;
        self.check(&name, bytes, &provenance)
    }

    /// Checks an archive of this name against its provenance file.
    pub fn check(&self, name: &str, bytes: &[u8], provenance: &[u8]) -> Result<(), String> {
        named(name)?;
        let keyring = read(&self.path).map_err(|error| {
            let error = format!("could not load keyring {}: {error}", self.path.display());
            format!("{error}\nmake one with `gpg --export > keyring.gpg` and name it with --keyring")
        })?;
        let checked = provenance::verify(bytes, name, provenance, &keyring, clock::now());
        checked.map(|_| ()).map_err(|error| error.to_string())
    }
}

fn named(name: &str) -> Result<(), String> {
    let is_archive = Path::new(name).extension().is_some_and(|it| it.eq_ignore_ascii_case("tgz"));
    if is_archive { Ok(()) } else { Err("chart must be a tgz file".to_owned()) }
}

/// A regular file of a bounded size.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LIMIT { Err(format!("it is larger than {LIMIT} bytes")) } else { Ok(bytes) }
}
