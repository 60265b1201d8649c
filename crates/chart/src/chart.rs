//! A chart in memory: itself and the charts it brings along.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::metadata::{Dependency, Metadata};

/// A file of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path inside the chart, with `/`.
    pub name: String,
    /// The bytes, without a UTF-8 byte order mark.
    pub data: Arc<[u8]>,
}

/// A chart with its dependencies. Cloning shares the files.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: Metadata,
    /// `Chart.lock` or `requirements.lock`.
    pub lock: Option<Lock>,
    /// Files below `templates/`.
    pub templates: Vec<File>,
    /// `values.yaml`. Numbers are floats, as Helm reads them.
    pub values: Arc<Map<String, Value>>,
    /// `values.schema.json`.
    pub schema: Option<Arc<[u8]>>,
    /// Everything else but dependencies, `crds/` included.
    pub files: Vec<File>,
    /// The charts in `charts/`; only those that take part once dependencies are processed.
    pub dependencies: Vec<Chart>,
}

/// What `Chart.lock` holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    /// When it was made, as it stands there.
    pub generated: String,
    /// Digest of what was locked.
    pub digest: String,
    /// Exact versions.
    pub dependencies: Vec<Dependency>,
}

/// A file from `crds/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crd {
    /// The path from the root chart's name on: `app/charts/db/crds/a.yaml`.
    pub path: String,
    /// The bytes.
    pub data: Arc<[u8]>,
}

impl Chart {
    /// The chart's name (an alias once dependencies are processed).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Everything in `crds/` of it and its dependencies, the chart's own first.
    #[must_use]
    pub fn crds(&self) -> Vec<Crd> {
        let mut out = Vec::new();
        self.collect_crds(self.name(), &mut out);
        out
    }

    fn collect_crds(&self, path: &str, out: &mut Vec<Crd>) {
        let is_manifest = |name: &str| {
            let extension = name.rsplit('/').next().and_then(|base| base.rsplit_once('.')).map_or("", |(_, it)| it);
            ["yaml", "yml", "json"].iter().any(|it| extension.eq_ignore_ascii_case(it))
        };
        let own = self.files.iter().filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name));
        out.extend(own.map(|file| Crd { path: format!("{path}/{}", file.name), data: file.data.clone() }));
        for dependency in &self.dependencies {
            dependency.collect_crds(&format!("{path}/charts/{}", dependency.name()), out);
        }
    }

    /// Names of dependencies that `Chart.yaml` lists and `charts/` does not have.
    #[must_use]
    pub fn missing_dependencies(&self) -> Vec<&str> {
        let listed = self.metadata.dependencies.iter().flatten();
        listed
            .map(|it| it.name.as_str())
            .filter(|name| !self.dependencies.iter().any(|it| it.name() == *name))
            .collect()
    }
}
