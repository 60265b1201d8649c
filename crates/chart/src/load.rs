//! A chart from its files.
//!
//! ```text
//! .tgz bytes --archive::files--> Vec<SourceFile> --from_files--> Chart
//! directory  --(the edge, with Ignore)----^
//! ```
//! Bounds are Helm's: 100 MiB a chart, unpacked, archives inside it included; and ours on the number of files and on how
//! deeply charts hold charts.

pub mod archive;
mod ignore;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    Compat,
    chart::{Chart, File, Lock},
    decode::{DecodeError, Fields, mapping},
    metadata::{Dependency, InvalidMetadata, Metadata},
    values::{self, ValuesError},
};

pub use archive::ArchiveError;
pub use ignore::{Ignore, InvalidIgnore};

/// A file of a chart before it is sorted into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path inside the chart, with `/`.
    pub name: String,
    /// The bytes.
    pub data: Arc<[u8]>,
}

/// Bounds on what is loaded. Past one of them loading stops with an error, in memory proportional to the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files, those of archives inside the chart included.
    pub total: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Files in all, those of archives inside the chart included.
    pub files: usize,
    /// How deeply charts may hold charts.
    pub depth: usize,
    /// No bound, but loading goes by it too: of several documents in `values.yaml`, Helm 3 reads the first alone.
    pub compat: Compat,
}

impl Default for Limits {
    /// 100 MiB in all, 100 MiB a file (Helm 4 bounds the sum alone), 20,000 files, 32 levels.
    fn default() -> Self {
        Self { total: 100 << 20, file: 100 << 20, files: 20_000, depth: 32, compat: Compat::Helm4 }
    }
}

/// What is left of the bounds.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    limits: Limits,
    total: u64,
    files: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, total: limits.total, files: limits.files }
    }
}

/// Why a chart cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The archive is broken or reaches outside.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A YAML file of the chart cannot be read.
    #[error("cannot load {file}: {source}")]
    Decode {
        /// Which file.
        file: &'static str,
        /// Why.
        source: DecodeError,
    },
    /// `values.yaml` cannot be read.
    #[error("cannot load values.yaml: {0}")]
    Values(ValuesError),
    /// There is no `Chart.yaml`.
    #[error("Chart.yaml file is missing")]
    NoChartYaml,
    /// `Chart.yaml` says what may not be.
    #[error(transparent)]
    Invalid(#[from] InvalidMetadata),
    /// A chart in `charts/` cannot be loaded.
    #[error("error unpacking subchart {name} in {parent}: {source}")]
    Subchart {
        /// The folder or archive in `charts/`.
        name: String,
        /// The chart that holds it.
        parent: String,
        /// Why.
        source: Box<LoadError>,
    },
    /// An archive in `charts/` lies deeper than where Helm looks.
    #[error("error unpacking subchart tar in {parent}: expected {expected}, got {found}")]
    MisplacedArchive {
        /// The chart that holds it.
        parent: String,
        /// Its name.
        expected: String,
        /// What lies there.
        found: String,
    },
    /// Charts hold charts too deeply.
    #[error("charts are nested more than {0} levels deep")]
    TooDeep(usize),
}

/// Loads a chart from a gzipped tar, as `helm package` makes it.
///
/// # Errors
/// What Helm refuses, and what passes a bound.
pub fn from_archive(bytes: &[u8], limits: &Limits) -> Result<Chart, LoadError> {
    let mut budget = Budget::new(limits);
    let files = archive::files(bytes, &mut budget)?;
    chart(files, &mut budget, 0)
}

/// Loads a chart from its files. The edge that read them bounds their sum; archives among them are bounded here.
///
/// # Errors
/// What Helm refuses, and what passes a bound.
pub fn from_files(files: Vec<SourceFile>, limits: &Limits) -> Result<Chart, LoadError> {
    let files = files.into_iter().map(|file| SourceFile { data: without_mark(&file.data), ..file }).collect();
    chart(files, &mut Budget::new(limits), 0)
}

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The bytes without a UTF-8 byte order mark.
fn without_mark(data: &Arc<[u8]>) -> Arc<[u8]> {
    data.strip_prefix(MARK).map_or_else(|| data.clone(), Arc::from)
}

fn text(file: &SourceFile) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&file.data)
}

fn chart(files: Vec<SourceFile>, budget: &mut Budget, depth: usize) -> Result<Chart, LoadError> {
    if depth > budget.limits.depth {
        return Err(LoadError::TooDeep(budget.limits.depth));
    }
    let mut chart = Chart::default();
    let mut known = false;
    for file in files.iter().filter(|it| it.name == "Chart.yaml") {
        known = true;
        let decode = |source| LoadError::Decode { file: "Chart.yaml", source };
        chart.metadata.merge_yaml(&text(file)).map_err(decode)?;
        if chart.metadata.api_version.is_empty() {
            chart.metadata.api_version = "v1".to_owned();
        }
    }
    let mut subcharts: BTreeMap<String, Vec<SourceFile>> = BTreeMap::new();
    for file in files {
        sort_in(file, &mut chart, &mut known, &mut subcharts, budget.limits.compat)?;
    }
    if !known {
        return Err(LoadError::NoChartYaml);
    }
    chart.metadata.validate()?;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let loaded = subchart(&name, files, &chart, budget, depth)?;
        chart.dependencies.push(loaded);
    }
    Ok(chart)
}

fn sort_in(
    file: SourceFile,
    chart: &mut Chart,
    known: &mut bool,
    subcharts: &mut BTreeMap<String, Vec<SourceFile>>,
    compat: Compat,
) -> Result<(), LoadError> {
    let is_v1 = chart.metadata.api_version == "v1";
    let keep = |files: &mut Vec<File>, file: SourceFile| files.push(File { name: file.name, data: file.data });
    match file.name.as_str() {
        "Chart.yaml" => {}
        "Chart.lock" => chart.lock = Some(read_lock("Chart.lock", &file)?),
        "values.yaml" => {
            let read = if compat == Compat::Helm3 { values::read_first } else { values::read };
            chart.values = Arc::new(read(&text(&file)).map_err(LoadError::Values)?);
        }
        "values.schema.json" => chart.schema = Some(file.data),
        "requirements.yaml" => {
            *known = true;
            let decode = |source| LoadError::Decode { file: "requirements.yaml", source };
            chart.metadata.merge_yaml(&text(&file)).map_err(decode)?;
            if is_v1 {
                keep(&mut chart.files, file);
            }
        }
        "requirements.lock" => {
            *known = true;
            chart.lock = Some(read_lock("requirements.lock", &file)?);
            if is_v1 {
                keep(&mut chart.files, file);
            }
        }
        name if name.starts_with("templates/") => keep(&mut chart.templates, file),
        name if name.starts_with("charts/") && !name.ends_with(".prov") => {
            let path = name.strip_prefix("charts/").unwrap_or_default().to_owned();
            let (first, _) = path.split_once('/').unwrap_or((path.as_str(), ""));
            let first = first.to_owned();
            subcharts.entry(first).or_default().push(SourceFile { name: path, data: file.data });
        }
        _ => keep(&mut chart.files, file),
    }
    Ok(())
}

fn subchart(
    name: &str,
    files: Vec<SourceFile>,
    parent: &Chart,
    budget: &mut Budget,
    depth: usize,
) -> Result<Chart, LoadError> {
    let result = if name.ends_with(".tgz") {
        let Some(file) = files.first() else { return Err(LoadError::NoChartYaml) };
        if file.name != name {
            let (parent, expected, found) = (parent.name().to_owned(), name.to_owned(), file.name.clone());
            return Err(LoadError::MisplacedArchive { parent, expected, found });
        }
        archive::files(&file.data, budget).map_err(LoadError::from).and_then(|files| chart(files, budget, depth + 1))
    } else {
        let inside = files.into_iter().filter_map(|file| {
            let (_, path) = file.name.split_once('/')?;
            Some(SourceFile { name: path.to_owned(), data: file.data })
        });
        chart(inside.collect(), budget, depth + 1)
    };
    let wrap = |source| LoadError::Subchart {
        name: name.to_owned(),
        parent: parent.name().to_owned(),
        source: Box::new(source),
    };
    result.map_err(wrap)
}

fn read_lock(file: &'static str, source: &SourceFile) -> Result<Lock, LoadError> {
    let decode = |source| LoadError::Decode { file, source };
    let map: Map<String, Value> = mapping(&text(source), "v2.Lock").map_err(decode)?;
    let fields = Fields::new("Lock", &map);
    let read = || -> Result<Lock, DecodeError> {
        let items = fields.list("dependencies", "[]*v2.Dependency")?.unwrap_or_default();
        Ok(Lock {
            generated: fields.text("generated")?,
            digest: fields.text("digest")?,
            dependencies: Dependency::read_all(&fields, items)?,
        })
    };
    read().map_err(decode)
}

impl Metadata {
    /// Reads the metadata among a chart's files, without loading the rest.
    ///
    /// # Errors
    /// When there is no `Chart.yaml`, or it is refused.
    pub fn from_files(files: &[SourceFile]) -> Result<Self, LoadError> {
        let file = files.iter().find(|it| it.name == "Chart.yaml").ok_or(LoadError::NoChartYaml)?;
        let decode = |source| LoadError::Decode { file: "Chart.yaml", source };
        let mut it = Self::from_yaml(&text(file)).map_err(decode)?;
        if it.api_version.is_empty() {
            it.api_version = "v1".to_owned();
        }
        it.validate()?;
        Ok(it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, &str)]) -> Vec<SourceFile> {
        of.iter().map(|(name, text)| SourceFile { name: (*name).to_owned(), data: text.as_bytes().into() }).collect()
    }

    const CHART: &str = "apiVersion: v2\nname: a\nversion: 1.0.0\n";

    #[test]
    fn of_several_documents_helm_3_reads_the_first() {
        let load = |values: &str, compat| {
            let limits = Limits { compat, ..Limits::default() };
            from_files(files(&[("Chart.yaml", CHART), ("values.yaml", values)]), &limits).map(|it| it.values.len())
        };
        assert_eq!(load("a: 1\n---\nb: 1\n", Compat::Helm4).unwrap(), 2);
        assert_eq!(load("a: 1\n---\nb: 1\n", Compat::Helm3).unwrap(), 1);
        assert!(load("a: 1\n---\nb: [\n", Compat::Helm4).is_err());
        assert_eq!(load("a: 1\n---\nb: [\n", Compat::Helm3).unwrap(), 1);
    }

    #[test]
    fn files_go_where_they_belong() {
        let chart = from_files(
            files(&[
                ("templates/a.yaml", "x"),
                ("values.yaml", "\u{feff}a: 1\n"),
                ("Chart.yaml", CHART),
                ("README.md", "hi"),
                ("crds/b.yaml", "y"),
                ("crds/notes.txt", "z"),
                ("charts/README.md", "ignored"),
                ("charts/_x/Chart.yaml", "ignored"),
                ("charts/b/Chart.yaml", "name: b\nversion: 1.0.0\n"),
                ("charts/b/crds/c.YAML", "w"),
            ]),
            &Limits::default(),
        );
        // A file in charts/ that is no chart is refused by Helm, too.
        assert!(matches!(chart, Err(LoadError::Subchart { .. })));
        let chart = from_files(
            files(&[
                ("templates/a.yaml", "x"),
                ("values.yaml", "\u{feff}a: 1\n"),
                ("Chart.yaml", CHART),
                ("crds/b.yaml", "y"),
                ("crds/notes.txt", "z"),
                ("charts/b/Chart.yaml", "name: b\nversion: 1.0.0\n"),
                ("charts/b/crds/c.YAML", "w"),
            ]),
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(chart.templates.len(), 1);
        assert_eq!(chart.values.get("a"), Some(&serde_json::json!(1.0)));
        assert_eq!(chart.dependencies[0].metadata.api_version, "v1");
        let crds: Vec<_> = chart.crds().into_iter().map(|it| it.path).collect();
        assert_eq!(crds, ["a/crds/b.yaml", "a/charts/b/crds/c.YAML"]);
    }

    #[test]
    fn requirements_of_v1_charts_are_dependencies() {
        let chart = from_files(
            files(&[
                ("requirements.yaml", "dependencies:\n- name: b\n  version: 1.x\n  repository: \"\"\n"),
                ("Chart.yaml", "name: a\nversion: 1.0.0\n"),
            ]),
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(chart.missing_dependencies(), ["b"]);
        assert_eq!(chart.files.len(), 1);
    }

    #[test]
    fn charts_in_charts_end_somewhere() {
        let deep = format!("{}Chart.yaml", "charts/a/".repeat(40));
        let mut all = vec![("Chart.yaml".to_owned(), CHART.to_owned())];
        for level in 1..=40 {
            all.push((format!("{}Chart.yaml", "charts/a/".repeat(level)), CHART.to_owned()));
        }
        let list: Vec<(&str, &str)> = all.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let error = from_files(files(&list), &Limits::default()).unwrap_err();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        assert_eq!(cause.to_string(), "charts are nested more than 32 levels deep", "{deep}");
    }
}
