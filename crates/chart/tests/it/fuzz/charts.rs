//! Files of charts, those of the goldens with changes: loaded and rendered, or refused. Provenance and records likewise.

use std::{fs, path::Path, sync::LazyLock};

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{TestCaseResult, TestRunner},
};
use weir_chart::{
    Capabilities, Compat, Ignore, Limits, ReleaseFacts, RenderLimits, RenderOptions, SourceFile, TemplateOptions,
    TemplateOutput, load, provenance, record, template, values,
};

use super::{
    cases,
    mutate::{changes, mutated},
};

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{ end }}",
    "{{ else }}",
    "{{ . }}",
    "{{ .Values }}",
    "{{ toYaml . }}",
    "{{ include \"h\" . }}",
    "{{ tpl \"{{ . }}\" . }}",
    "{{ define \"h\" }}",
    "{{ range . }}",
    "{{ .Files.Get \"a\" }}",
    "{{ .Subcharts }}",
    "{{ .Files.Glob \"**\" | toYaml }}",
    "{{ lookup \"v1\" \"Pod\" \"\" \"\" }}",
    "{{ fail \"x\" }}",
    "nil",
    "| fromYaml",
    "| quote",
    "| nindent 4",
    "(",
    ")",
    "\"",
    "`",
    "\\",
    "\n",
    "\n---\n",
    "\r\n",
    "\t",
    " ",
    "  ",
    "- ",
    ": ",
    "?",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "|\n",
    ">-\n",
    "#",
    "'",
    "null",
    "~",
    "true",
    "1e400",
    "-1",
    "0x",
    ".inf",
    "é",
    "\u{0}",
    "\u{feff}",
    "kind: List\nitems:\n",
    "helm.sh/hook: pre-install,test\n",
    "helm.sh/hook-weight: \"x\"\n",
    "\"$ref\": \"#\"",
    "alias: b\n",
    "condition: a.b,c\n",
    "import-values: [x, {child: y, parent: z}]\n",
    "tags: [x]\n",
    "version: '*'\n",
    "kubeVersion: \">=1\"\n",
    "type: library\n",
    "dependencies:\n- name: app\n",
    "../",
    "**",
    "[a-",
];

/// The files of every golden chart.
static CHARTS: LazyLock<Vec<Vec<(String, Vec<u8>)>>> = LazyLock::new(|| {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"));
    let mut inputs: Vec<_> = fs::read_dir(root).unwrap().map(|it| it.unwrap().path().join("input")).collect();
    inputs.retain(|it| it.is_dir());
    inputs.sort();
    inputs.iter().map(|it| files_below(it, "")).collect()
});

fn files_below(root: &Path, path: &str) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in fs::read_dir(root.join(path)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let inner = if path.is_empty() { name } else { format!("{path}/{name}") };
        if root.join(&inner).is_dir() {
            out.extend(files_below(root, &inner));
        } else {
            out.push((inner.clone(), fs::read(root.join(&inner)).unwrap()));
        }
    }
    out.sort();
    out
}

/// Runs on a thread with as much stack as rendering asks for.
fn run<S: Strategy + Send + 'static>(least: u32, strategy: S, test: fn(S::Value) -> TestCaseResult)
where
    S::Value: std::fmt::Debug,
{
    let work = move || TestRunner::new(cases(least)).run(&strategy, test).map_err(|error| error.to_string());
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work).unwrap();
    let result = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    result.unwrap_or_else(|error| panic!("{error}"));
}

fn rendered(files: Vec<(String, Vec<u8>)>, compat: Compat) -> TestCaseResult {
    let files = files.into_iter().map(|(name, data)| SourceFile { name, data: data.into() }).collect();
    let limits = Limits { total: 4 << 20, file: 4 << 20, files: 500, depth: 8, ..Limits::default() };
    let chart = match load::from_files(files, &limits) {
        Ok(chart) => chart,
        Err(error) => {
            prop_assert!(!error.to_string().is_empty());
            return Ok(());
        }
    };
    let limits = RenderLimits { steps: 100_000, output: 1 << 20, ..RenderLimits::default() };
    let render = RenderOptions { compat, limits, ..RenderOptions::default() };
    let options = TemplateOptions { render, ..TemplateOptions::default() };
    let release = ReleaseFacts { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    match template(&chart, &values::Table::new(), &release, &Capabilities::default(), &options) {
        Err(error) => prop_assert!(!error.to_string().is_empty()),
        Ok(it) => {
            prop_assert!(it.manifests.iter().map(|it| it.text.len()).sum::<usize>() <= 8 << 20);
            let output = TemplateOutput { include_crds: true, ..TemplateOutput::default() };
            prop_assert!(it.print(&output).is_ok());
            let release = record::Release { chart: record::chart_json(&it.chart), ..record::Release::default() };
            let again = record::decode(record::encode(&release).as_bytes());
            prop_assert!(again.is_ok_and(|it| it.chart == release.chart));
        }
    }
    Ok(())
}

#[test]
fn charts_with_changes() {
    let change = (any::<Index>(), any::<Index>(), changes(PIECES, 5), any::<bool>());
    run(250, change, |(chart, file, changes, helm3)| {
        let mut files = chart.get(CHARTS.as_slice()).clone();
        let at = file.index(files.len());
        files[at].1 = mutated(&files[at].1, &changes);
        rendered(files, if helm3 { Compat::Helm3 } else { Compat::Helm4 })
    });
}

#[test]
fn charts_with_files_of_others() {
    let moves = prop::collection::vec((any::<Index>(), any::<Index>(), any::<Index>(), any::<bool>()), 1..4);
    run(100, (any::<Index>(), moves), |(chart, moves)| {
        let mut files = chart.get(CHARTS.as_slice()).clone();
        for (other, from, to, below) in moves {
            let (name, data) = from.get(other.get(CHARTS.as_slice()).as_slice()).clone();
            let at = to.index(files.len());
            files[at].1.clone_from(&data);
            files.push((if below { format!("charts/sub/{name}") } else { name }, data));
        }
        rendered(files, Compat::Helm4)
    });
}

#[test]
fn rules_of_ignored_files() {
    let lines = prop::collection::vec("[a-z*?!/#.\\[\\]^\\\\ é-]{0,12}", 0..6);
    run(400, (lines, "[a-z./é]{0,20}", any::<bool>()), |(lines, path, folder)| {
        if let Ok(rules) = Ignore::parse(&lines.join("\n")) {
            let _ = rules.ignores(&path, folder);
        }
        Ok(())
    });
}

fn provenance_file(name: &str) -> Vec<u8> {
    fs::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/provenance")).join(name)).unwrap()
}

#[test]
fn signatures_with_changes() {
    const PIECES: &[&str] = &[
        "-----BEGIN PGP SIGNED MESSAGE-----\n",
        "-----END PGP SIGNATURE-----\n",
        "Hash: MD5\n",
        "\n",
        "- ",
        "=",
        "files:\n",
        "\n...\n",
    ];
    run(60, (0usize..3, changes(PIECES, 4)), |(which, changes)| {
        let name = "signed-1.2.3.tgz";
        let mut parts =
            [provenance_file(name), provenance_file("signed-1.2.3.tgz.prov"), provenance_file("signer.gpg")];
        let before = parts[which].clone();
        parts[which] = mutated(&before, &changes);
        let [archive, signed, keyring] = &parts;
        let now = "2027-06-01T00:00:00Z".parse().unwrap();
        if let Ok(it) = provenance::verify(archive, name, signed, keyring, now) {
            prop_assert!(which != 0 || parts[0] == before, "another archive passed");
            prop_assert_eq!(it.fingerprint, "C64822BD10375DB719C081146EAF8C6BE2B5C7F7");
            prop_assert_eq!(it.digest, "sha256:29ab7b4c8a0316c494f2425f1a22170bff54f45bed0ce2392eed3d8b80e4acaa");
        }
        Ok(())
    });
}

#[test]
fn records_with_changes() {
    let seed = fs::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/record/helm4.data"))).unwrap();
    run(
        60,
        (Just(seed), any::<bool>(), changes(&["\"", "{", "}", "null", "1", "==", "\u{1}"], 5)),
        |(seed, inside, changes)| {
            let data = if inside {
                let json = serde_json::to_vec(&record::decode(&seed).unwrap()).unwrap();
                base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mutated(&json, &changes))
                    .into_bytes()
            } else {
                mutated(&seed, &changes)
            };
            if let Ok(release) = record::decode(&data) {
                prop_assert!(record::decode(record::encode(&release).as_bytes()).is_ok_and(|it| it == release));
            }
            Ok(())
        },
    );
}
