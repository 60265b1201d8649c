//! What `include` and `tpl` are made of, the places errors tell, and functions that are replaced for one execution.

use std::{rc::Rc, slice};

use weir_gotemplate::{Failure, Functions, InnerFailure, Options, Set, Signature, Type, Value};

fn functions() -> Functions {
    let mut functions = Functions::new();
    functions.add("include", Signature::fixed(&[Type::String, Type::Interface]), |ctx, args| {
        ctx.execute(&args[0].to_string(), &args[1]).map(Value::String)
    });
    functions.add("tpl", Signature::fixed(&[Type::String, Type::Interface]), |ctx, args| {
        let mut set = ctx.set().clone();
        set.parse("text", args[0].as_str().unwrap()).map_err(|error| {
            weir_gotemplate::FuncError::from(error).reworded(|text| format!("cannot parse template: {text}"))
        })?;
        ctx.execute_in(&set, "text", &args[1]).map(Value::String)
    });
    functions.add("who", Signature::NONE, |_, _| Ok(Value::string("nobody")));
    functions
}

fn set(texts: &[(&str, &str)]) -> Set {
    let mut set = Set::named("root", Rc::new(functions()));
    for (name, text) in texts {
        set.parse(name, *text).unwrap();
    }
    set
}

fn run(set: &Set, name: &str) -> Result<String, weir_gotemplate::ExecError> {
    let data = Value::map([("x", Value::int(7))]);
    set.execute(name, &data, &Options::default()).map(|it| String::from_utf8(it).unwrap())
}

#[test]
fn include_and_tpl_see_all_templates() {
    let set = set(&[
        ("a", r#"{{define "n"}}[{{.x}}]{{end}}{{include "n" . | printf "%q"}}"#),
        ("b", r#"{{tpl "{{include \"n\" .}}{{define \"m\"}}m{{end}}{{template \"m\"}}" .}}"#),
    ]);
    assert_eq!(run(&set, "a").unwrap(), r#""[7]""#);
    assert_eq!(run(&set, "b").unwrap(), "[7]m");
    assert!(!set.contains("m"), "what tpl defines is gone afterwards");
}

#[test]
fn a_clone_and_its_original_do_not_see_each_other_change() {
    let mut first = set(&[("a", "one")]);
    let mut second = first.clone();
    second.parse("a", "two").unwrap();
    first.parse("b", "three").unwrap();
    assert_eq!((run(&first, "a").unwrap(), run(&second, "a").unwrap()), ("one".to_owned(), "two".to_owned()));
    assert!(!second.contains("b"));
    assert_eq!(first.names(), ["a", "b"]);
}

#[test]
fn errors_nest_as_in_go_and_tell_where_they_happened() {
    let set =
        set(&[("f.yaml", "one\ntwo {{ include \"n\" . }}"), ("h.tpl", "{{define \"n\"}}\n\n  {{ .x.y.z }}{{end}}")]);
    let error = run(&set, "f.yaml").unwrap_err();
    assert_eq!(
        error.message,
        "template: f.yaml:2:7: executing \"f.yaml\" at <include \"n\" .>: error calling include: template: h.tpl:3:7: \
         executing \"n\" at <.x.y.z>: can't evaluate field y in type interface {}"
    );
    assert_eq!((error.source_name.as_str(), error.span.line, error.span.column), ("f.yaml", 2, 8));
    let InnerFailure::Exec(inner) = error.innermost() else { panic!("the cause is an execution") };
    assert_eq!((inner.source_name.as_str(), inner.template.as_str()), ("h.tpl", "n"));
    assert_eq!((inner.span.line, inner.span.column, inner.span.len), (3, 6, ".x.y.z".len()));
}

#[test]
fn a_text_given_to_tpl_that_does_not_parse_is_the_cause() {
    let set = set(&[("a", "{{tpl \"x {{ nope }}\" .}}")]);
    let error = run(&set, "a").unwrap_err();
    assert_eq!(
        error.message,
        "template: a:1:2: executing \"a\" at <tpl \"x {{ nope }}\" .>: error calling tpl: cannot parse template: \
         template: text:1: function \"nope\" not defined"
    );
    let InnerFailure::Parse(inner) = error.innermost() else { panic!("the cause is a text") };
    assert_eq!((inner.span.line, inner.span.column, inner.span.len), (1, 6, 4));
    assert!(matches!(error.cause.as_deref(), Some(Failure::Parse(_))));
}

#[test]
fn a_parse_error_tells_where_the_offending_word_stands() {
    let error = Set::new(Rc::default()).parse("f", "a\nb {{ .x }}\n  {{ if $nope }}").unwrap_err();
    assert_eq!(error.message, "template: f:3: undefined variable \"$nope\"");
    assert_eq!((error.span.offset, error.span.line, error.span.column, error.span.len), (21, 3, 9, 5));
}

#[test]
fn functions_can_be_replaced_for_one_execution() {
    let set = set(&[("a", "{{who}}")]);
    let mut mine = Functions::new();
    mine.add("who", Signature::NONE, |ctx, _| Ok(Value::string(ctx.data::<String>().unwrap().as_str())));
    let options =
        Options { functions: Some(Rc::new(mine)), data: Some(Rc::new("the caller".to_owned())), ..Options::default() };
    assert_eq!(set.execute("a", &Value::Nil, &options).unwrap(), b"the caller");
    assert_eq!(run(&set, "a").unwrap(), "nobody");
}

#[test]
fn a_template_that_does_not_exist_is_named_as_in_go() {
    assert_eq!(
        run(&set(&[("a", "{{include \"n\" .}}")]), "a").unwrap_err().message,
        "template: a:1:2: executing \"a\" at <include \"n\" .>: error calling include: template: no template \"n\" \
         associated with template \"root\""
    );
}

#[test]
fn a_text_that_is_not_utf8_goes_through() {
    let mut set = Set::new(Rc::default());
    set.parse("a", &b"\xff{{.}}\xfe"[..]).unwrap();
    let out = set.execute("a", &Value::string(&b"\x80"[..]), &Options::default()).unwrap();
    assert_eq!(out, b"\xff\x80\xfe");
    assert_eq!(weir_gotemplate::format::sprint(slice::from_ref(&Value::string(&b"\x80"[..]))), b"\x80");
}
