//! Provenance files beside archives.

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

    /// Checks an archive against the provenance file beside it. Anything that is missing is an error.
    pub fn check(&self, archive: &Path, bytes: &[u8]) -> Result<(), String> {
        if !archive.extension().is_some_and(|it| it.eq_ignore_ascii_case("tgz")) {
            return Err("chart must be a tgz file".to_owned());
        }
        let mut signed = archive.as_os_str().to_owned();
        signed.push(".prov");
        let signed = PathBuf::from(signed);
        let failed =
            |what: &str, path: &Path, error: String| format!("could not load {what} {}: {error}", path.display());
        let provenance = read(&signed).map_err(|error| failed("provenance file", &signed, error))?;
        let keyring = read(&self.path).map_err(|error| {
            let error = failed("keyring", &self.path, error);
            format!("{error}\nmake one with `gpg --export > keyring.gpg` and name it with --keyring")
        })?;
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        provenance::verify(bytes, &name, &provenance, &keyring, clock::now())
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
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
