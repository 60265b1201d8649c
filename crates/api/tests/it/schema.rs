//! Our CRDs against the original ones: the same in everything but descriptions and what is listed here.

use std::collections::BTreeSet;

use crate::facts;

const GOLDEN: &str = include_str!("../golden/crds.facts");

/// Facts of the originals that ours deliberately lack: the mark of a generator that is not ours.
fn expected(line: &str) -> String {
    let line = line.replace(r#""controller-gen.kubebuilder.io/version":"v0.21.0","#, "");
    // Deliberate addition: the two image kinds whose originals lack it in this snapshot are protected from variable
    // substitution as well.
    line.replace(
        r#"{"controller-gen.kubebuilder.io/version":"v0.21.0"}"#,
        r#"{"kustomize.toolkit.fluxcd.io/substitute":"disabled"}"#,
    )
}

#[test]
fn our_crds_are_the_originals() {
    let theirs: BTreeSet<String> = GOLDEN.lines().map(expected).collect();
    assert!(theirs.len() > 900, "the golden is cut off: {} facts", theirs.len());
    let ours: BTreeSet<String> = facts::of(&weir_api::crds()).into_iter().collect();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let added: Vec<_> = ours.difference(&theirs).collect();
    assert!(missing.is_empty() && added.is_empty(), "missing or different: {missing:#?}\nours instead: {added:#?}");
}

/// The golden against what it was recorded from, where that is at hand. Elsewhere the golden alone is the proof, and
/// `our_crds_are_the_originals` needs nothing else.
#[test]
fn the_golden_is_what_the_originals_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec/crds");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("the original CRDs are not on this machine; their recorded facts stand");
        return;
    };
    let crds: Vec<serde_json::Value> = files
        .map(|file| weir_yaml::parse_value(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap())
        .collect();
    assert_eq!(crds.len(), 15);
    let golden: Vec<&str> = GOLDEN.lines().collect();
    let recorded = facts::of(&crds);
    let stale: Vec<_> = recorded.iter().filter(|fact| !golden.contains(&fact.as_str())).collect();
    assert!(stale.is_empty() && recorded.len() == golden.len(), "not in the golden: {stale:#?}");
}

#[test]
fn rendered_files_say_what_the_crds_say() {
    let files = weir_api::crds::render();
    let crds = weir_api::crds();
    assert_eq!(files.len(), crds.len() + 1);
    for crd in crds {
        let name = crd["metadata"]["name"].as_str().unwrap();
        let (_, text) = files.iter().find(|(_, text)| text.contains(&format!("\n  name: {name}\n"))).unwrap();
        assert_eq!(weir_yaml::parse_value(text).unwrap(), crd, "{name}");
    }
}

#[test]
fn every_schema_node_is_described() {
    fn walk(path: &str, node: &serde_json::Value) {
        for (name, child) in node["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            let known = ["apiVersion", "kind", "metadata"].contains(&name.as_str()) && path.matches('.').count() == 1;
            let text = child["description"].as_str().unwrap_or_default();
            assert!(known || (text.len() > 3 && !text.contains('\n')), "{path} is not described: {text:?}");
            walk(&path, child);
        }
        for key in ["items", "additionalProperties"] {
            if let Some(child) = node.get(key) {
                walk(path, child);
            }
        }
    }
    for crd in weir_api::crds() {
        walk(crd["spec"]["names"]["kind"].as_str().unwrap(), &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]);
    }
}
