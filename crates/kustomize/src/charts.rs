//! `helmCharts`: what a kustomization asks of the chart engine, which is not part of this crate.
//!
//! ```text
//! entry --check--> Chart + folder (in the tree, or pulled) + values --HelmInflator::render--> text --read--> objects
//! ```

mod values;

use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::loader::Loader;
use crate::meter::Meter;
use crate::schema::Schema;
use crate::tree::{Kind, Tree, join};
use crate::{Error, TreeError};

use self::values::ValuesMerge;

/// A chart to be rendered: an entry of `helmCharts`, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chart {
    /// The chart's name.
    pub name: String,
    /// Its version, or a range of them; empty for the newest.
    pub version: String,
    /// Where it is had when it is not in the tree; HTTP or `oci://`. Empty for a chart that must be there.
    pub repo: String,
    /// Name of the release; empty for `release-name`, as Helm has it.
    pub release_name: String,
    /// Template of the release's name; excludes `release_name`.
    pub name_template: String,
    /// Namespace of the release; empty for `default`.
    pub namespace: String,
    /// `Capabilities.KubeVersion`; empty for what the engine assumes.
    pub kube_version: String,
    /// Added to `Capabilities.APIVersions`.
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

/// A folder with a chart's files.
#[derive(Clone, Copy)]
pub struct ChartFolder<'a> {
    /// The tree it stands in.
    pub tree: &'a dyn Tree,
    /// Its path there.
    pub path: &'a str,
}

/// Renders charts.
pub trait HelmInflator {
    /// The files of a chart that is not in the tree, from [`Chart::repo`]; its `Chart.yaml` stands at the root.
    ///
    /// # Errors
    /// When it cannot be had.
    fn pull(&self, chart: &Chart) -> Result<Rc<dyn Tree>, Error>;

    /// The objects of a chart as a stream of YAML documents. `values` are texts of YAML, the later over the earlier and all
    /// of them over the chart's own.
    ///
    /// # Errors
    /// When the folder holds no chart, or it cannot be rendered.
    fn render(&self, chart: &Chart, folder: ChartFolder<'_>, values: &[String]) -> Result<String, Error>;
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
    /// What the chart prints.
    pub(crate) fn inflate(
        self,
        charts: &dyn HelmInflator,
        loader: &Loader<'_>,
        schema: &Schema,
    ) -> Result<String, Error> {
        let how = self.check()?;
        let (values_file, inline, more) = (self.values_file, self.values_inline, self.additional_values_files);
        let additional = more.iter().map(|file| additional_values(file, loader)).collect::<Result<Vec<_>, _>>()?;
        let home = home(&self.chart_home, &self.name, &self.version, &self.repo);
        let wanted = format!("{home}/{}", self.name);
        let chart = Chart {
            name: self.name,
            version: self.version,
            repo: self.repo,
            release_name: self.release_name,
            name_template: self.name_template,
            namespace: self.namespace,
            kube_version: self.kube_version,
            api_versions: self.api_versions,
            include_crds: self.include_crds,
            skip_hooks: self.skip_hooks,
            skip_tests: self.skip_tests,
            debug: self.debug,
            devel: self.devel,
        };
        let pulled: Rc<dyn Tree>;
        let local = loader.in_tree(&wanted)?;
        let is_local = loader.tree().kind(&local) == Kind::Dir;
        let folder = if is_local {
            ChartFolder { tree: loader.tree(), path: &local }
        } else if chart.repo.is_empty() {
            return Err(Error::Object(format!("no repo specified for pull, no chart found at '{wanted}'")));
        } else {
            loader.meter.go_on()?;
            pulled = charts.pull(&chart)?;
            ChartFolder { tree: pulled.as_ref(), path: "" }
        };
        let merged = match how {
            ValuesMerge::Replace if !inline.is_empty() => values::print(Value::Object(inline))?,
            how => {
                let text = if !values_file.is_empty() {
                    loader.read_text(&values_file)?
                } else if is_local {
                    loader.read_text(&format!("{wanted}/values.yaml"))?
                } else {
                    // It would have been put there, and read from there.
                    loader.allowed(&format!("{wanted}/values.yaml"))?;
                    own_values(folder)?
                };
                let schema_and_meter: (&Schema, &Meter) = (schema, &loader.meter);
                if inline.is_empty() { text } else { values::merged(&text, inline, how, schema_and_meter)? }
            }
        };
        let mut all = vec![merged];
        all.extend(additional);
        charts.render(&chart, folder, &all)
    }

    fn check(&self) -> Result<ValuesMerge, Error> {
        if self.name.is_empty() {
            return Err(Error::object("chart name cannot be empty"));
        }
        for (what, text) in [("releaseName", &self.release_name), ("chart name", &self.name)] {
            if text.starts_with('-') {
                return Err(Error::object(format!("{what} must not start with '-', got {text:?}")));
            }
        }
        ValuesMerge::parse(&self.values_merge)
    }
}

/// The folder that holds the chart's folder: one for each version where the chart comes from a repository.
fn home(home: &str, name: &str, version: &str, repo: &str) -> String {
    let home = if home.is_empty() { "charts" } else { home.trim_end_matches('/') };
    if version.is_empty() || repo.is_empty() { home.to_owned() } else { format!("{home}/{name}-{version}") }
}

/// These are read by the chart engine, which is told of a path below the kustomization.
fn additional_values(file: &str, loader: &Loader<'_>) -> Result<String, Error> {
    if crate::loader::is_url(file) {
        return Err(Error::Refused { path: file.to_owned(), reason: "additionalValuesFiles are not downloaded" });
    }
    loader.read_text(file)
}

/// `values.yaml` of a pulled chart.
fn own_values(folder: ChartFolder<'_>) -> Result<String, Error> {
    let path = join(folder.path, "values.yaml").unwrap_or_default();
    let failed = |source| Error::Read { path: path.clone(), source };
    let content = folder.tree.read(&path).map_err(failed)?;
    String::from_utf8(content).map_err(|_| failed(TreeError::Io("the file is not UTF-8 text".to_owned())))
}
