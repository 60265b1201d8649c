//! `tests/golden/<case>/{input,command,expected.yaml|refused}`, recorded from the real helm by `cargo xtask goldens`.

use std::{collections::BTreeSet, fs, path::Path, rc::Rc};

use weir_chart::{
    Capabilities, Compat, KubeVersion, ReleaseFacts, RenderLimits, RenderOptions, SystemRandom, TemplateOptions,
    TemplateOutput, World, Zone, engine, strvals, template, values,
};

use crate::files::load_dir;

/// Where we do not do as Helm 3: it reads only the first document of a `values.yaml`, and `--set-json` knows no whole objects.
const NOT_AS_HELM3: [&str; 2] = ["values-documents", "set"];
/// The stack of the thread that renders; deeply nested templates need more than a test's has.
const STACK: usize = 256 << 20;

struct Command {
    values: values::Table,
    release: ReleaseFacts,
    capabilities: Capabilities,
    options: TemplateOptions,
    output: TemplateOutput,
}

fn render_options(compat: Compat) -> RenderOptions {
    let limits = RenderLimits { stack: STACK / 8 * 7, ..RenderLimits::default() };
    RenderOptions { compat, limits, world: Some(world()), ..RenderOptions::default() }
}

/// The machine's randomness, and a clock that stands.
fn world() -> Rc<World> {
    Rc::new(World::new(|| 1_700_000_000_000_000_000, Zone::Utc, SystemRandom))
}

fn command(case: &Path, compat: Compat) -> Result<Command, String> {
    let mut it = Command {
        values: values::Table::new(),
        release: ReleaseFacts { name: "rel".into(), namespace: "default".into(), revision: 1, is_upgrade: false },
        capabilities: Capabilities::default(),
        options: TemplateOptions { render: render_options(compat), ..TemplateOptions::default() },
        output: TemplateOutput::default(),
    };
    let text = fs::read_to_string(case.join("command")).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut sets: Vec<(&str, &str)> = Vec::new();
    let mut next = words.iter();
    while let Some(flag) = next.next() {
        let mut value = || *next.next().expect("a value");
        match *flag {
            "-f" => {
                let text = fs::read_to_string(case.join(value())).unwrap();
                let read = if compat == Compat::Helm3 { values::read_first(&text) } else { values::read(&text) };
                values::merge_maps(&mut it.values, read.map_err(|error| error.to_string())?);
            }
            "--set" | "--set-string" | "--set-json" | "--set-file" | "--set-literal" => sets.push((flag, value())),
            "-n" => it.release.namespace = value().into(),
            "-a" => it.capabilities.api_versions.extend(value().split(',').map(str::to_owned)),
            "-s" => it.output.show_only.push(value().into()),
            "--kube-version" => it.capabilities.kube_version = KubeVersion::parse(value()).unwrap(),
            "--include-crds" => it.output.include_crds = true,
            "--no-hooks" => it.output.no_hooks = true,
            "--skip-tests" => it.output.skip_tests = true,
            "--is-upgrade" => it.release.is_upgrade = true,
            "--skip-schema-validation" => it.options.skip_schema_validation = true,
            other => panic!("{}: unknown flag {other}", case.display()),
        }
    }
    let read = |path: &str| Ok(fs::read_to_string(case.join(path)).unwrap());
    for flag in ["--set-json", "--set", "--set-string", "--set-file", "--set-literal"] {
        for (_, text) in sets.iter().filter(|(name, _)| *name == flag) {
            match flag {
                "--set" => strvals::set(text, &mut it.values),
                "--set-string" => strvals::set_string(text, &mut it.values),
                "--set-json" => strvals::set_json(text, &mut it.values),
                "--set-file" => strvals::set_file(text, &mut it.values, &read),
                _ => strvals::set_literal(text, &mut it.values),
            }
            .map_err(|error| error.to_string())?;
        }
    }
    Ok(it)
}

fn answer(case: &Path, compat: Compat) -> Result<String, String> {
    let chart = load_dir(&case.join("input"))?;
    let it = command(case, compat)?;
    let rendered =
        template(&chart, &it.values, &it.release, &it.capabilities, &it.options).map_err(|it| it.to_string())?;
    rendered.print(&it.output).map_err(|error| error.to_string())
}

/// Compares one case; what differs, in a few lines.
fn compare(case: &Path, compat: Compat, suffix: &str) -> Option<String> {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let expected = fs::read_to_string(case.join(format!("expected{suffix}.yaml"))).ok();
    let refused = fs::read_to_string(case.join(format!("refused{suffix}"))).ok();
    match (answer(case, compat), expected, refused) {
        (Ok(text), Some(expected), _) if text == expected => None,
        (Ok(text), Some(expected), _) => {
            let at = text.lines().zip(expected.lines()).position(|(a, b)| a != b).unwrap_or(0);
            let line = |text: &str| text.lines().nth(at).unwrap_or_default().to_owned();
            Some(format!("{name}{suffix}: line {}\n  helm: {}\n  weir: {}", at + 1, line(&expected), line(&text)))
        }
        (Ok(_), None, Some(reason)) => Some(format!("{name}{suffix}: printed, but helm says {reason}")),
        (Err(error), None, Some(reason)) => {
            let same = error.trim_end() == reason.trim_end();
            (!same).then(|| format!("{name}{suffix}:\n  helm: {reason}  weir: {error}"))
        }
        (Err(error), ..) => Some(format!("{name}{suffix}: refused: {error}")),
        (Ok(_), None, None) => Some(format!("{name}{suffix}: not recorded; run cargo xtask goldens chart")),
    }
}

#[test]
fn charts_render_as_helm_renders_them() {
    let work = std::thread::Builder::new().stack_size(STACK).spawn(|| {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"));
        let mut cases: Vec<_> = fs::read_dir(root).unwrap().map(|it| it.unwrap().path()).collect();
        cases.retain(|it| it.join("input").is_dir());
        cases.sort();
        assert!(cases.len() > 40, "{} cases", cases.len());
        let mut wrong = Vec::new();
        for case in &cases {
            wrong.extend(compare(case, Compat::Helm4, ""));
            let known = NOT_AS_HELM3.iter().any(|it| case.ends_with(it));
            if !known && case.join("expected.helm3.yaml").exists() {
                wrong.extend(compare(case, Compat::Helm3, ".helm3"));
            }
            // Its words are others; that it refuses is what counts.
            if !known && case.join("refused.helm3").exists() && answer(case, Compat::Helm3).is_ok() {
                wrong.push(format!("{}: printed, but helm 3 refuses", case.display()));
            }
        }
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    });
    work.unwrap().join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// Words of the actions in a text.
fn words(text: &str, into: &mut BTreeSet<String>) {
    for action in text.split("{{").skip(1) {
        let action = action.split("}}").next().unwrap_or_default();
        into.extend(action.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned));
    }
}

fn walk(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.components().any(|it| it.as_os_str() == "templates") {
            words(&String::from_utf8_lossy(&fs::read(&path).unwrap()), into);
        }
    }
}

#[test]
fn every_function_is_used_by_a_golden_chart() {
    let mut used = BTreeSet::new();
    for case in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).unwrap() {
        let case = case.unwrap().path();
        if case.join("expected.yaml").exists() {
            walk(&case.join("input"), &mut used);
        }
    }
    let mut missing = engine::function_names(&world());
    assert!(missing.len() > 240, "{}", missing.len());
    missing.retain(|it| !used.contains(*it));
    // Helm gives templates no function as a value that could be called; gotemplate's goldens have some.
    assert_eq!(missing, ["call"]);
}
