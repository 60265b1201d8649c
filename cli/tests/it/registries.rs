//! Charts from a real registry.

use std::{collections::BTreeMap, fs};

use weir_testkit::{
    Registry, RegistryOptions,
    registry::{Image, Layer, PASSWORD, USER},
};

use crate::{
    program::{Outcome, weir, weir_with},
    repositories::chart,
};

const PROVENANCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/chart/tests/provenance");
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const SIGNATURE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

async fn push(registry: &Registry, name: &str, tag: &str, layers: &[(&str, Vec<u8>)]) -> String {
    let layers = layers.iter().map(|(kind, data)| Layer { media_type: (*kind).to_owned(), data: data.clone() });
    let config_type = "application/vnd.cncf.helm.config.v1+json".to_owned();
    let image = Image { config_type, layers: layers.collect(), annotations: BTreeMap::default() };
    registry.push(&format!("charts/{name}"), tag, &image).await.unwrap()
}

async fn template(args: &[&str]) -> Outcome {
    weir(None, &[&["template", "rel"], args].concat()).await
}

fn good(outcome: &Outcome, expected: &str) {
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains(&format!("v: {expected} ")), "{outcome:?}");
}

fn bad(outcome: &Outcome, code: i32, expected: &str) {
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(code), ""), "{outcome:?}");
    assert!(outcome.stderr.contains(expected) && outcome.stderr.contains("hint: "), "{expected}: {}", outcome.stderr);
    assert!(!outcome.stderr.contains(PASSWORD), "{}", outcome.stderr);
}

#[tokio::test]
async fn charts_come_from_registries() {
    let registry = Registry::start().await.unwrap();
    let mut digest = String::new();
    for version in ["1.1.0+build.1", "2.0.0-rc.1", "1.0.0"] {
        digest = push(&registry, "app", &version.replace('+', "_"), &[(CHART, chart("app", version))]).await;
    }
    push(&registry, "app", "v3.0.0", &[(CHART, chart("app", "3.0.0"))]).await;
    push(&registry, "old", "0.1.0", &[("application/tar+gzip", chart("old", "0.1.0"))]).await;
    push(&registry, "none", "0.1.0", &[("text/plain", vec![1])]).await;
    let file = |name: &str| fs::read(format!("{PROVENANCE}/{name}")).unwrap();
    let signed = [(CHART, file("signed-1.2.3.tgz")), (SIGNATURE, file("signed-1.2.3.tgz.prov"))];
    let signed_digest = push(&registry, "signed", "1.2.3", &signed).await;
    let url = registry.url("charts");
    for (reference, version) in [
        ("app", "1.1.0+build.1"),
        ("app:1.0.0", "1.0.0"),
        ("app:1.1.0+build.1", "1.1.0+build.1"),
        ("app:1.1.0_build.1", "1.1.0+build.1"),
        ("app --version 1.1.0+build.1", "1.1.0+build.1"),
        ("app --version ~1.0", "1.0.0"),
        ("app --version v3.0.0", "3.0.0"),
        ("app --devel --plain-http", "2.0.0-rc.1"),
        ("app:1.0.0 --devel", "1.0.0"),
        ("app@DIGEST", "1.0.0"),
        ("app:1.0.0@DIGEST", "1.0.0"),
        ("app:9.9.9@DIGEST", "1.0.0"),
    ] {
        let args = format!("{url}/{}", reference.replace("DIGEST", &digest));
        let args: Vec<&str> = args.split(' ').collect();
        good(&template(&args).await, &format!("app {version}"));
    }
    good(&template(&[&format!("{url}/old")]).await, "old 0.1.0");
    for (reference, code, expected) in [
        ("app:1.0.0 --version 1.1.0", 2, "chart reference and version mismatch: 1.1.0 is not 1.0.0"),
        ("app:2.0.0-rc.1@DIGEST", 2, "chart reference digest mismatch"),
        ("app:latest", 2, "improper constraint: \"latest\""),
        ("app --version 1.0", 1, "the registry has no such repository or tag"),
        ("app --version >3", 1, "could not locate a version matching \">3\""),
        ("nothing", 1, "the registry has no such repository or tag"),
        ("none", 1, "does not contain a layer with mediatype application/vnd.cncf.helm.chart.content"),
        ("app --verify", 1, "does not contain a layer with mediatype application/vnd.cncf.helm.chart.provenance"),
        ("APP", 2, "invalid repository name"),
    ] {
        let args = format!("{url}/{}", reference.replace("DIGEST", &digest));
        bad(&template(&args.split(' ').collect::<Vec<_>>()).await, code, expected);
    }
    let keyring = format!("{PROVENANCE}/signer.gpg");
    for reference in ["signed", "signed:1.2.3", "signed@DIGEST"] {
        let reference = format!("{url}/{}", reference.replace("DIGEST", &signed_digest));
        let outcome = template(&[&reference, "--verify", "--keyring", &keyring]).await;
        assert!(outcome.code == Some(0) && outcome.stdout.contains("# Source: signed/"), "{outcome:?}");
        let other = format!("{PROVENANCE}/other.asc");
        let outcome = template(&[&reference, "--verify", "--keyring", &other]).await;
        assert!(outcome.code == Some(1) && outcome.stderr.contains("unknown entity"), "{outcome:?}");
    }
}

#[tokio::test]
async fn registries_are_told_who_asks() {
    let options = RegistryOptions { auth: true, tls: true, ..RegistryOptions::default() };
    let registry = Registry::with(options).await.unwrap();
    push(&registry, "app", "1.0.0", &[(CHART, chart("app", "1.0.0"))]).await;
    let reference = registry.url("charts/app");
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("ca.crt"), registry.ca()).unwrap();
    let auth = format!(
        "{{\"auths\": {{\"{}\": {{\"username\": \"{USER}\", \"password\": \"{PASSWORD}\"}}}}}}",
        registry.address()
    );
    fs::write(path("login.json"), &auth).unwrap();
    fs::create_dir_all(path("registry")).unwrap();
    fs::write(path("registry/config.json"), "{}").unwrap();
    fs::write(path("config.json"), &auth).unwrap();
    fs::write(path("broken.json"), format!("{{\"auths\": {{\"{PASSWORD}\"")).unwrap();
    let (ca, login, broken) = (path("ca.crt"), path("login.json"), path("broken.json"));
    let of = |more: Vec<&str>| {
        let args = [vec!["template", "rel", &reference], more].concat().into_iter().map(str::to_owned);
        let args: Vec<String> = args.collect();
        async move { weir(None, &args.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    let trusted = |more: &[&'static str]| of([&["--ca-file", &ca], more].concat());
    good(&trusted(&["--username", USER, "--password", PASSWORD]).await, "app 1.0.0");
    good(&of(vec!["--ca-file", &ca, "--registry-config", &login]).await, "app 1.0.0");
    good(&of(vec!["--insecure-skip-tls-verify", "--registry-config", &login]).await, "app 1.0.0");
    bad(&trusted(&[]).await, 1, "helm registry login");
    bad(&trusted(&["--username", "me", "--password", "wrong"]).await, 1, "--username and --password");
    bad(&of(vec!["--registry-config", &login]).await, 1, "--ca-file");
    bad(&of(vec!["--ca-file", &ca, "--registry-config", &broken]).await, 2, "broken.json");
    // helm's own configuration, then Docker's.
    let home = path("");
    let args = ["template", "rel", &reference, "--ca-file", &ca];
    good(&weir_with(&[("HELM_REGISTRY_CONFIG", &login)], &args).await, "app 1.0.0");
    good(&weir_with(&[("HELM_CONFIG_HOME", &home), ("DOCKER_CONFIG", &home)], &args).await, "app 1.0.0");
    // An index may name a registry.
    let index = format!("apiVersion: v1\nentries: {{app: [{{version: 1.0.0, urls: ['{reference}:1.0.0']}}]}}\n");
    fs::write(path("my-index.yaml"), index).unwrap();
    fs::write(path("repositories.yaml"), "repositories: [{name: my, url: 'https://127.0.0.1:1'}]\n").unwrap();
    let flags = ["--repository-config", &path("repositories.yaml"), "--repository-cache", &home];
    let all = [&["template", "rel", "my/app", "--ca-file", &ca, "--registry-config", &login], &flags[..]].concat();
    good(&weir(None, &all).await, "app 1.0.0");
}
