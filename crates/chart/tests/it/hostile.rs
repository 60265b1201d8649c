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
fn schemas_reach_no_file_and_no_network() {
    for target in ["file:///dev/zero", "/dev/zero", "http://169.254.169.254/latest", "../../etc/passwd", "//host/x"] {
        let schema = format!("{{\"$ref\": \"{target}\"}}");
        let chart = chart(&[("values.schema.json", &schema), ("values.yaml", "a: 1\n"), ("templates/a.yaml", "")]);
        assert!(matches!(render(&chart, small()), Err(TemplateError::Schema(_))), "{target}");
    }
}

#[test]
fn templates_see_nothing_of_the_machine() {
    for text in ["{{ env \"HOME\" }}", "{{ expandenv \"$HOME\" }}"] {
        assert!(refused(text, small()).contains("not defined"), "{text}");
    }
    // Neither clock nor randomness unless they are given.
    assert!(refused("{{ now }}", small()).contains("not defined"));
    render(&chart(&[("templates/a.yaml", "a: {{ getHostByName \"example.com\" | quote }}")]), small()).unwrap();
}
