//! The shared cases recorded from the real kustomize, where their folder stands beside the checkout.

use std::path::{Path, PathBuf};

use crate::golden::{charts, load};
use weir_chart::inflate::Inflator;
use weir_kustomize::{LoadRestrictions, MemTree, Options, build, print};

/// Cases printed byte for byte as recorded; raise it as it grows, never lower it.
const IDENTICAL: usize = 203;
/// Cases the original refuses and we refuse.
const REFUSED: usize = 42;

struct Case {
    name: String,
    dir: String,
    args: Vec<String>,
    folder: PathBuf,
    expects_output: bool,
}

fn cases(root: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for suite in ["builtin", "krusty"] {
        let Ok(entries) = std::fs::read_dir(root.join(suite)) else { continue };
        let mut folders: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        folders.sort();
        for folder in folders {
            let meta = std::fs::read_to_string(folder.join("case.json")).unwrap();
            let meta: serde_json::Value = serde_json::from_str(&meta).unwrap();
            cases.push(Case {
                name: meta["name"].as_str().unwrap().to_owned(),
                dir: meta["dir"].as_str().unwrap().to_owned(),
                args: meta["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap().to_owned()).collect(),
                expects_output: meta["expects"] == "output",
                folder,
            });
        }
    }
    cases
}

fn options<'a>(args: &[String], charts: &'a Inflator<'a>) -> Options<'a> {
    let mut options = Options::default();
    for arg in args {
        match arg.as_str() {
            "--load-restrictor=LoadRestrictionsNone" | "LoadRestrictionsNone" => {
                options.load_restrictions = LoadRestrictions::None;
            }
            "--enable-managedby-label" => options.managed_by_label = true,
            "--enable-helm" => options.charts = Some(charts),
            "--load-restrictor" => {}
            other => panic!("{other} is not known here"),
        }
    }
    options
}

#[test]
fn the_shared_cases_print_what_the_original_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/kustomize");
    if !root.is_dir() {
        eprintln!("skipped: no shared conformance cases beside the checkout");
        return;
    }
    let (mut identical, mut different, mut failed, mut refused, mut accepted) = (0, 0, 0, 0, 0);
    let charts = charts();
    for case in cases(&root) {
        let options = options(&case.args, &charts);
        let mut tree = MemTree::new();
        load(&case.folder, "", &mut tree);
        let result = build(&tree, &case.dir, &options).and_then(|resources| print(&resources));
        match (case.expects_output, result) {
            (true, Ok(text)) => {
                let expected = std::fs::read_to_string(case.folder.join("expected.yaml")).unwrap();
                if text == expected {
                    identical += 1;
                } else {
                    different += 1;
                    eprintln!("different: {}", case.name);
                    if let Ok(dir) = std::env::var("WEIR_KEEP_DIFFERENT") {
                        let file = Path::new(&dir).join(case.name.replace('/', "__"));
                        std::fs::write(file, text).unwrap();
                    }
                }
            }
            (true, Err(error)) => {
                failed += 1;
                eprintln!("failed: {}: {}", case.name, error.chain());
            }
            (false, Err(_)) => refused += 1,
            (false, Ok(_)) => {
                accepted += 1;
                eprintln!("accepted: {}", case.name);
            }
        }
    }
    eprintln!(
        "{identical} identical, {different} different, {failed} failed, {refused} refused as the original does, \
         {accepted} accepted that it refuses"
    );
    assert!(identical >= IDENTICAL, "{identical} of at least {IDENTICAL} identical");
    assert!(refused >= REFUSED, "{refused} of at least {REFUSED} refused");
}
