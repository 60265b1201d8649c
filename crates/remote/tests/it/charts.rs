//! Charts that a kustomization names and its folder does not hold.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, http::StatusCode, routing::get};
use weir_chart::inflate::Inflator;
use weir_kustomize::{MemTree, Options, build, print};
use weir_oci::HELM_CHART_LAYER;
use weir_remote::{Fetcher, Limits};
use weir_testkit::{
    HttpServer, Registry,
    registry::{Image, Layer, tar_gz},
};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {v: {{ .Chart.Version }}, a: {{ .Values.a }}}\n";

fn archive(version: &str) -> Vec<u8> {
    let chart = format!("apiVersion: v2\nname: app\nversion: {version}\n");
    let files = [("app/Chart.yaml", chart.as_str()), ("app/values.yaml", "a: b\n"), ("app/templates/m.yaml", MAP)];
    tar_gz(&files).unwrap()
}

fn built(entry: &str, limits: Limits) -> Result<String, String> {
    let tree = MemTree::new().with("kustomization.yaml", format!("helmCharts: [{{name: app, {entry}}}]\n"));
    let fetcher = Fetcher::new(limits);
    let charts = Inflator { pull: Some(&fetcher), ..Inflator::default() };
    let options = Options { charts: Some(&charts), ..Options::default() };
    build(&tree, "", &options).and_then(|all| print(&all)).map_err(|error| error.chain())
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_come_from_repositories() {
    let (old, new): (Arc<[u8]>, Arc<[u8]>) = (archive("1.0.0").into(), archive("1.2.0").into());
    let index = "apiVersion: v1\nentries:\n  app:\n  - {version: 1.0.0, urls: [files/app-1.0.0.tgz]}\n  - {version: 1.2.0, urls: [/charts/files/new.tgz]}\n  - {version: 2.0.0-rc.1, urls: [gone.tgz]}\n  - {version: 0.9.0, urls: [files/app-1.0.0.tgz], digest: '00'}\n  - {version: 0.8.0, urls: ['file:///etc/passwd']}\n";
    let give = |bytes: Arc<[u8]>| get(move || async move { bytes.to_vec() });
    let router = Router::new()
        .route("/charts/index.yaml", get(move || async move { index }))
        .route("/charts/files/app-1.0.0.tgz", give(old))
        .route("/charts/files/new.tgz", give(new))
        .route("/broken/index.yaml", get(|| async { "entries: [" }))
        .route("/closed/index.yaml", get(|| async { StatusCode::FORBIDDEN }));
    let server = HttpServer::start(router, None).await.unwrap();
    let url = server.url();
    let of = |entry: &str| built(&entry.replace("URL", &url), Limits::default());
    for (entry, version) in [
        ("repo: 'URL/charts'", "1.2.0"),
        ("repo: 'URL/charts/', version: 1.0.0", "1.0.0"),
        ("repo: 'URL/charts', version: 1.0.x, valuesInline: {a: c}", "1.0.0"),
    ] {
        let text = of(entry).unwrap();
        assert!(text.contains(&format!("v: {version}")) && text.contains("name: release-name"), "{entry}: {text}");
    }
    for (entry, reason) in [
        ("repo: 'URL/charts', devel: true", "404"),
        ("repo: 'URL/charts', version: 3.x", "chart \"app\" version \"3.x\" not found"),
        ("repo: 'URL/charts', version: 0.9.0", "the index says sha256:00"),
        ("repo: 'URL/charts', version: 0.8.0", "not from file"),
        ("repo: 'URL/charts', version: 'no range'", "version \"no range\" of chart app"),
        ("repo: 'URL/broken'", "index.yaml is not valid YAML"),
        ("repo: 'URL/closed'", "403"),
        ("repo: 'URL/none'", "404"),
        ("repo: 'ftp://127.0.0.1/x'", "charts come from http, https or oci"),
        ("repo: 'no address'", "cannot fetch no address"),
    ] {
        let error = of(entry).unwrap_err();
        assert!(error.contains(reason) && error.contains("helmCharts: app"), "{entry}: {error}");
    }
    let small = Limits { file_bytes: 10, ..Limits::default() };
    let error = built(&format!("repo: '{url}/charts'"), small).unwrap_err();
    assert!(error.contains("larger than 10 bytes"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_come_from_registries() {
    let registry = Registry::start().await.unwrap();
    for version in ["1.0.0", "1.1.0+build.1", "2.0.0-rc.1"] {
        let layer = Layer { media_type: HELM_CHART_LAYER.to_owned(), data: archive(version) };
        let config_type = "application/vnd.cncf.helm.config.v1+json".to_owned();
        let image = Image { config_type, layers: vec![layer], annotations: BTreeMap::default() };
        registry.push("charts/app", &version.replace('+', "_"), &image).await.unwrap();
    }
    let url = registry.url("charts");
    let of = |more: &str| built(&format!("repo: '{url}'{more}"), Limits::default());
    for (more, version) in [
        ("", "1.1.0+build.1"),
        (", version: 1.0.0", "1.0.0"),
        (", version: 1.1.0+build.1", "1.1.0+build.1"),
        (", version: ~1.0", "1.0.0"),
        (", devel: true", "2.0.0-rc.1"),
    ] {
        let text = of(more).unwrap();
        assert!(text.contains(&format!("v: {version}\n")), "{more}: {text}");
    }
    let error = of(", version: 3.0.0").unwrap_err();
    assert!(error.contains("cannot fetch oci://") && error.contains("charts/app"), "{error}");
}
