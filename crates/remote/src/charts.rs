//! Charts of repositories: `index.yaml` over HTTP, tags of an OCI registry.
//!
//! ```text
//! repository --GET index.yaml--> Index --find--> Entry --GET--> Package (.tgz, and .prov where signatures count)
//! oci://host/path --tags--> a tag --manifest--> layers --blob--> Package
//! ```

mod client;
mod error;
mod index;
mod registry;

pub use client::{Access, ChartClient};
pub use error::ChartError;
pub use index::{Entry, Index};

use weir_chart::inflate::Pull;
use weir_kustomize::{Chart, Error};

use crate::{Fetcher, shown};

/// Which version is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// A version or a range of them; empty for the newest.
    pub version: &'a str,
    /// Whether versions before a release count where none is named.
    pub devel: bool,
}

impl<'a> Wanted<'a> {
    /// The range that stands for it.
    #[must_use]
    pub fn range(self) -> &'a str {
        match (self.version, self.devel) {
            ("", false) => "*",
            ("", true) => ">0.0.0-0",
            (version, _) => version,
        }
    }
}

/// A chart as it came.
pub struct Package {
    /// The file name that a signature speaks of; none where only the chart knows it (`<name>-<version>.tgz`).
    pub name: Option<String>,
    /// The `.tgz`.
    pub archive: Vec<u8>,
    /// The `.prov`, when it was asked for.
    pub provenance: Option<Vec<u8>>,
    /// What to tell somebody who asked for another version.
    pub note: Option<String>,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An address for people: without user, password and query.
#[must_use]
pub fn public(url: &str) -> String {
    let shown = shown(url);
    if shown.contains("://") { shown.split('?').next().unwrap_or_default().to_owned() } else { shown }
}

impl Pull for Fetcher {
    /// The archive of the version that is asked for: that very one, else the highest in the range.
    fn pull(&self, chart: &Chart) -> Result<Vec<u8>, Error> {
        let client = self.charts.get_or_init(|| ChartClient::new(Access::default(), self.limits));
        let wanted = Wanted { version: &chart.version, devel: chart.devel };
        let (repo, name) = (chart.repo.as_str(), chart.name.as_str());
        let registry = format!("{}/{name}", repo.trim_end_matches('/'));
        let place = if repo.starts_with("oci://") { &registry } else { repo };
        let failed = |error: ChartError| match error {
            ChartError::Fetch { url, reason } | ChartError::Content { url, reason } if !place.starts_with("oci:") => {
                Error::Fetch { url, reason }
            }
            other => Error::Fetch { url: public(place), reason: other.to_string() },
        };
        let work = async {
            let package = match place.starts_with("oci://") {
                true => client.from_registry(place, wanted, false).await,
                false => match client.index(repo).await.and_then(|index| index.find(name, wanted)) {
                    Ok(entry) => client.archive(repo, &entry, false).await,
                    Err(error) => Err(error),
                },
            };
            package.map(|it| it.archive).map_err(failed)
        };
        self.wait(place, work)
    }
}
