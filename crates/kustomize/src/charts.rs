//! `helmCharts`: what a kustomization asks of the chart engine, which is not part of this crate.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::loader::Loader;
use crate::{Error, Tree};

/// How values of the kustomization file and of `valuesFile` (or the chart's own) come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValuesMerge {
    /// Those in line count before those of the file.
    #[default]
    Override,
    /// Those of the file count before those in line.
    Merge,
    /// Those in line only.
    Replace,
}

/// A chart to be rendered: an entry of `helmCharts`, checked, its files of values read under the load restrictions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// The chart's name.
    pub name: String,
    /// Its version; empty for the newest.
    pub version: String,
    /// Where it is had when it is not in `home`; HTTP or `oci://`. Empty for a chart that must be there.
    pub repo: String,
    /// Name of the release; empty for a generated one.
    pub release_name: String,
    /// Template of the release's name.
    pub name_template: String,
    /// Namespace of the release.
    pub namespace: String,
    /// The folder of charts in the tree. A chart stands in `<home>/<name>`, or with repo and version in
    /// `<home>/<name>-<version>/<name>`.
    pub home: String,
    /// The text of `valuesFile`; none for the chart's own values.
    pub values: Option<String>,
    /// Values in line.
    pub values_inline: Map<String, Value>,
    /// How the two come together.
    pub values_merge: ValuesMerge,
    /// The texts of `additionalValuesFiles`; each counts before those in front of it.
    pub additional_values: Vec<String>,
    /// `Capabilities.KubeVersion`.
    pub kube_version: String,
    /// `Capabilities.APIVersions`.
    pub api_versions: Vec<String>,
    /// Whether the chart's CRDs are printed too.
    pub include_crds: bool,
    /// Whether hooks are left out.
    pub skip_hooks: bool,
    /// Whether tests are left out.
    pub skip_tests: bool,
    /// Whether more is told of what goes wrong.
    pub debug: bool,
    /// Whether versions before a release count.
    pub devel: bool,
}

/// Renders charts.
pub trait HelmInflator {
    /// The objects of a chart as a stream of YAML documents. `tree` holds the charts of [`Chart::home`].
    ///
    /// # Errors
    /// When the chart is not there or cannot be rendered.
    fn inflate(&self, chart: &Chart, tree: &dyn Tree) -> Result<String, Error>;
}

/// An entry as it is written; in a file of its own with the globals beside it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ChartFields {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) repo: String,
    pub(crate) release_name: String,
    pub(crate) namespace: String,
    pub(crate) additional_values_files: Vec<String>,
    pub(crate) values_file: String,
    pub(crate) values_inline: Map<String, Value>,
    pub(crate) values_merge: String,
    #[serde(rename = "includeCRDs")]
    pub(crate) include_crds: bool,
    pub(crate) skip_hooks: bool,
    pub(crate) api_versions: Vec<String>,
    pub(crate) kube_version: String,
    pub(crate) name_template: String,
    pub(crate) skip_tests: bool,
    pub(crate) debug: bool,
    pub(crate) devel: bool,
    pub(crate) chart_home: String,
    pub(crate) config_home: String,
}

/// `helmGlobals`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChartGlobals {
    pub(crate) chart_home: String,
    pub(crate) config_home: String,
}

/// An entry of the deprecated `helmChartInflationGenerator`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct OldChart {
    chart_name: String,
    chart_version: String,
    chart_repo_url: String,
    chart_home: String,
    helm_home: String,
    values: String,
    values_local: Map<String, Value>,
    values_merge: String,
    release_name: String,
}

impl OldChart {
    /// The same in today's spelling, and what it says of the globals.
    pub(crate) fn fixed(self) -> (ChartFields, ChartGlobals) {
        let globals = ChartGlobals { chart_home: self.chart_home, config_home: self.helm_home };
        let fields = ChartFields {
            name: self.chart_name,
            version: self.chart_version,
            repo: self.chart_repo_url,
            values_file: self.values,
            values_inline: self.values_local,
            values_merge: self.values_merge,
            release_name: self.release_name,
            ..ChartFields::default()
        };
        (fields, globals)
    }
}

impl ChartFields {
    /// The chart to be rendered.
    pub(crate) fn chart(self, namespace: &str, loader: &Loader<'_>) -> Result<Chart, Error> {
        if self.name.is_empty() {
            return Err(Error::object("chart name cannot be empty"));
        }
        for (what, text) in [("chart name", &self.name), ("releaseName", &self.release_name)] {
            if text.starts_with('-') {
                return Err(Error::object(format!("{what} must not start with '-'")));
            }
        }
        let values_merge = match self.values_merge.as_str() {
            "" | "override" => ValuesMerge::Override,
            "merge" => ValuesMerge::Merge,
            "replace" => ValuesMerge::Replace,
            other => {
                return Err(Error::object(format!("valuesMerge must be merge, override or replace, not {other:?}")));
            }
        };
        let home = if self.chart_home.is_empty() { "charts" } else { &self.chart_home };
        let values = (!self.values_file.is_empty()).then(|| loader.read_text(&self.values_file)).transpose()?;
        let additional_values =
            self.additional_values_files.iter().map(|file| loader.read_text(file)).collect::<Result<_, _>>()?;
        Ok(Chart {
            home: loader.in_tree(home)?,
            values,
            additional_values,
            values_merge,
            namespace: if self.namespace.is_empty() { namespace.to_owned() } else { self.namespace },
            name: self.name,
            version: self.version,
            repo: self.repo,
            release_name: self.release_name,
            name_template: self.name_template,
            values_inline: self.values_inline,
            kube_version: self.kube_version,
            api_versions: self.api_versions,
            include_crds: self.include_crds,
            skip_hooks: self.skip_hooks,
            skip_tests: self.skip_tests,
            debug: self.debug,
            devel: self.devel,
        })
    }
}
