//! What `cargo metadata` tells about the crates.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::shell;

/// Crates that do no I/O, read no clock and know no client.
pub const PURE: &[&str] =
    &["yaml", "api", "manifest", "reconcile", "semver", "expr", "gotemplate", "kustomize", "chart", "envsubst"];

/// What would make them impure, however far down.
const EDGE: &[&str] =
    &["tokio", "reqwest", "kube-client", "hyper", "tonic", "axum", "mio", "socket2", "gix", "russh", "oci-client"];

/// A file longer than this must be split or say why it is not.
const LINES: usize = 500;

fn members() -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new().current_dir(shell::root()).no_deps().exec().context("cargo metadata")?;
    Ok(metadata.packages)
}

/// Names of the workspace's packages in the order of the root manifest.
fn flow() -> Result<Vec<String>> {
    let packages = members()?;
    let manifest = std::fs::read_to_string(shell::root().join("Cargo.toml"))?;
    let (_, list) = manifest.split_once("members = [").context("the root manifest lists no members")?;
    let (list, _) = list.split_once(']').context("the list of members does not end")?;
    list.lines()
        .filter_map(|line| Some(line.split_once('"')?.1.split_once('"')?.0))
        .map(|folder| {
            let path = shell::root().join(folder).join("Cargo.toml");
            let package = packages.iter().find(|package| package.manifest_path.as_std_path() == path);
            Ok(package.with_context(|| format!("no package in {folder}"))?.name.to_string())
        })
        .collect()
}

/// A crate may use only crates above it in the list of members; tests may use any.
pub fn order() -> Result<()> {
    let flow = flow()?;
    let place = |name: &str| flow.iter().position(|member| member == name);
    let mut wrong = Vec::new();
    for package in members()? {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal) {
            if let (Some(user), Some(used)) = (place(&package.name), place(&dependency.name))
                && used > user
            {
                wrong.push(format!("{} uses {}, which comes after it", package.name, dependency.name));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}; move the code to where both can reach it", wrong.join("; "));
    Ok(())
}

/// No pure crate reaches the edge through any of its dependencies, with the features it asks for itself.
pub fn purity() -> Result<()> {
    let mut wrong = Vec::new();
    for name in PURE {
        let tree = shell::cargo_output(&[
            "tree",
            "-p",
            &format!("weir-{name}"),
            "-e",
            "normal",
            "--prefix",
            "none",
            "-f",
            "{p}",
        ])?;
        let used: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
        wrong.extend(EDGE.iter().filter(|edge| used.contains(*edge)).map(|edge| format!("weir-{name} reaches {edge}")));
    }
    if !wrong.is_empty() {
        bail!("{}; `cargo tree -p CRATE -e normal -i {{tokio,…}}` shows the way", wrong.join("; "));
    }
    Ok(())
}

/// Hand-written Rust files keep under the limit.
pub fn file_sizes() -> Result<()> {
    let mut long = Vec::new();
    for package in members()? {
        let dir = package.manifest_path.parent().context("a manifest without a folder")?;
        measure(dir.as_std_path(), &mut long)?;
    }
    ensure!(long.is_empty(), "longer than {LINES} lines: {}; split them by step or noun", long.join(", "));
    Ok(())
}

fn measure(dir: &std::path::Path, long: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            measure(&path, long)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let lines = text.lines().count();
            // A file may say at its top why it is long.
            if lines > LINES && !text.lines().take(20).any(|line| line.contains("Long because")) {
                let name = path.strip_prefix(shell::root()).unwrap_or(&path);
                long.push(format!("{} ({lines})", name.display()));
            }
        }
    }
    Ok(())
}

/// Each crate compiles with only the features it asks for itself.
pub fn alone() -> Result<()> {
    for name in flow()? {
        println!("   {name}");
        shell::run_cargo(["check", "--quiet", "--package", &name])?;
    }
    Ok(())
}
