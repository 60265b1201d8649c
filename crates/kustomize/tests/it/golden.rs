//! `tests/golden/<case>/{input/,expected.yaml}`, recorded from the real kustomize.

use std::path::Path;

use weir_kustomize::{MemTree, Options, build, print};

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

#[test]
fn every_golden_is_printed_as_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut count = 0;
    for entry in std::fs::read_dir(&root).unwrap() {
        let folder = entry.unwrap().path();
        let expected = std::fs::read_to_string(folder.join("expected.yaml"))
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut tree = MemTree::new();
        load(&folder.join("input"), "", &mut tree);
        let built = build(&tree, "", &Options::default()).and_then(|resources| print(&resources));
        let printed = built.unwrap_or_else(|error| panic!("{}: {}", folder.display(), error.chain()));
        if let Some((at, (ours, theirs))) =
            printed.lines().zip(expected.lines()).enumerate().find(|(_, (ours, theirs))| ours != theirs)
        {
            panic!("{}: line {}: {ours:?}, recorded {theirs:?}", folder.display(), at + 1);
        }
        assert_eq!(printed, expected, "{}", folder.display());
        count += 1;
    }
    assert!(count >= 25, "only {count} goldens were found");
}
