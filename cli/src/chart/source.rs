//! Where a chart is: on the disk, in a repository, in a registry.
//!
//! ```text
//! --repo URL name        URL/index.yaml -> archive
//! oci://host/path:tag    registry -> archive
//! https://host/a.tgz     archive
//! a path that is there   directory or archive
//! repo/name              repositories.yaml -> cached index -> archive
//! ```

use std::path::{Path, PathBuf};

use weir_remote::charts::{ChartClient, ChartError, Entry, Index, Package, public};

use super::{
    download::{DownloadArgs, LIMITS},
    helm_home::HelmHome,
    repositories::Repository,
};
use crate::error::{Cause, Error};

/// A chart that was found.
pub enum Found {
    /// On the disk.
    Local(PathBuf),
    /// Fetched, and in memory alone.
    Fetched(Package),
}

/// Finds a chart as helm does. With `signed`, what comes from elsewhere brings its signature along.
pub fn find(reference: &str, download: &DownloadArgs, signed: bool) -> Result<Found, Error> {
    let reference = reference.trim();
    let search = Search { reference, download, home: download.home(), signed };
    if let Some(repository) = download.repository() {
        return search.named_repository(repository).map(Found::Fetched);
    }
    let path = PathBuf::from(reference);
    if path.exists() {
        return Ok(Found::Local(path));
    }
    if path.is_absolute() || reference.starts_with('.') {
        return Err(Error::usage(format!("path {reference:?} not found"), "name a chart's directory or its .tgz"));
    }
    search.elsewhere().map(Found::Fetched)
}

/// What to call a chart in messages: its address without what is secret.
pub fn shown(reference: &str) -> String {
    public(reference.trim())
}

struct Search<'a> {
    reference: &'a str,
    download: &'a DownloadArgs,
    home: HelmHome,
    signed: bool,
}

impl Search<'_> {
    /// `--repo URL`.
    fn named_repository(&self, repository: &str) -> Result<Package, Error> {
        let client = self.client(None)?;
        let work = async {
            let index = client.index(repository).await?;
            let entry = index.find(self.reference, self.download.wanted())?;
            client.archive(repository, &entry, self.signed).await
        };
        let failed = |error| failed(&format!("{} of {}", self.reference, public(repository)), error);
        noted(client.wait(work).map_err(failed)?)
    }

    /// Anything that is no path.
    fn elsewhere(&self) -> Result<Package, Error> {
        let reference = self.reference;
        if reference.starts_with("oci://") {
            let client = self.client(None)?;
            let work = client.from_registry(reference, self.download.wanted(), self.signed);
            return client.wait(work).map_err(|error| failed(&public(reference), error));
        }
        if reference.contains("://") {
            let owner = self.owner()?;
            let client = self.client(owner.as_ref())?;
            let work = client.from_url(reference, owner.as_ref().map(|it| it.url.as_str()), self.signed);
            return client.wait(work).map_err(|error| failed(&public(reference), error));
        }
        match reference.split_once('/') {
            Some((repository, name)) => self.known_repository(repository, name),
            None => Err(Error::usage(
                format!("path {reference:?} not found"),
                format!(
                    "name a chart's directory or its .tgz, or where to get it: --repo URL {reference}, oci://HOST/PATH, or REPO/{reference}"
                ),
            )),
        }
    }

    /// `repo/name`.
    fn known_repository(&self, repository: &str, name: &str) -> Result<Package, Error> {
        let all = self.download.repositories(&self.home)?;
        let entry = all.iter().find(|it| it.name == repository);
        let Some(entry) = entry else {
            let hint = format!("name its address: --repo URL {name}; or add it: helm repo add {repository} URL");
            let place = self.home.repository_config.display();
            return Err(Error::usage(format!("repo {repository} not found in {place}"), hint));
        };
        if entry.url.is_empty() {
            return Err(Error::usage(
                format!("no URL found for repository {repository}"),
                format!("name its address: --repo URL {name}"),
            ));
        }
        let client = self.client(Some(entry))?;
        let cached = read_index(&self.home.index(repository));
        let failed = |error| failed(self.reference, error);
        let index = match cached {
            Some(index) => index.map_err(failed)?,
            // helm would ask for `helm repo update`; its address and who asks are known as well.
            None => client.wait(client.index(&entry.url)).map_err(failed)?,
        };
        let found = index.find(name, self.download.wanted()).map_err(|error| stale(repository, error))?;
        if let Some(archive) = self.kept(&found) {
            // A signature is not kept under the archive's digest by everybody: it is fetched with the archive.
            return noted(Package { name: None, archive, provenance: None, note: found.note });
        }
        noted(client.wait(client.archive(&entry.url, &found, self.signed)).map_err(failed)?)
    }

    /// The archive of an entry, where helm has it. Only one with the digest that the index says is taken.
    fn kept(&self, entry: &Entry) -> Option<Vec<u8>> {
        let archive = cached(&self.home.content(entry.sha256()).filter(|_| !self.signed)?)?;
        entry.check(&archive).is_ok().then_some(archive)
    }

    /// The repository whose index lists this address, where it says who asks: such an archive may need that.
    fn owner(&self) -> Result<Option<Repository>, Error> {
        let all = self.download.repositories(&self.home)?;
        let mut telling = all.into_iter().filter(|it| it.has_credentials() || it.has_certificates());
        Ok(telling.find(|it| {
            let index = read_index(&self.home.index(&it.name));
            index.is_some_and(|index| index.is_ok_and(|index| index.lists(self.reference)))
        }))
    }

    fn client(&self, entry: Option<&Repository>) -> Result<ChartClient, Error> {
        Ok(ChartClient::new(self.download.access(&self.home, entry)?, LIMITS))
    }
}

/// An index in helm's cache.
fn read_index(path: &Path) -> Option<Result<Index, ChartError>> {
    Some(Index::read(&cached(path)?, &path.display().to_string()))
}

/// A file of helm's cache, when it is there and no larger than what would be fetched.
fn cached(path: &Path) -> Option<Vec<u8>> {
    let is_small = std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() <= LIMITS.file_bytes as u64);
    is_small.then(|| std::fs::read(path).ok()).flatten()
}

/// Says what there is to say of a chart that came.
fn noted(package: Package) -> Result<Package, Error> {
    if let Some(note) = &package.note {
        eprintln!("warning: {}", crate::text::clean(note));
    }
    Ok(package)
}

fn stale(repository: &str, error: ChartError) -> Error {
    match error {
        ChartError::NotFound(text) => Error::Chart {
            action: format!("find the chart in {repository}"),
            source: Cause::new(text),
            hint: Some(format!("if it is new, have the index fetched again: helm repo update {repository}")),
        },
        other => failed(repository, other),
    }
}

/// What went wrong, with the next move.
pub fn failed(what: &str, error: ChartError) -> Error {
    let text = error.to_string();
    let hint = match &error {
        ChartError::Address(_) if text.contains("oci://") => {
            return Error::usage(text, "leave --repo out and name the chart oci://HOST/PATH/NAME:TAG");
        }
        ChartError::Address(_) => {
            return Error::usage(
                text,
                "name a path, oci://HOST/PATH:TAG, https://HOST/CHART.tgz, or NAME with --repo https://HOST",
            );
        }
        ChartError::Version(_) => {
            return Error::usage(text, "give a version such as 1.2.3 or a range such as ^1.2 with --version");
        }
        ChartError::Trust(_) => {
            return Error::usage(
                text,
                "--ca-file, --cert-file and --key-file name PEM files, --registry-config a config.json of Docker's form",
            );
        }
        ChartError::Denied { .. } => {
            "give --username and --password, or log in to the registry: helm registry login. Programs that keep passwords (credsStore) are not run"
        }
        ChartError::NotFound(_) => "check address, name and version; versions before a release count with --devel",
        ChartError::Content { .. } => {
            "what came is not what index or registry promise: fetch the index again (helm repo update), or have the chart indexed or pushed again"
        }
        ChartError::Fetch { reason, .. } if reason.contains("certificate") => {
            "name the server's authority with --ca-file, or take any certificate with --insecure-skip-tls-verify"
        }
        ChartError::Fetch { reason, .. } if reason.contains("corrupt message") => {
            "the server speaks http: --plain-http for registries, http:// for repositories"
        }
        ChartError::Fetch { .. } => "check the address, the network and the proxy",
    };
    Error::Chart { action: format!("pull {what}"), source: Cause::new(text), hint: Some(hint.to_owned()) }
}
