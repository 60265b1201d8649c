//! Charts of kustomizations: `helmCharts`, rendered by this engine.
//!
//! ```text
//! folder of a tree | Pull --.tgz--> SourceFiles --load--> Chart + values --template--> what `helm template` prints
//! ```

use std::{rc::Rc, sync::Arc};

use weir_kustomize::{ChartFolder, Error, HelmInflator, Kind, MemTree, Tree, join};

use crate::{
    Capabilities, Compat, KubeVersion, ReleaseFacts, RenderOptions, TemplateOptions, TemplateOutput,
    chart::Chart,
    engine,
    load::{self, Ignore, Limits, SourceFile, archive},
    template::template,
    values::{self, Table},
};

/// What Helm calls a release that nobody named.
const RELEASE_NAME: &str = "release-name";
/// Folders in each other; deeper than any chart, and shallow enough for a link to its own parent to end soon.
const DEPTH: usize = 64;

/// Downloads charts.
pub trait Pull {
    /// The chart as an archive (`.tgz`).
    ///
    /// # Errors
    /// When it cannot be had.
    fn pull(&self, chart: &weir_kustomize::Chart) -> Result<Vec<u8>, Error>;
}

/// Renders the charts of kustomizations.
#[derive(Clone, Default)]
pub struct Inflator<'a> {
    /// How templates are rendered, and whose output is matched.
    pub render: RenderOptions,
    /// Bounds on a chart.
    pub limits: Limits,
    /// `Capabilities.KubeVersion` where the kustomization does not say; empty for Helm's default.
    pub kube_version: String,
    /// Added to `Capabilities.APIVersions` where the kustomization does not say.
    pub api_versions: Vec<String>,
    /// Gets charts that are not in the tree; without it they are refused.
    pub pull: Option<&'a dyn Pull>,
}

impl HelmInflator for Inflator<'_> {
    fn pull(&self, chart: &weir_kustomize::Chart) -> Result<Rc<dyn Tree>, Error> {
        let pull = self.pull.ok_or_else(|| Error::Unavailable {
            what: format!("chart {} from {}", chart.name, chart.repo),
            hint: "put it into the folder of charts, for example with `helm pull --untar`, or allow charts to be downloaded",
        })?;
        let bytes = pull.pull(chart)?;
        let files = archive::source_files(&bytes, &self.limits).map_err(|error| failed(chart, error))?;
        let mut tree = MemTree::new();
        for file in files {
            // A path that leaves the archive was refused already.
            if let Some(path) = join("", &file.name) {
                tree.insert(path, file.data.to_vec());
            }
        }
        Ok(Rc::new(tree))
    }

    fn render(
        &self,
        chart: &weir_kustomize::Chart,
        folder: ChartFolder<'_>,
        texts: &[String],
    ) -> Result<String, Error> {
        let files = Walk::files(folder, &self.limits).map_err(|reason| failed(chart, reason))?;
        let limits = Limits { compat: self.render.compat, ..self.limits };
        let loaded = load::from_files(files, &limits).map_err(|error| failed(chart, error))?;
        self.print(chart, &loaded, texts).map_err(|reason| failed(chart, reason))
    }
}

fn failed(chart: &weir_kustomize::Chart, reason: impl std::fmt::Display) -> Error {
    Error::Chart { name: chart.name.clone(), reason: reason.to_string() }
}

impl Inflator<'_> {
    fn print(&self, asked: &weir_kustomize::Chart, chart: &Chart, texts: &[String]) -> Result<String, String> {
        let release = ReleaseFacts {
            name: self.release_name(asked)?,
            namespace: if asked.namespace.is_empty() { "default" } else { &asked.namespace }.to_owned(),
            revision: 1,
            is_upgrade: false,
        };
        let capabilities = self.capabilities(asked)?;
        let values = self.values(texts)?;
        let options = TemplateOptions { render: self.render.clone(), ..TemplateOptions::default() };
        let rendered =
            template(chart, &values, &release, &capabilities, &options).map_err(|error| error.to_string())?;
        let output = TemplateOutput {
            include_crds: asked.include_crds,
            no_hooks: asked.skip_hooks,
            skip_tests: asked.skip_tests,
            show_only: Vec::new(),
        };
        rendered.print(&output).map_err(|error| error.to_string())
    }

    fn release_name(&self, asked: &weir_kustomize::Chart) -> Result<String, String> {
        match (asked.release_name.as_str(), asked.name_template.as_str()) {
            ("", "") => Ok(RELEASE_NAME.to_owned()),
            (name, "") => Ok(name.to_owned()),
            ("", template) => engine::name(template, self.render.world.as_ref()).map_err(|error| error.to_string()),
            (_, _) => {
                Err("cannot set --name-template and also specify a name: leave releaseName or nameTemplate out"
                    .to_owned())
            }
        }
    }

    fn capabilities(&self, asked: &weir_kustomize::Chart) -> Result<Capabilities, String> {
        let mut capabilities = Capabilities::default();
        let version = if asked.kube_version.is_empty() { &self.kube_version } else { &asked.kube_version };
        if !version.is_empty() {
            capabilities.kube_version =
                KubeVersion::parse(version).map_err(|error| format!("invalid kube version '{version}': {error}"))?;
        }
        let versions = if asked.api_versions.is_empty() { &self.api_versions } else { &asked.api_versions };
        // Helm takes several in one, parted by commas.
        capabilities.api_versions.extend(versions.iter().flat_map(|it| it.split(',')).map(str::to_owned));
        Ok(capabilities)
    }

    fn values(&self, texts: &[String]) -> Result<Table, String> {
        let mut out = Table::new();
        for text in texts {
            let table = match self.render.compat {
                Compat::Helm4 => values::read(text),
                Compat::Helm3 => values::read_first(text),
            };
            values::merge_maps(&mut out, table.map_err(|error| format!("failed to parse values: {error}"))?);
        }
        Ok(out)
    }
}

/// Reads a folder of a tree as Helm loads a directory.
struct Walk<'a> {
    folder: ChartFolder<'a>,
    ignore: Ignore,
    limits: &'a Limits,
    left: u64,
    files: Vec<SourceFile>,
}

impl<'a> Walk<'a> {
    fn files(folder: ChartFolder<'a>, limits: &'a Limits) -> Result<Vec<SourceFile>, String> {
        let mut walk = Self { folder, ignore: Ignore::default(), limits, left: limits.total, files: Vec::new() };
        let rules = walk.place(".helmignore");
        let rules = match folder.tree.kind(&rules) {
            Kind::File => walk.read(".helmignore")?,
            Kind::Dir | Kind::Missing => Vec::new(),
        };
        let rules = String::from_utf8_lossy(&rules);
        walk.ignore = Ignore::parse(&rules).map_err(|error| format!(".helmignore: {error}"))?;
        walk.below("", 0)?;
        Ok(walk.files)
    }

    fn place(&self, path: &str) -> String {
        join(self.folder.path, path).unwrap_or_else(|| self.folder.path.to_owned())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.folder.tree.read(&self.place(path)).map_err(|error| format!("error reading {path}: {error}"))
    }

    fn below(&mut self, path: &str, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!("{path}: folders are nested more than {DEPTH} levels deep (a link to itself?)"));
        }
        let names = self.folder.tree.list(&self.place(path)).map_err(|error| format!("{path}: {error}"))?;
        for name in names {
            let inner = if path.is_empty() { name } else { format!("{path}/{name}") };
            let kind = self.folder.tree.kind(&self.place(&inner));
            if self.ignore.ignores(&inner, kind == Kind::Dir) {
                continue;
            }
            match kind {
                Kind::Dir => self.below(&inner, depth + 1)?,
                Kind::File => self.file(inner)?,
                Kind::Missing => return Err(format!("cannot load irregular file {inner}")),
            }
        }
        Ok(())
    }

    fn file(&mut self, name: String) -> Result<(), String> {
        if self.files.len() >= self.limits.files {
            return Err(format!("chart has more than {} files", self.limits.files));
        }
        let data = self.read(&name)?;
        let size = data.len() as u64;
        let too_large = || format!("chart exceeds maximum decompressed size of {} bytes", self.limits.total);
        self.left = self.left.checked_sub(size).filter(|_| size <= self.limits.file).ok_or_else(too_large)?;
        self.files.push(SourceFile { name, data: Arc::from(data) });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use weir_kustomize::{Options, build, print};

    use super::*;

    const CHART: &str = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
    const MAP: &str = "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  values: {{ .Values | toJson | quote }}\n";

    fn tree(kustomization: &str) -> MemTree {
        MemTree::new()
            .with("kustomization.yaml", kustomization)
            .with("charts/app/Chart.yaml", CHART)
            .with("charts/app/values.yaml", "a: yes\nb: {c: 1}\n")
            .with("charts/app/templates/map.yaml", MAP)
    }

    fn built(tree: &MemTree, inflator: &Inflator<'_>) -> Result<String, String> {
        let options = Options { charts: Some(inflator), ..Options::default() };
        let text = build(tree, "", &options).and_then(|all| print(&all));
        text.map_err(|error| error.chain())
    }

    #[test]
    fn a_chart_of_the_tree_is_rendered() {
        let text = built(&tree("helmCharts: [{name: app, releaseName: web}]"), &Inflator::default()).unwrap();
        assert!(text.contains(r#"values: '{"a":true,"b":{"c":1}}'"#) && text.contains("name: web"), "{text}");
    }

    /// The chart of [`tree`] as an archive, for whoever asks.
    struct Shelf(Vec<u8>);

    impl Pull for Shelf {
        fn pull(&self, chart: &weir_kustomize::Chart) -> Result<Vec<u8>, Error> {
            assert_eq!((chart.name.as_str(), chart.version.as_str()), ("app", "1.0.0"));
            Ok(self.0.clone())
        }
    }

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_chart_that_is_not_there_is_pulled() {
        let ask =
            "helmCharts: [{name: app, repo: 'https://charts.example', version: 1.0.0, valuesInline: {b: {d: 2}}}]";
        let tree = MemTree::new().with("kustomization.yaml", ask);
        let error = built(&tree, &Inflator::default()).unwrap_err();
        assert!(error.contains("chart app from https://charts.example is not available: put it into"), "{error}");
        let files = [("app/Chart.yaml", CHART), ("app/values.yaml", "b: {c: 1}\n"), ("app/templates/map.yaml", MAP)];
        let shelf = Shelf(archive(&files));
        let text = built(&tree, &Inflator { pull: Some(&shelf), ..Inflator::default() }).unwrap();
        assert!(text.contains(r#"'{"b":{"c":1,"d":2}}'"#) && text.contains("name: release-name"), "{text}");
        let none = Shelf(archive(&[("app/Chart.yaml", CHART)]));
        let error = built(&tree, &Inflator { pull: Some(&none), ..Inflator::default() }).unwrap_err();
        assert!(error.contains("cannot read values.yaml: no such file"), "{error}");
    }

    #[test]
    fn what_the_command_line_says_counts_where_the_kustomization_says_nothing() {
        let show = "kind: A\napiVersion: v1\nmetadata: {name: a}\nv: {{ .Capabilities.KubeVersion }}\nhas: {{ .Capabilities.APIVersions.Has \"x/v1\" }}\n";
        let inflator =
            Inflator { kube_version: "1.20".to_owned(), api_versions: vec!["x/v1".to_owned()], ..Inflator::default() };
        let of = |more: &str| {
            let tree = tree(&format!("helmCharts: [{{name: app{more}}}]")).with("charts/app/templates/map.yaml", show);
            built(&tree, &inflator).unwrap()
        };
        assert!(of("").contains("has: true") && of("").contains("v: v1.20"), "{}", of(""));
        let own = of(", kubeVersion: '1.30', apiVersions: [y/v1]");
        assert!(own.contains("has: false") && own.contains("v: v1.30"), "{own}");
    }

    #[test]
    fn what_is_wrong_is_said_with_the_chart() {
        for (more, reason) in [
            ("nameTemplate: x, releaseName: rel", "chart app: cannot set --name-template"),
            ("nameTemplate: '{{ nope }}'", "chart app: "),
            ("kubeVersion: x", "chart app: invalid kube version 'x'"),
            ("releaseName: UPPER", "chart app: release name \"UPPER\""),
            ("releaseName: -x", "releaseName must not start with '-'"),
            ("valuesMerge: x", "valuesMerge must be one of [merge override replace]"),
            ("valuesInline: {b: 1}", "wrong node kind: expected a mapping, found a scalar"),
            ("valuesFile: none.yaml", "none.yaml"),
            ("additionalValuesFiles: ['https://example.com/x']", "are not downloaded"),
        ] {
            let error =
                built(&tree(&format!("helmCharts: [{{name: app, {more}}}]")), &Inflator::default()).unwrap_err();
            assert!(error.contains(reason) && error.contains("helmCharts: app"), "{more}: {error}");
        }
        for (field, reason) in [
            ("helmCharts: [{name: none}]", "no repo specified for pull, no chart found at 'charts/none'"),
            ("helmCharts: [{}]", "chart name cannot be empty"),
            ("helmCharts: [{name: ../../../x}]", "the path leaves the tree"),
            ("helmGlobals: {chartHome: /charts}\nhelmCharts: [{name: app}]", "absolute paths are not allowed"),
        ] {
            let error = built(&tree(field), &Inflator::default()).unwrap_err();
            assert!(error.contains(reason), "{field}: {error}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let ask = tree("helmCharts: [{name: app}]");
        for (limits, reason) in [
            (Limits { files: 2, ..Limits::default() }, "more than 2 files"),
            (Limits { total: 100, ..Limits::default() }, "maximum decompressed size of 100 bytes"),
        ] {
            let error = built(&ask, &Inflator { limits, ..Inflator::default() }).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
