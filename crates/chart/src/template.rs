//! A chart with values into what is installed: what `helm template` and `helm install` do before they meet a cluster.

mod output;

use std::{borrow::Cow, collections::BTreeMap, rc::Rc};

use weir_gotemplate::sprig::World;

use crate::{
    Compat,
    capabilities::Capabilities,
    chart::{Chart, Crd},
    dependencies,
    engine::{self, ReleaseFacts, RenderError, RenderOptions},
    hook::Hook,
    manifest::{self, Manifest, ManifestError},
    schema::{self, SchemaErrors},
    values::{
        Table, ValuesError,
        coalesce::{Nulls, Warnings, coalesce},
    },
};

pub use output::{NoSuchTemplate, TemplateOutput};

/// How to make a release of a chart.
#[derive(Clone, Default)]
pub struct TemplateOptions {
    /// How templates are rendered.
    pub render: RenderOptions,
    /// Values need not meet the charts' schemas.
    pub skip_schema_validation: bool,
    /// Notes of subcharts, too.
    pub subchart_notes: bool,
}

/// What a chart makes of values.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The chart with its dependencies processed: what a release records.
    pub chart: Chart,
    /// The values templates saw.
    pub values: Table,
    /// Files from `crds/`.
    pub crds: Vec<Crd>,
    /// What is installed, in order.
    pub manifests: Vec<Manifest>,
    /// What runs before and after.
    pub hooks: Vec<Hook>,
    /// The rendered `NOTES.txt`.
    pub notes: String,
    /// What Helm warns of.
    pub warnings: Warnings,
    compat: Compat,
}

/// Why a chart cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// `apiVersion` is none that Helm 4 renders; Helm 3 takes any.
    #[error("{0}")]
    ApiVersion(&'static str),
    /// A library is no application.
    #[error("{0} charts are not installable")]
    NotInstallable(String),
    /// `charts/` lacks what `Chart.yaml` lists.
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {0}"
    )]
    MissingDependencies(String),
    /// Release names are names of objects.
    #[error(transparent)]
    Name(#[from] InvalidReleaseName),
    /// Values of a dependency are no table.
    #[error("chart dependencies processing failed: {0}")]
    Dependencies(#[source] ValuesError),
    /// As before, with the final values.
    #[error(transparent)]
    Values(ValuesError),
    /// Values do not meet a schema.
    #[error(transparent)]
    Schema(#[from] SchemaErrors),
    /// The cluster is too old or too new.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")]
    KubeVersion {
        /// The chart's constraint.
        wanted: String,
        /// The cluster's version.
        found: String,
    },
    /// A template failed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A template printed what is no object.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A template printed what is no text.
    #[error("YAML parse error on {0}: error converting YAML to JSON: yaml: invalid UTF-8")]
    NotText(String),
}

impl TemplateError {
    /// It was nested more deeply than the stack allows: with more of it, it may be fine.
    #[must_use]
    pub fn needs_stack(&self) -> bool {
        matches!(self, Self::Render(error) if error.needs_stack)
    }
}

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReleaseName {
    /// There is none.
    #[error("release name \"\": no name provided")]
    Missing,
    /// It is too long or has letters names may not have.
    #[error(
        "release name {0:?}: invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53"
    )]
    Invalid(String),
}

/// Checks a release's name.
///
/// # Errors
/// When it is empty, longer than 53 or no DNS name.
pub fn check_release_name(name: &str) -> Result<(), InvalidReleaseName> {
    let edge = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let label = |it: &str| {
        it.bytes().all(|b| edge(b) || b == b'-')
            && it.bytes().next().is_some_and(edge)
            && it.bytes().next_back().is_some_and(edge)
    };
    match name {
        "" => Err(InvalidReleaseName::Missing),
        name if name.len() <= 53 && name.split('.').all(label) => Ok(()),
        name => Err(InvalidReleaseName::Invalid(name.to_owned())),
    }
}

/// Renders a chart as a release. `values` are the user's.
///
/// # Errors
/// What Helm refuses, in the order in which Helm looks.
pub fn template(
    chart: &Chart,
    values: &Table,
    release: &ReleaseFacts,
    capabilities: &Capabilities,
    options: &TemplateOptions,
) -> Result<Rendered, TemplateError> {
    if options.render.compat == Compat::Helm4 {
        match chart.metadata.api_version.as_str() {
            "v1" | "v2" => {}
            // Known to Helm 4, but not in its releases.
            "v3" => return Err(TemplateError::ApiVersion("invalid chart apiVersion")),
            _ => return Err(TemplateError::ApiVersion("unsupported chart version")),
        }
    }
    if !matches!(chart.metadata.kind.as_str(), "" | "application") {
        return Err(TemplateError::NotInstallable(chart.metadata.kind.clone()));
    }
    let missing = chart.missing_dependencies();
    if !missing.is_empty() {
        return Err(TemplateError::MissingDependencies(missing.join(", ")));
    }
    check_release_name(&release.name)?;
    let compat = options.render.compat;
    let mut chart = chart.clone();
    let mut warnings = Warnings::new();
    dependencies::process(&mut chart, values, compat, &mut warnings).map_err(TemplateError::Dependencies)?;
    warnings.clear();
    let all = coalesce(&chart, values, Nulls::Remove, compat, &mut warnings).map_err(TemplateError::Values)?;
    if !options.skip_schema_validation {
        schema::validate(&chart, &all)?;
    }
    check_kube_version(&chart, capabilities)?;
    let rendered = engine::render(&chart, &all, release, capabilities, &options.render)?;
    let mut files = BTreeMap::new();
    for (path, text) in rendered {
        let text = String::from_utf8(text).map_err(|_| TemplateError::NotText(path.clone()))?;
        files.insert(path, text);
    }
    let notes = take_notes(&mut files, chart.name(), options.subchart_notes);
    let sorted = manifest::sort(&files, compat)?;
    let (manifests, hooks) = (sorted.manifests, sorted.hooks);
    Ok(Rendered { crds: chart.crds(), values: all, chart, manifests, hooks, notes, warnings, compat })
}

fn check_kube_version(chart: &Chart, capabilities: &Capabilities) -> Result<(), TemplateError> {
    let wanted = &chart.metadata.kube_version;
    if wanted.is_empty() {
        return Ok(());
    }
    let found = &capabilities.kube_version;
    let fits = weir_semver::Constraint::parse(wanted).ok().zip(weir_semver::Version::parse(&found.normalized).ok());
    match fits {
        Some((constraint, version)) if constraint.matches(&version) => Ok(()),
        _ => Err(TemplateError::KubeVersion { wanted: wanted.clone(), found: found.version.clone() }),
    }
}

/// Takes every `NOTES.txt` out of the files; answers the root's, or all of them.
fn take_notes(files: &mut BTreeMap<String, String>, chart: &str, all: bool) -> String {
    let own = format!("{chart}/templates/NOTES.txt");
    let mut notes = String::new();
    files.retain(|path, text| {
        if !path.ends_with("NOTES.txt") {
            return true;
        }
        if all || *path == own {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(text);
        }
        false
    });
    notes
}

impl Rendered {
    /// The text a release records as its manifest: a document per object under the path of its template.
    #[must_use]
    pub fn manifest(&self, include_crds: bool) -> String {
        joined(&self.pieces(include_crds))
    }

    /// As [`Self::manifest`], in pieces: charts of many megabytes are printed without being copied.
    fn pieces(&self, include_crds: bool) -> Vec<Cow<'_, str>> {
        let crds = if include_crds { self.crds.as_slice() } else { &[] };
        let mut out = Vec::with_capacity(5 * (crds.len() + self.manifests.len()));
        let crds = crds.iter().map(|it| (it.path.as_str(), text(&it.data)));
        let manifests = self.manifests.iter().map(|it| (it.path.as_str(), Cow::Borrowed(it.text.as_str())));
        for (path, text) in crds.chain(manifests) {
            put(&mut out, path, text);
        }
        out
    }
}

/// A document under the path of its template.
fn put<'a>(out: &mut Vec<Cow<'a, str>>, path: &'a str, text: Cow<'a, str>) {
    out.extend(["---\n# Source: ", path, "\n"].map(Cow::Borrowed));
    out.push(text);
    out.push(Cow::Borrowed("\n"));
}

/// The text of bytes. Nearly all are UTF-8, which is found out much faster than where they are not.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn joined(pieces: &[Cow<'_, str>]) -> String {
    let mut out = String::with_capacity(pieces.iter().map(|it| it.len()).sum());
    pieces.iter().for_each(|it| out.push_str(it));
    out
}

/// The name that a template makes, as `--name-template` does: with Sprig's functions and no data.
///
/// # Errors
/// When it is no template, or fails.
pub fn name(template: &str, world: &Rc<World>) -> Result<String, RenderError> {
    engine::name(template, Some(world))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_names_are_dns_names() {
        for name in ["a", "a-b", "a.b", "1", "v1.2-x"] {
            assert_eq!(check_release_name(name), Ok(()), "{name}");
        }
        let long = "a".repeat(54);
        for name in ["", "A", "-a", "a-", "a..b", ".a", "a_b", long.as_str()] {
            assert!(check_release_name(name).is_err(), "{name}");
        }
    }
}
