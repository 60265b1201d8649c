//! `weir kustomize` on directories that mean no good: it refuses, at once, and repeats nothing of what it should not read.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::program::{Outcome, weir};

const CANARY: &str = "canary-4711";

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        let dir = Self(tempfile::tempdir().unwrap());
        fs::write(dir.path("outside.yaml"), secret()).unwrap();
        fs::create_dir_all(dir.path("app/charts/c/templates")).unwrap();
        dir.put("app/charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
        dir.put("app/charts/c/values.yaml", "{}\n");
        dir
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    async fn build(&self, more: &[&str]) -> Outcome {
        let dir = self.path("app");
        let mut args = vec!["kustomize", dir.to_str().unwrap(), "--enable-helm"];
        args.extend(more);
        weir(None, &args).await
    }

    /// Builds, restrictions on and off, and has it refused.
    async fn refused(&self, what: &str, reason: &str) {
        for more in [&[][..], &["--load-restrictor", "LoadRestrictionsNone"]] {
            self.refused_with(what, reason, more).await;
        }
    }

    async fn refused_with(&self, what: &str, reason: &str, more: &[&str]) {
        let outcome = self.build(more).await;
        assert_eq!(outcome.code, Some(1), "{what}: {outcome:?}");
        assert!(outcome.stdout.is_empty() && outcome.stderr.contains(reason), "{what}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains(CANARY), "{what} shows a file's content: {}", outcome.stderr);
    }
}

fn secret() -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: hidden}}\nstringData: {{key: {CANARY}}}\n{CANARY}: [\n")
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Every way to name a file, with the file called `x`.
const FILES: [&str; 13] = [
    "resources: [x]",
    "patches: [{path: x}]",
    "patchesStrategicMerge: [x]",
    "patchesJson6902: [{path: x, target: {version: v1, kind: A, name: b}}]",
    "configMapGenerator: [{name: a, files: [x]}]",
    "secretGenerator: [{name: a, envs: [x]}]",
    "replacements: [{path: x}]",
    "configurations: [x]",
    "crds: [x]",
    "openapi: {path: x}",
    "transformers: [x]",
    "helmCharts: [{name: c, valuesFile: x}]",
    "helmCharts: [{name: c, additionalValuesFiles: [x]}]",
];

#[tokio::test]
async fn fifos_and_devices_are_no_files_and_nobody_waits_for_them() {
    for device in ["fifo", "/dev/zero", "/dev/tty"] {
        let dir = Dir::new();
        match device {
            "fifo" => fifo(&dir.path("app/x")),
            device => symlink(device, dir.path("app/x")).unwrap(),
        }
        for field in FILES {
            dir.put("app/kustomization.yaml", field);
            let outcome = dir.build(&["--load-restrictor", "LoadRestrictionsNone"]).await;
            assert_eq!(outcome.code, Some(1), "{device}, {field}: {outcome:?}");
            assert!(outcome.stderr.contains('x') && outcome.stdout.is_empty(), "{device}, {field}: {outcome:?}");
        }
        // A link to the device leads out of the folder, and is refused for that as well.
        dir.put("app/kustomization.yaml", "resources: [x]");
        assert_eq!(dir.build(&[]).await.code, Some(1));
    }
}

#[tokio::test]
async fn a_kustomization_file_or_a_part_of_a_chart_that_is_a_fifo_is_refused() {
    let dir = Dir::new();
    fifo(&dir.path("app/kustomization.yaml"));
    dir.refused("kustomization.yaml", "unable to find one of").await;
    for part in ["values.yaml", "Chart.yaml", "templates/a.yaml", ".helmignore"] {
        let dir = Dir::new();
        dir.put("app/kustomization.yaml", "helmCharts: [{name: c}]");
        fs::remove_file(dir.path("app/charts/c").join(part)).ok();
        fifo(&dir.path("app/charts/c").join(part));
        dir.refused(part, part).await;
    }
}

#[tokio::test]
async fn absolute_paths_and_ways_out_are_refused() {
    let dir = Dir::new();
    let outside = dir.path("outside.yaml").display().to_string();
    // The root of the disk is the end of what there is.
    let beyond = format!("{}etc/passwd", "../".repeat(40));
    for field in FILES {
        let naming = |path: &str| field.replace("[x]", &format!("[{path}]")).replace(": x", &format!(": {path}"));
        dir.put("app/kustomization.yaml", &naming(&outside));
        dir.refused(field, "absolute paths are not allowed").await;
        dir.put("app/kustomization.yaml", &naming("../outside.yaml"));
        dir.refused_with(field, "files must stand in or below the folder", &[]).await;
        dir.put("app/kustomization.yaml", &naming(&beyond));
        dir.refused(field, "the path leaves the tree").await;
    }
    for field in ["resources: [/]", "components: [/etc]", "helmGlobals: {chartHome: /etc}\nhelmCharts: [{name: c}]"] {
        dir.put("app/kustomization.yaml", field);
        dir.refused(field, "absolute paths are not allowed").await;
    }
}

#[tokio::test]
async fn links_out_of_the_folder_are_refused() {
    let dir = Dir::new();
    symlink("../outside.yaml", dir.path("app/x")).unwrap();
    for field in FILES {
        dir.put("app/kustomization.yaml", field);
        dir.refused_with(field, "files must stand in or below the folder", &[]).await;
    }
    fs::remove_file(dir.path("app/x")).unwrap();
    symlink("nowhere", dir.path("app/x")).unwrap();
    dir.put("app/kustomization.yaml", FILES[0]);
    dir.refused("a link to nothing", "no such file").await;
    fs::remove_file(dir.path("app/x")).unwrap();
    symlink("x", dir.path("app/x")).unwrap();
    dir.refused("a link to itself", "x").await;
}

#[tokio::test]
async fn what_cannot_be_parsed_is_not_repeated() {
    let dir = Dir::new();
    dir.put("app/x", &secret());
    for field in FILES {
        // A file of a generator may hold anything, and keys of variables too.
        if !field.contains("Generator") {
            dir.put("app/kustomization.yaml", field);
            dir.refused(field, "x").await;
        }
    }
}

#[tokio::test]
async fn bases_that_include_each_other_are_refused() {
    let dir = Dir::new();
    dir.put("app/kustomization.yaml", "resources: [../other]");
    dir.put("other/kustomization.yaml", "resources: [../app]");
    dir.refused("each other", "cycle detected").await;
    dir.put("app/kustomization.yaml", "resources: [self]");
    symlink(".", dir.path("app/self")).unwrap();
    dir.refused("itself, by a link", "cycle detected").await;
    dir.put("app/kustomization.yaml", "resources: [inner]");
    dir.put("app/inner/kustomization.yaml", "resources: [../../app]");
    dir.refused("its parent", "cycle detected").await;
}

#[tokio::test]
async fn endless_bases_end() {
    let dir = Dir::new();
    dir.put("app/kustomization.yaml", "resources: [../b0]");
    for level in 0..5000 {
        dir.put(&format!("b{level}/kustomization.yaml"), &format!("resources: [../b{}]", level + 1));
    }
    dir.refused("one in the other", "depth of kustomizations exceeds the limit of 64").await;
    // Each is built twice by the one before it: more than could ever be built.
    for level in 0..30 {
        let (next, dir_of) = (level + 1, |name: &str| format!("{name}{level}/kustomization.yaml"));
        dir.put(&dir_of("b"), &format!("resources: [../c{level}, ../b{next}]"));
        dir.put(&dir_of("c"), &format!("resources: [../b{next}]\nnamePrefix: x"));
    }
    dir.put("b30/kustomization.yaml", "resources: []");
    dir.refused("each twice", "number of kustomizations exceeds the limit of 10000").await;
}

#[tokio::test]
async fn charts_that_link_to_themselves_end() {
    let dir = Dir::new();
    dir.put("app/kustomization.yaml", "helmCharts: [{name: c}]");
    symlink("..", dir.path("app/charts/c/templates/up")).unwrap();
    dir.refused("a chart in itself", "chart c: ").await;
}
