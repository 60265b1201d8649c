use serde_json::{Value, json};
use weir_expr::{Declared, Expression, Health, HealthExprs, Problem};

fn costly(text: &str, vars: &[(&str, &Value)]) {
    let error = Expression::compile(text).unwrap().eval_bool(vars).unwrap_err();
    assert_eq!(error.problem, Problem::TooCostly, "{text}");
}

#[test]
fn nested_loops_end_at_the_budget() {
    let list: Value = (0..2_000).collect::<Vec<_>>().into();
    let vars = [("l", &list)];
    costly("l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d >= 0))))", &vars);
    costly("l.exists(a, l.exists(b, l.exists(c, a + b + c < 0)))", &vars);
    costly("l.map(a, l.map(b, l.map(c, c))).size() > 0", &vars);
    costly("l.filter(a, l.filter(b, l.exists_one(c, c == b)).size() > 0).size() > 0", &vars);
}

#[test]
fn values_do_not_grow_beyond_the_budget() {
    let text = Value::String("a".repeat(100_000));
    let list: Value = (0..5_000).collect::<Vec<_>>().into();
    let vars = [("s", &text), ("l", &list)];
    costly("s.replace('a', s).size() > 0", &vars);
    costly("l.map(x, s).join().size() > 0", &vars);
    costly("l.map(x, 'a').join(s).size() > 0", &vars);
    costly("l.all(x, s.contains('b') || s.matches('b') || true)", &vars);
    costly("l.all(x, s.lowerAscii() == s)", &vars);
    costly("l.all(x, l == l)", &vars);
    let tripled = (0..9).fold("s".to_owned(), |inner, n| format!("[{inner}].map(x{n}, x{n} + x{n} + x{n})[0]"));
    costly(&format!("{tripled}.size() > 0"), &vars);
    let doubled = (0..40).fold("s".to_owned(), |inner, n| format!("[{inner}].map(x{n}, x{n} + x{n})[0]"));
    costly(&format!("{doubled}.size() > 0"), &vars);
    let grown = (0..20).fold("s".to_owned(), |inner, _| format!("{inner}.replace('a', 'aaaaaaaaaa')"));
    costly(&format!("{grown}.size() > 0"), &vars);
    assert!(Expression::compile("'%.999999999f'.format([1.0]) == ''").is_err());
    assert!(Expression::compile("s.format([1.0]) == ''").is_err());
    let regex = Expression::compile("s.matches('(a{1000}){1000}')").unwrap().eval_bool(&vars).unwrap_err();
    assert!(matches!(regex.problem, Problem::Other(_)), "{regex}");
}

#[test]
fn long_and_deep_texts_are_refused_and_do_not_overflow_the_stack() {
    for text in [
        "(".repeat(4_000),
        format!("{}1{}", "(".repeat(3_000), ")".repeat(3_000)),
        format!("1{}", "+1".repeat(4_000)),
        format!("a{}", ".a".repeat(4_000)),
        format!("a{}", "[0]".repeat(2_000)),
        format!("'a'{}", ".trim()".repeat(1_000)),
        format!("[1]{}", ".map(x,x)".repeat(800)),
        format!("{}1", "true?1:".repeat(1_000)),
        "[".repeat(4_000),
        "{".repeat(4_000),
        "a".repeat(9_000),
        "\"".repeat(4_000),
    ] {
        assert!(Expression::compile(&text).is_err(), "{} bytes of {:?}", text.len(), &text[..8]);
    }
    let chain = format!("1{} > 0", "+1".repeat(190));
    assert!(Expression::compile(&chain).unwrap().eval_bool(&[]).unwrap());
    let wide = format!("true{}", "&&true".repeat(1_300));
    assert!(Expression::compile(&wide).unwrap().eval_bool(&[]).unwrap());
    assert!(Expression::compile(&format!("{}true", "!".repeat(7_000))).unwrap().eval_bool(&[]).unwrap());
}

#[test]
fn declarations_are_checked_when_compiling() {
    let declared = Declared { variables: &["self", "dep"], output: Some("bool") };
    let good = [
        "self.status.ready == dep.status.ready",
        "dep.status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')",
        "dep.status.?ready.orValue(false)",
        "sets.contains([1], [1]) && type(dep) == map",
        "dep.metadata.labels['app'] == string(1)",
    ];
    for text in good {
        Expression::compile_with(text, &declared).unwrap();
    }
    let unknown = Expression::compile_with("other.status == 1", &declared).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "failed to parse the CEL expression 'other.status == 1': undeclared reference to 'other' (in container '')"
    );
    assert!(Expression::compile_with("foo(self)", &declared).is_err());
    let string = Expression::compile_with("self.name + 'a' == 'b' ? 1 : 2", &Declared::default());
    assert!(string.is_err(), "self is not declared");
    let mismatch = Expression::compile_with("'text'", &declared).unwrap_err();
    assert!(mismatch.problem.ends_with("expected bool, got string"), "{mismatch}");
}

#[test]
fn errors_show_no_values() {
    let secret = json!({"token": "hunter2", "n": 1});
    for text in [
        "res.token + 1 == 2",
        "res.token < 1",
        "res[res.token]",
        "int(res.token) == 1",
        "duration(res.token) > duration('1s')",
        "timestamp(res.token) == null",
        "res.token",
    ] {
        let error = Expression::compile(text).unwrap().eval_bool(&[("res", &secret)]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn health_asks_in_the_order_of_the_specification() {
    let exprs = HealthExprs::compile("status.ok", Some("status.busy"), Some("status.bad")).unwrap();
    let object = |generation: i64, busy: bool, bad: bool, ok: bool| json!({"metadata": {"generation": generation}, "status": {"observedGeneration": 2, "busy": busy, "bad": bad, "ok": ok}});
    for (object, expected) in [
        (object(3, false, false, true), Health::InProgress),
        (object(2, true, true, true), Health::InProgress),
        (object(2, false, true, true), Health::Failed),
        (object(2, false, false, true), Health::Current),
        (object(2, false, false, false), Health::InProgress),
    ] {
        assert_eq!(exprs.evaluate(&object).unwrap(), expected, "{object}");
    }
    let missing = exprs.evaluate(&json!({"metadata": {}})).unwrap_err();
    assert!(missing.to_string().contains("no such attribute(s): status"), "{missing}");
    let text = json!({"metadata": {"generation": 2}, "status": {"observedGeneration": "1", "ok": true}});
    assert_eq!(HealthExprs::compile("status.ok", None, Some("")).unwrap().evaluate(&text).unwrap(), Health::Current);
    assert!(HealthExprs::compile("", None, None).is_err());
    let invalid = HealthExprs::compile("true", None, Some("(")).unwrap_err();
    assert_eq!(invalid.to_string(), "failed to parse the expression Failed");
}
