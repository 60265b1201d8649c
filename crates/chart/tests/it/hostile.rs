//! Charts that mean harm: refused, in bounded time and memory.

use std::{cell::Cell, rc::Rc};

use weir_chart::{
    Capabilities, Chart, ReleaseFacts, RenderLimits, RenderOptions, TemplateError, TemplateOptions, template,
    values::Table,
};

use crate::files::chart;

fn render(chart: &Chart, limits: RenderLimits) -> Result<(), TemplateError> {
    let release = ReleaseFacts { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    let render = RenderOptions { limits, ..RenderOptions::default() };
    let options = TemplateOptions { render, ..TemplateOptions::default() };
    template(chart, &Table::new(), &release, &Capabilities::default(), &options).map(|_| ())
}

/// Runs a test with as much stack as the crate asks for.
fn deep(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(test).unwrap();
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn refused(text: &str, limits: RenderLimits) -> String {
    render(&chart(&[("templates/a.yaml", text)]), limits).expect_err(text).to_string()
}

fn small() -> RenderLimits {
    RenderLimits { steps: 200_000, output: 1 << 20, ..RenderLimits::default() }
}

#[test]
fn endless_templates_end() {
    deep(endless_templates_end_here);
}

fn endless_templates_end_here() {
    for (text, expected) in [
        ("{{ range until 2000000000 }}{{ end }}", ""),
        ("{{ range $i := untilStep 0 2000000000 1 }}x{{ end }}", ""),
        ("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}", "depth"),
        ("{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}", ""),
        ("{{ $s := \"{{ tpl .t . }}\" }}{{ tpl $s (dict \"t\" $s) }}", ""),
        ("{{ repeat 2000000000 \"x\" }}", ""),
        ("{{ $x := \"x\" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}", ""),
        ("{{ $l := list 1 }}{{ range until 60 }}{{ $l = concat $l $l }}{{ end }}", ""),
        ("{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ toYaml $d }}", ""),
        ("{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ $d }}", ""),
        ("{{ printf \"%1000000000d\" 1 }}", ""),
        ("{{ indent 2000000000 \"x\" }}", ""),
        ("{{ randAlphaNum 2000000000 }}", ""),
        ("{{ regexReplaceAll \"(a*)*b\" (repeat 100000 \"a\") \"x\" }}", ""),
    ] {
        let chart = chart(&[("templates/a.yaml", text)]);
        match render(&chart, small()) {
            // Where Go has an answer it may be given, as long as it is small and quick.
            Ok(()) => assert!(expected.is_empty(), "{text}"),
            Err(error) => assert!(error.to_string().contains(expected), "{text}: {error}"),
        }
    }
}

#[test]
fn time_is_bounded() {
    let asked = Rc::new(Cell::new(0));
    let seen = asked.clone();
    let expired = move || {
        seen.set(seen.get() + 1);
        seen.get() > 3
    };
    let limits = RenderLimits { expired: Some(Rc::new(expired)), ..RenderLimits::default() };
    let error = refused("{{ range until 5000000 }}{{ print 1 }}{{ end }}", limits);
    assert!(error.contains("takes too long"), "{error}");
    assert_eq!(asked.get(), 4);
}

#[test]
fn deep_nesting_is_refused_everywhere() {
    deep(deep_nesting_is_refused_everywhere_here);
}

fn deep_nesting_is_refused_everywhere_here() {
    let deep = 100_000;
    let error = refused(&format!("{}{}", "{{ if true }}".repeat(deep), "{{ end }}".repeat(deep)), small());
    assert!(!error.is_empty());
    assert!(!refused(&format!("a: {}{}", "[".repeat(deep), "]".repeat(deep)), small()).is_empty());
    assert!(!refused(&format!("{{{{ {}1{} }}}}", "(".repeat(deep), ")".repeat(deep)), small()).is_empty());
    let files = |name: &str, text: String| {
        let files = [("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n".to_owned()), (name, text)];
        let files = files
            .into_iter()
            .map(|(name, text)| weir_chart::SourceFile { name: name.into(), data: text.into_bytes().into() });
        weir_chart::load::from_files(files.collect(), &weir_chart::Limits::default())
    };
    assert!(files("values.yaml", format!("a: {}{}", "{a: ".repeat(deep), "}".repeat(deep))).is_err());
    assert!(
        files(
            "values.yaml",
            format!(
                "a: &a [x]\n{}",
                (0..40)
                    .map(|n| format!(
                        "b{n}: &b{n} [{}]\n",
                        vec![if n == 0 { "*a".to_owned() } else { format!("*b{}", n - 1) }; 9].join(", ")
                    ))
                    .collect::<String>()
            )
        )
        .is_err()
    );
    assert!(files("Chart.lock", "a: [".repeat(deep)).is_err());
}

#[test]
fn deep_nesting_in_data_is_refused() {
    deep(|| {
        for (open, close, function) in [
            ("[", "]", "fromJson"),
            ("[", "]", "fromJsonArray"),
            ("[", "]", "fromYaml"),
            ("[", "]", "fromYamlArray"),
            ("- ", "", "fromYamlArray"),
            ("a = [", "]", "fromToml"),
        ] {
            let template = format!(
                "{{{{ $t := printf \"%s%s\" (repeat 100000 {open:?}) (repeat 100000 {close:?}) }}}}a: {{{{ {function} $t | toJson | len }}}}"
            );
            // Helm's functions put what is wrong into what they answer; that there is an answer is what counts.
            let limits = RenderLimits { output: 64 << 20, ..small() };
            render(&chart(&[("templates/a.yaml", &template)]), limits).expect(function);
        }
        let nested = "{{ $d := dict }}{{ range until 20000 }}{{ $d = dict \"a\" $d }}{{ end }}";
        for print in ["toYaml $d", "toJson $d", "toToml $d", "$d", "$d | deepCopy", "merge (dict) $d", "mustToYaml $d"]
        {
            let template = format!("{nested}{{{{ $x := printf \"%v\" ({print}) }}}}");
            // Refused or printed, without an end of the stack.
            let _ = render(&chart(&[("templates/a.yaml", &template)]), RenderLimits { output: 64 << 20, ..small() });
        }
    });
}

#[test]
fn values_and_metadata_of_the_wrong_kind_are_refused_in_words() {
    let load = |files: &[(&str, &str)]| {
        let files = files
            .iter()
            .map(|(name, text)| weir_chart::SourceFile { name: (*name).to_owned(), data: text.as_bytes().into() });
        weir_chart::load::from_files(files.collect(), &weir_chart::Limits::default())
    };
    for (name, text) in [
        ("Chart.yaml", "[]"),
        ("Chart.yaml", "apiVersion: v2\nname: [a]\nversion: 1.0.0\n"),
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: {a: b}\n"),
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\nmaintainers: [1]\n"),
        ("values.yaml", "[]"),
        ("values.yaml", "text"),
        ("Chart.lock", "[]"),
        ("requirements.yaml", "[]"),
        ("requirements.lock", "dependencies: 1"),
    ] {
        let mut files = vec![(name, text)];
        if name != "Chart.yaml" {
            files.push(("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"));
        }
        assert!(!load(&files).expect_err(text).to_string().is_empty());
    }
}

#[test]
fn names_that_are_paths_are_no_names() {
    let load = |yaml: &str| {
        let data = yaml.as_bytes().into();
        let files = vec![weir_chart::SourceFile { name: "Chart.yaml".to_owned(), data }];
        weir_chart::load::from_files(files, &weir_chart::Limits::default())
    };
    for name in [".", "..", "a/b", "../a", "/a", "a\\\\b", "", "\\u0000"] {
        let yaml = format!("apiVersion: v2\nname: \"{name}\"\nversion: 1.0.0\n");
        assert!(load(&yaml).is_err(), "{name}");
    }
    // What cannot be printed is taken out, as Helm does it.
    assert_eq!(load("apiVersion: v2\nname: \"a\\0b\"\nversion: 1.0.0\n").unwrap().name(), "ab");
    // Dependencies are looked up by name among what is there, never by path.
    for name in ["../b", "/etc", "b/../../c"] {
        let yaml =
            format!("apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{{name: {name:?}, version: '*'}}]\n");
        let chart = load(&yaml).unwrap();
        assert_eq!(chart.missing_dependencies(), [name]);
    }
    let alias = "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: b, version: '*', alias: ../b}]\n";
    assert!(load(alias).unwrap_err().to_string().contains("disallowed characters in the alias"));
    // Neither a drive's letter nor a very long name is a path here; where a file of it is written, that fails by itself.
    for name in ["C:".to_owned(), "a".repeat(300)] {
        assert_eq!(load(&format!("apiVersion: v2\nname: \"{name}\"\nversion: 1.0.0\n")).unwrap().name(), name);
    }
}

#[test]
fn charts_that_depend_on_themselves_end() {
    let own = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: app, version: '*'}]\n";
    // It is not in charts/, so it is missing; that it is the chart itself makes no difference.
    let error = render(&chart(&[("Chart.yaml", own)]), small()).unwrap_err();
    assert!(matches!(error, TemplateError::MissingDependencies(_)), "{error}");
    // Two that name one another.
    let of = |name: &str, other: &str| {
        format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\ndependencies: [{{name: {other}, version: '*'}}]\n")
    };
    let (one, two) = (of("one", "two"), of("two", "one"));
    let files =
        [("Chart.yaml", one.as_str()), ("charts/two/Chart.yaml", &two), ("charts/two/charts/one/Chart.yaml", &one)];
    render(&chart(&files), small()).unwrap();
}

#[test]
fn what_is_said_of_a_chart_moves_no_cursor() {
    let chart = chart(&[(
        "Chart.yaml",
        "apiVersion: v2\nname: \"a\\e[31m\"\nversion: 1.0.0\ndescription: \"x\\e]0;t\\a\\ry\"\n",
    )]);
    for text in [&chart.metadata.name, &chart.metadata.description] {
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

#[test]
fn schemas_reach_no_file_and_no_network() {
    for target in [
        "file:///dev/stdin",
        "file://localhost/etc/passwd",
        "/proc/self/environ",
        "ftp://127.0.0.1/x",
        "https://json-schema.org/draft-07/none",
        "file:///dev/zero",
        "/dev/zero",
        "http://169.254.169.254/latest",
        "../../etc/passwd",
        "//host/x",
    ] {
        let schema = format!("{{\"$ref\": \"{target}\"}}");
        let chart = chart(&[("values.schema.json", &schema), ("values.yaml", "a: 1\n"), ("templates/a.yaml", "")]);
        assert!(matches!(render(&chart, small()), Err(TemplateError::Schema(_))), "{target}");
        // Nor by way of an address of its own, or a meta-schema.
        for schema in [
            format!(
                "{{\"$id\": \"http://127.0.0.1:1/a.json\", \"properties\": {{\"a\": {{\"$ref\": \"{target}\"}}}}}}"
            ),
            format!("{{\"$schema\": \"http://127.0.0.1:1/schema\", \"$ref\": \"{target}\"}}"),
        ] {
            let chart = crate::files::chart(&[("values.schema.json", &schema), ("values.yaml", "a: 1\n")]);
            assert!(matches!(render(&chart, small()), Err(TemplateError::Schema(_))), "{schema}");
        }
    }
}

#[test]
fn templates_see_nothing_of_the_machine() {
    for text in ["{{ env \"HOME\" }}", "{{ expandenv \"$HOME\" }}"] {
        assert!(refused(text, small()).contains("not defined"), "{text}");
    }
    for text in [
        "{{ .Files.Get \"/etc/passwd\" | len }}",
        "{{ .Files.Get \"../../etc/passwd\" | len }}",
        "{{ .Files.Glob \"/etc/*\" | len }}",
    ] {
        render(&chart(&[("templates/a.yaml", &format!("a: {text}"))]), small()).expect(text);
    }
    // Neither clock nor randomness unless they are given.
    assert!(refused("{{ now }}", small()).contains("not defined"));
    render(&chart(&[("templates/a.yaml", "a: {{ getHostByName \"example.com\" | quote }}")]), small()).unwrap();
}

struct Asked(Cell<u32>);

impl weir_chart::Hosts for Asked {
    fn address(&self, name: &str) -> Option<String> {
        self.0.set(self.0.get() + 1);
        (name == "a.example").then(|| "192.0.2.1".to_owned())
    }
}

#[test]
fn hosts_are_looked_up_only_when_that_is_allowed() {
    let printed = |name: &str, hosts: Option<Rc<dyn weir_chart::Hosts>>| {
        let text = format!("a: {{{{ getHostByName {name:?} | quote }}}}");
        let release = ReleaseFacts { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
        let render = RenderOptions { hosts, ..RenderOptions::default() };
        let options = TemplateOptions { render, ..TemplateOptions::default() };
        let chart = chart(&[("templates/a.yaml", &text)]);
        template(&chart, &Table::new(), &release, &Capabilities::default(), &options).map(|it| it.manifest(false))
    };
    assert!(printed("a.example", None).unwrap().contains("a: \"\""));
    let asked = Rc::new(Asked(Cell::new(0)));
    assert!(printed("a.example", Some(asked.clone())).unwrap().contains("a: \"192.0.2.1\""));
    let error = printed("b.example", Some(asked.clone())).unwrap_err().to_string();
    assert!(error.contains("no address of \"b.example\" is known"), "{error}");
    assert_eq!(asked.0.get(), 2);
}

#[test]
fn tests_that_the_documentation_names_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = String::new();
    let mut folders: Vec<_> =
        ["crates/chart", "crates/gotemplate", "crates/yaml", "crates/remote", "cli"].map(|it| root.join(it)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("golden") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let text = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let rows = text.lines().filter(|it| it.starts_with("| ") && it.matches('|').count() == 4);
    let mut named = 0;
    for row in rows {
        let tests = row.split('|').nth(3).unwrap_or_default();
        for test in tests.split('`').skip(1).step_by(2) {
            named += 1;
            assert!(sources.contains(&format!("fn {test}(")), "docs/security.md names {test}, which is nowhere");
        }
    }
    assert!(named > 40, "{named}");
}
