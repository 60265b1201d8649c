//! Builds that ask for more than they may have, though their input is small.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use weir_kustomize::{Budget, Kind, MemTree, Options, Tree, TreeError, build};

const CHANGES: &str = "kustomization.yaml";

fn maps(count: usize) -> String {
    (0..count)
        .map(|at| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map-{at}}}\ndata: {{key: value}}\n"))
        .collect()
}

/// A kustomization that does much with many objects.
fn tree(count: usize, changes: &str) -> MemTree {
    MemTree::new().with("maps.yaml", maps(count)).with(CHANGES, format!("resources: [maps.yaml]\n{changes}"))
}

/// Ends the build a moment after a file was read: by then the build only works on objects.
struct Interrupting<'a>(&'a MemTree, &'a str, Arc<AtomicBool>);

impl Tree for Interrupting<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        if path == self.1 {
            let interrupt = Arc::clone(&self.2);
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(100));
                interrupt.store(true, Ordering::Relaxed);
            });
        }
        self.0.read(path)
    }

    fn kind(&self, path: &str) -> Kind {
        self.0.kind(path)
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, TreeError> {
        self.0.list(dir)
    }
}

/// Each of these would take minutes.
#[test]
fn a_build_ends_when_it_is_told_to_whatever_it_is_doing() {
    const MANY: usize = 4000;
    let each = |text: &dyn Fn(usize) -> String| (0..MANY).map(text).collect::<String>();
    let replacements = each(&|at| {
        let source = format!("{{kind: ConfigMap, name: map-{at}, fieldPath: data.key}}");
        format!("- {{source: {source}, targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [data.key]}}]}}\n")
    });
    let json = each(&|_| "- {target: {name: 'm.*'}, patch: '[{op: add, path: /data/a, value: b}]'}\n".to_owned());
    let strategic = each(&|_| {
        "- {target: {name: 'm.*'}, patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}'}\n".to_owned()
    });
    let labels = each(&|at| format!("- {{pairs: {{a{at}: b}}}}\n"));
    let operations = each(&|_| "{\"op\": \"test\", \"path\": \"/data/key\", \"value\": \"value\"},".to_owned());
    let operations = operations.trim_end_matches(',');
    for changes in [
        format!("replacements:\n{replacements}"),
        format!("patches:\n{json}"),
        format!("patches:\n{strategic}"),
        format!("labels:\n{labels}"),
        format!("patches: [{{target: {{kind: ConfigMap}}, patch: '[{operations}]'}}]\n"),
    ] {
        let tree = tree(MANY, &changes);
        let interrupt = Arc::new(AtomicBool::new(false));
        let options = Options { interrupt: Some(&interrupt), ..Options::default() };
        let start: String = changes.chars().take(40).collect();
        let error = build(&Interrupting(&tree, "maps.yaml", Arc::clone(&interrupt)), "", &options).unwrap_err();
        assert!(error.is_interrupted(), "{start}: {}", error.chain());
        assert!(error.chain().ends_with("the build was ended before it was done"), "{start}: {}", error.chain());
    }
}

#[test]
fn what_grows_out_of_little_is_bounded() {
    let doubling: String =
        (0..60).map(|at| format!("{{\"op\": \"copy\", \"from\": \"/data\", \"path\": \"/data/{at}\"}},")).collect();
    let doubling = format!("[{}]", doubling.trim_end_matches(','));
    let large = "x".repeat(100_000);
    let vars = format!(
        "vars: [{{name: V, objref: {{apiVersion: v1, kind: ConfigMap, name: map-0}}, fieldref: {{fieldpath: data.large}}}}]\n\
         configurations: [vars.yaml]\npatches: [{{path: large.yaml, target: {{name: map-0}}}}, \
         {{target: {{kind: ConfigMap}}, patch: '[{{\"op\": \"add\", \"path\": \"/data/all\", \"value\": \"{}\"}}]'}}]\n",
        "$(V)".repeat(1000)
    );
    let replacements: String = (0..60)
        .map(|at| {
            format!(
                "- {{source: {{kind: ConfigMap, name: map-0, fieldPath: data}}, targets: [{{select: {{name: map-0}}, \
                 fieldPaths: [data.k{at}], options: {{create: true}}}}]}}\n"
            )
        })
        .collect();
    for changes in [
        format!("patches: [{{target: {{name: map-0}}, patch: '{doubling}'}}]\n"),
        format!("labels: [{{pairs: {{a: {large}}}}}]\n"),
        format!("namePrefix: {large}\n"),
        "patches: [{path: large.yaml, target: {kind: ConfigMap}}]\n".to_owned(),
        vars,
        format!("replacements:\n{replacements}"),
    ] {
        let tree = tree(1000, &changes).with("vars.yaml", "varReference: [{path: data/all, kind: ConfigMap}]\n").with(
            "large.yaml",
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{large: {large}}}\n"),
        );
        let budget = Budget { memory: 16 << 20, ..Budget::default() };
        let error = build(&tree, "", &Options { budget, ..Options::default() }).unwrap_err().chain();
        let start: String = changes.chars().take(60).collect();
        assert!(error.contains("memory of the build in bytes exceeds the limit of 16777216"), "{start}: {error:.300}");
    }
}
