use serde_json::Value;
use weir_expr::{Expression, Problem};

#[test]
fn every_expression_gives_what_the_original_gives() {
    let vars: Value = serde_json::from_str(include_str!("../golden/vars.json")).unwrap();
    let vars: Vec<(&str, &Value)> = vars.as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v)).collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in include_str!("../golden/cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let ours = match Expression::compile(case["expr"].as_str().unwrap()) {
            Err(error) => format!("parse {error}"),
            Ok(expression) => match expression.eval_bool(&vars) {
                Ok(value) => value.to_string(),
                Err(error) if error.problem != Problem::NotBoolean => format!("error {error}"),
                Err(_) => match expression.eval_string(&vars) {
                    Ok(text) => format!("{text:?}"),
                    Err(_) => "other".to_owned(),
                },
            },
        };
        let same = match (&case["value"], &case["error"], &case["parse"]) {
            (Value::Bool(value), _, _) => ours == value.to_string(),
            (Value::String(text), _, _) => ours == format!("{text:?}"),
            (_, Value::String(_), _) => ours.starts_with("error "),
            // What the original finds while it folds constants is found here when the expression is evaluated.
            (_, _, Value::String(text)) if !text.contains("<input>") => ours.starts_with("error "),
            (_, _, Value::String(_)) => ours.starts_with("parse "),
            _ => ours == "other",
        };
        if !same {
            wrong.push(format!("{line}\n    ours: {ours}"));
        }
        count += 1;
    }
    assert!(count > 150, "{count}");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
