//! `--dependency-update`: charts that a chart depends on and its folder does not hold, fetched anew.
//!
//! helm writes them to `charts/` and a `Chart.lock` beside; here they are in memory and the folder stays as it is.

use std::path::{Path, PathBuf};

use weir_chart::{Chart, Dependency, Limits, load};
use weir_remote::charts::{ChartClient, Package, Wanted};
use weir_semver::{Constraint, Version};

use super::{
    disk::{self, chain},
    download::{DownloadArgs, LIMITS},
    helm_home::HelmHome,
    repositories::Repository,
    source::{Found, failed},
};
use crate::error::{Cause, Error};

/// Puts what is listed in `Chart.yaml` into the chart: from its repository, or where there is none from `charts/`. `root` is the chart's folder.
pub fn update(chart: &mut Chart, root: &Path, download: &DownloadArgs, limits: &Limits) -> Result<(), Error> {
    let home = download.home();
    let update = Update { root, limits, download, repositories: download.repositories(&home)?, home };
    let listed: Vec<Dependency> = chart.metadata.dependencies.iter().flatten().cloned().collect();
    let mut fetched: Vec<Chart> = Vec::new();
    for dependency in &listed {
        let Some(found) = update.one(dependency, chart)? else { continue };
        let again = |it: &Chart| it.name() == found.name() && it.metadata.version == found.metadata.version;
        if !fetched.iter().any(again) {
            fetched.push(found);
        }
    }
    chart.dependencies.retain(|it| !fetched.iter().any(|new| new.name() == it.name()));
    chart.dependencies.extend(fetched);
    // As if read from charts/, in the order of the file names.
    let file = |it: &Chart| format!("{}-{}.tgz", it.name(), it.metadata.version);
    chart.dependencies.sort_by_key(file);
    Ok(())
}

struct Update<'a> {
    root: &'a Path,
    limits: &'a Limits,
    download: &'a DownloadArgs,
    home: HelmHome,
    repositories: Vec<Repository>,
}

impl Update<'_> {
    /// The chart of a dependency; nothing for one that must be in `charts/` and is there.
    fn one(&self, dependency: &Dependency, chart: &Chart) -> Result<Option<Chart>, Error> {
        let Dependency { name, version, repository, .. } = dependency;
        let range = Constraint::parse(version).map_err(|error| {
            refused(name, format!("dependency {name:?} has an invalid version/constraint format: {error}"))
        })?;
        if repository.is_empty() {
            let there = chart.dependencies.iter().find(|it| it.name() == name);
            let there = there
                .ok_or_else(|| refused(name, format!("it names no repository, and charts/{name} is not there")))?;
            return fits(there, &range, version).map(|_| None);
        }
        if let Some(path) = repository.strip_prefix("file://") {
            let found = Found::Local(self.root.join(Path::new(path)));
            let loaded = disk::load(&found, &format!("{repository} of dependency {name}"), self.limits, None)?;
            fits(&loaded, &range, version)?;
            return Ok(Some(loaded));
        }
        let package = self.fetch(name, version, repository)?;
        let loaded = load::from_archive(&package.archive, self.limits);
        loaded.map(Some).map_err(|error| refused(name, chain(&error)))
    }

    fn fetch(&self, name: &str, version: &str, repository: &str) -> Result<Package, Error> {
        let wanted = Wanted { version, devel: false };
        let wrong = |error| failed(&format!("dependency {name}"), error);
        if repository.starts_with("oci://") {
            // A registry is asked by whom the flags name, in helm too.
            let client = ChartClient::new(self.download.access(&self.home, None)?, LIMITS);
            let reference = format!("{}/{name}", repository.trim_end_matches('/'));
            return client.wait(client.from_registry(&reference, wanted, false)).map_err(wrong);
        }
        let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        let entry = self.repositories.iter().find(|it| match alias {
            Some(alias) => it.name == alias,
            None => bare(&it.url) == bare(repository),
        });
        let url = match (alias, entry) {
            (_, Some(entry)) => entry.url.as_str(),
            (None, None) if repository.contains("://") => repository,
            (_, None) => {
                return Err(Error::usage(
                    format!("dependency {name}: no repository definition for {repository}"),
                    "write the repository's URL into Chart.yaml, or add it: helm repo add NAME URL",
                ));
            }
        };
        let access = self.download.access_of_dependencies(&self.home, entry)?;
        let client = ChartClient::new(access, LIMITS);
        let work = async {
            let entry = client.index(url).await?.find(name, wanted)?;
            client.archive(url, &entry, false).await
        };
        client.wait(work).map_err(wrong)
    }
}

fn fits(chart: &Chart, range: &Constraint, text: &str) -> Result<(), Error> {
    let found = &chart.metadata.version;
    match Version::parse(found) {
        Ok(version) if range.matches(&version) => Ok(()),
        _ => Err(refused(chart.name(), format!("version {found} does not satisfy the constraint {text}"))),
    }
}

fn refused(name: &str, text: String) -> Error {
    Error::Chart {
        action: format!("update dependency {name}"),
        source: Cause::new(text),
        hint: Some("correct its entry under dependencies in Chart.yaml".to_owned()),
    }
}

/// The folder of a chart that is to be updated.
pub fn root(found: &Found, missing: &[String]) -> Result<PathBuf, Error> {
    match found {
        Found::Local(path) if path.is_dir() => Ok(path.clone()),
        _ => Err(Error::usage(
            format!("only unpacked charts can be updated, and this archive lacks {}", missing.join(", ")),
            "have it packed with its dependencies: helm package --dependency-update",
        )),
    }
}
