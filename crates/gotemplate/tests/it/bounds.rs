//! Executions and texts that would never end, or take all memory or stack, are refused.

use std::{cell::Cell, rc::Rc};

use weir_gotemplate::{Bound, ExecError, Function, Functions, Limits, Options, Set, Signature, Type, Value};

fn functions() -> Functions {
    let mut functions = Functions::new();
    functions.add("list", Signature::variadic(&[Type::Interface]), |_, args| Ok(Value::list(args.to_vec())));
    functions.add("include", Signature::fixed(&[Type::String, Type::Interface]), |ctx, args| {
        ctx.execute(&args[0].to_string(), &args[1]).map(Value::String)
    });
    functions.add("tpl", Signature::fixed(&[Type::String, Type::Interface]), |ctx, args| {
        let mut set = ctx.set().clone();
        set.parse("inner", args[0].as_str().unwrap())?;
        ctx.execute_in(&set, "inner", &args[1]).map(Value::String)
    });
    functions
}

fn set(text: &str) -> Set {
    let mut set = Set::named("root", Rc::new(functions()));
    set.parse("t", text).expect("the template parses");
    set
}

fn limited(text: &str, limits: Limits) -> ExecError {
    let options = Options { limits, ..Options::default() };
    set(text).execute("t", &Value::Nil, &options).expect_err("the execution is refused")
}

#[test]
fn an_endless_range_runs_out_of_steps() {
    let error = limited("{{range 1000000000000}}{{end}}", Limits { steps: 10_000, ..Limits::default() });
    assert_eq!(error.bound, Some(Bound::Steps));
    assert_eq!(error.source_name, "t");
}

#[test]
fn steps_are_shared_with_included_templates() {
    let text = r#"{{define "a"}}{{range 100}}{{end}}{{end}}{{range 100}}{{include "a" 1}}{{end}}"#;
    assert_eq!(limited(text, Limits { steps: 5_000, ..Limits::default() }).bound, Some(Bound::Steps));
}

#[test]
fn output_is_bounded_in_print_and_in_variables() {
    let limits = || Limits { output: 1 << 20, ..Limits::default() };
    assert_eq!(limited("{{range 1000000}}0123456789{{end}}", limits()).bound, Some(Bound::Output));
    let doubling = r#"{{$x := "x"}}{{range 60}}{{$x = print $x $x}}{{end}}"#;
    assert_eq!(limited(doubling, limits()).bound, Some(Bound::Output));
    let wide = r#"{{$x := printf "%1000000d" 1}}{{$x = printf "%s%s" $x $x}}"#;
    assert_eq!(limited(wide, limits()).bound, Some(Bound::Output));
}

#[test]
fn time_is_bounded() {
    let asked = Rc::new(Cell::new(0));
    let counter = asked.clone();
    let expired = Rc::new(move || {
        counter.set(counter.get() + 1);
        counter.get() > 3
    });
    let error = limited("{{range 1000000000000}}{{end}}", Limits { expired: Some(expired), ..Limits::default() });
    assert_eq!(error.bound, Some(Bound::Deadline));
    assert_eq!(asked.get(), 4);
}

#[test]
fn templates_that_call_themselves_are_too_deep() {
    for text in [
        r#"{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}"#,
        r#"{{define "a"}}{{include "a" .}}{{end}}{{include "a" .}}"#,
        r#"{{define "a"}}{{tpl "{{include \"a\" .}}" .}}{{end}}{{include "a" .}}"#,
    ] {
        let error = limited(text, Limits::default());
        assert_eq!(error.bound, Some(Bound::Depth), "{error}");
        assert!(error.message.contains("exceeded maximum template depth (100000)"));
    }
    let error = limited(
        r#"{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}"#,
        Limits { depth: 10, ..Limits::default() },
    );
    assert_eq!(error.bound, Some(Bound::Depth));
}

#[test]
fn a_large_stack_holds_a_thousand_includes() {
    let deep = || {
        let mut functions = functions();
        functions.insert(
            "sub",
            Function::new(Signature::fixed(&[Type::Int]), |_, args| Ok(Value::int(args[0].as_int().unwrap() - 1))),
        );
        let mut set = Set::new(Rc::new(functions));
        let text = r#"{{define "a"}}{{if gt . 0}}{{with .}}{{include "a" (sub .)}}{{end}}{{else}}end{{end}}{{end}}"#;
        set.parse("t", text).unwrap();
        let limits = Limits { stack: 120 << 20, ..Limits::default() };
        set.execute("a", &Value::int(1000), &Options { limits, ..Options::default() })
    };
    let thread = std::thread::Builder::new().stack_size(128 << 20).spawn(deep).unwrap();
    assert_eq!(thread.join().unwrap().unwrap(), b"end");
}

#[test]
fn texts_nested_too_deeply_are_refused() {
    for text in [
        format!("{{{{{}1{}}}}}", "(".repeat(200_000), ")".repeat(200_000)),
        format!("{{{{{}", "(".repeat(200_000)),
        "{{if 1}}".repeat(200_000),
        format!("{}{}", "{{with 1}}".repeat(100_000), "{{end}}".repeat(100_000)),
        format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(200_000)),
        "{{block \"a\" .}}".repeat(100_000),
    ] {
        let error = Set::new(Rc::default()).parse("t", text.as_str()).expect_err("it is refused");
        assert_eq!(error.message, "template: t:1: max expression depth exceeded");
    }
}

#[test]
fn what_is_nested_within_reason_is_not_refused() {
    let depth = 40;
    let parens = format!("{{{{{}7{}}}}}", "(".repeat(depth), ")".repeat(depth));
    let ifs = format!("{}x{}", "{{if 1}}".repeat(depth), "{{end}}".repeat(depth));
    let chain = format!("{{{{if 0}}}}{}{{{{else}}}}y{{{{end}}}}", "{{else if 0}}".repeat(depth));
    let out = set(&format!("{parens}{ifs}{chain}")).execute("t", &Value::Nil, &Options::default()).unwrap();
    assert_eq!(out, b"7xy");
}

#[test]
fn values_nested_by_a_template_are_freed() {
    let text = "{{$x := 1}}{{range 100000}}{{$x = list $x}}{{end}}done";
    assert_eq!(set(text).execute("t", &Value::Nil, &Options::default()).unwrap(), b"done");
}

#[test]
fn a_value_that_contains_another_again_and_again_is_not_printed_without_end() {
    let limits = || Limits { output: 1 << 20, ..Limits::default() };
    for print in ["{{$x}}", "{{print $x}}", "{{printf \"%v\" $x}}", "{{println $x}}", "{{html $x}}", "{{js $x}}"] {
        let text = format!("{{{{$x := list 1}}}}{{{{range 60}}}}{{{{$x = list $x $x}}}}{{{{end}}}}{print}");
        assert_eq!(limited(&text, limits()).bound, Some(Bound::Output), "{print}");
    }
    let compared = "{{$x := list 1}}{{range 60}}{{$x = list $x $x}}{{end}}{{eq $x $x}}";
    assert!(limited(compared, limits()).message.len() < 2 << 20);
    let mut value = Value::int(1);
    for _ in 0..60 {
        value = Value::list(vec![value.clone(), value]);
    }
    assert_eq!(value.to_json(), None);
}
