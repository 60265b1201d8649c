//! `tests/golden/<case>/{input/,expected.yaml}`, recorded from the real kustomize.

use std::path::Path;

use weir_chart::{RenderOptions, SystemRandom, World, Zone, inflate::Inflator};
use weir_kustomize::{LoadRestrictions, MemTree, Options, Reorder, build, print};

pub(crate) fn load(dir: &Path, prefix: &str, tree: &mut MemTree) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.path().is_dir() {
            load(&entry.path(), &path, tree);
        } else {
            tree.insert(path, std::fs::read(entry.path()).unwrap());
        }
    }
}

/// The chart engine, with what a test's stack allows.
pub(crate) fn charts() -> Inflator<'static> {
    let world = World::new(|| 0, Zone::Utc, SystemRandom);
    let render = RenderOptions { world: Some(world.into()), ..RenderOptions::default() };
    Inflator { render, ..Inflator::default() }
}

/// What follows `kustomize build`: the folder and the options.
fn command<'a>(case: &Path, charts: &'a mut Inflator<'static>) -> (String, Options<'a>) {
    let text = std::fs::read_to_string(case.join("command")).unwrap_or_default();
    let (mut dir, mut options) = (String::new(), Options::default());
    let mut with_charts = false;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "--load-restrictor" if words.next() == Some("LoadRestrictionsNone") => {
                options.load_restrictions = LoadRestrictions::None;
            }
            "--enable-managedby-label" => options.managed_by_label = true,
            "--enable-helm" => with_charts = true,
            "--helm-kube-version" => words.next().unwrap_or_default().clone_into(&mut charts.kube_version),
            "--helm-api-versions" => charts.api_versions = words.next().into_iter().map(str::to_owned).collect(),
            "--reorder" => options.reorder = if words.next() == Some("none") { Reorder::None } else { Reorder::Legacy },
            "." => {}
            word => {
                assert!(!word.starts_with('-'), "{}: {word} is not known here", case.display());
                word.clone_into(&mut dir);
            }
        }
    }
    if with_charts {
        options.charts = Some(charts);
    }
    (dir, options)
}

#[test]
fn every_golden_is_printed_or_refused_as_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let (mut printed, mut refused, mut wrong) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(&root).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let expected = std::fs::read_to_string(folder.join("expected.yaml")).ok();
        assert!(expected.is_some() || folder.join("refused").is_file(), "{name} is not recorded");
        let mut tree = MemTree::new();
        load(&folder.join("input"), "", &mut tree);
        let mut charts = charts();
        let (dir, options) = command(&folder, &mut charts);
        let built = build(&tree, &dir, &options).and_then(|resources| print(&resources));
        match (expected, built) {
            (None, Err(_)) => refused += 1,
            (None, Ok(_)) => wrong.push(format!("{name}: accepted")),
            (Some(_), Err(error)) => wrong.push(format!("{name}: {}", error.chain())),
            (Some(expected), Ok(text)) if text == expected => printed += 1,
            (Some(expected), Ok(text)) => {
                let at = text.lines().zip(expected.lines()).enumerate().find(|(_, (ours, theirs))| ours != theirs);
                wrong.push(format!("{name}: {at:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(printed >= 118 && refused >= 69, "only {printed} printed and {refused} refused goldens were found");
}
