//! YAML and JSON in templates.

use serde_json::Value as Json;
use weir_gotemplate::{Bound, Ctx, FuncError, NoJson, Numbers, Value};
use weir_yaml::ErrorKind;

/// The text of `yaml.Marshal`, ending in a line break; none when the value has no form in YAML. Values can contain one
/// another many times, and lines are indented: what does not fit in the output that is left is an error.
pub(super) fn marshal(ctx: &Ctx<'_>, value: &Value) -> Result<Option<String>, Bound> {
    let json = match value.to_json_within(room(ctx)) {
        Ok(json) => json,
        Err(NoJson::Unsupported) => return Ok(None),
        Err(NoJson::TooLarge) => return Err(Bound::Output),
    };
    match weir_yaml::sigs::to_string_within(&json, ctx.room()) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind, ErrorKind::Limit { what: "size", .. }) => Err(Bound::Output),
        Err(_) => Ok(None),
    }
}

/// Memory for what is only made on the way.
fn room(ctx: &Ctx<'_>) -> usize {
    ctx.room().saturating_add(1 << 20)
}

/// `toYaml`: nothing when the value has no form in YAML.
pub(super) fn to_yaml(ctx: &Ctx<'_>, value: &Value) -> Result<Value, FuncError> {
    Ok(Value::string(without_break(marshal(ctx, value)?.unwrap_or_default())))
}

/// `mustToYaml`.
pub(super) fn must_to_yaml(ctx: &Ctx<'_>, value: &Value) -> Result<Value, FuncError> {
    let text = marshal(ctx, value)?;
    let text = text.ok_or_else(|| FuncError::new("error marshaling into JSON: unsupported value"))?;
    Ok(Value::string(without_break(text)))
}

/// `toYamlPretty`.
pub(super) fn to_yaml_pretty(ctx: &Ctx<'_>, value: &Value) -> Result<Value, FuncError> {
    match value.to_json_within(room(ctx)) {
        Ok(json) => {
            let text = weir_yaml::sigs::to_string_pretty_within(&json, ctx.room()).ok_or(Bound::Output)?;
            Ok(Value::string(without_break(text)))
        }
        Err(NoJson::Unsupported) => Ok(Value::string("")),
        Err(NoJson::TooLarge) => Err(Bound::Output.into()),
    }
}

/// What is read is paid for before it is made: a letter can become a value of many bytes.
pub(super) fn charge_parts(ctx: &mut Ctx<'_>, text: &str) -> Result<(), FuncError> {
    const PART: usize = 128;
    let parts = text.bytes().filter(|it| matches!(it, b'\n' | b',')).count();
    Ok(ctx.charge_output(parts.saturating_mul(PART))?)
}

fn without_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";

fn mismatch(found: &Json, wanted: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {wanted}", crate::decode::type_word(found))
}

fn parsed_yaml(text: &str, fits: impl Fn(&Json) -> bool, wanted: &str) -> Result<Json, String> {
    let json = weir_yaml::sigs::from_str(text)
        .map_err(|error| format!("error converting YAML to JSON: {}", crate::decode::yaml_text(&error)))?;
    if fits(&json) {
        return Ok(json);
    }
    Err(format!("error unmarshaling JSON: while decoding JSON: {}", mismatch(&json, wanted)))
}

fn error_map(text: String) -> Value {
    Value::map([("Error", Value::string(text))])
}

/// `fromYaml`: a map, with the key `Error` when the text is none.
pub(super) fn from_yaml(text: &str) -> Value {
    match parsed_yaml(text, |it| it.is_object() || it.is_null(), MAP) {
        Ok(Json::Null) => Value::map::<&str>([]),
        Ok(json) => Value::from_json(&json, Numbers::Float),
        Err(error) => error_map(error),
    }
}

/// `fromYamlArray`: a list, of one error text when the text is none.
pub(super) fn from_yaml_array(text: &str) -> Value {
    match parsed_yaml(text, |it| it.is_array() || it.is_null(), LIST) {
        Ok(Json::Null) => Value::list(Vec::new()),
        Ok(json) => Value::from_json(&json, Numbers::Float),
        Err(error) => Value::list(vec![Value::string(error)]),
    }
}

/// JSON as Sprig reads it, into a map or list.
fn parsed_json(ctx: &mut Ctx<'_>, text: &Value, fits: impl Fn(&Value) -> bool, wanted: &str) -> Result<Value, String> {
    let read = ctx.set().functions().get("mustFromJson").cloned();
    let read = read.ok_or_else(|| "JSON is not known".to_owned())?;
    let value = ctx.call(&read, std::slice::from_ref(text)).map_err(|error| error.to_string())?;
    if fits(&value) {
        return Ok(value);
    }
    let found = match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    Err(format!("json: cannot unmarshal {found} into Go value of type {wanted}"))
}

/// `fromJson`.
pub(super) fn from_json(ctx: &mut Ctx<'_>, text: &Value) -> Value {
    match parsed_json(ctx, text, |it| it.is_nil() || it.as_map().is_some(), MAP) {
        Ok(value) if value.is_nil() => Value::map::<&str>([]),
        Ok(value) => value,
        Err(error) => error_map(error),
    }
}

/// `fromJsonArray`.
pub(super) fn from_json_array(ctx: &mut Ctx<'_>, text: &Value) -> Value {
    match parsed_json(ctx, text, |it| it.is_nil() || it.as_list().is_some(), LIST) {
        Ok(value) if value.is_nil() => Value::list(Vec::new()),
        Ok(value) => value,
        Err(error) => Value::list(vec![Value::string(error)]),
    }
}

#[cfg(test)]
mod tests {
    use weir_gotemplate::{Limits, Options, Set};

    use super::*;
    use crate::engine::functions;

    /// Renders within 8 MiB of output and 2 million steps.
    fn run(text: &str) -> Result<String, Option<Bound>> {
        let mut set = Set::named("t", functions::all(None, crate::Compat::Helm4));
        set.parse("t", text).unwrap();
        let options = functions::options(&crate::RenderOptions::default());
        let options = Options { limits: Limits { output: 8 << 20, steps: 2_000_000, ..options.limits }, ..options };
        let text = set.execute("t", &Value::Nil, &options).map_err(|error| error.bound)?;
        Ok(String::from_utf8(text).unwrap())
    }

    /// A value that holds another twice, which holds another twice, and so on: small in memory, endless in print.
    const WIDE: &str = r#"{{$x := dict "k" "v"}}{{range until 60}}{{$x = dict "a" $x "b" $x}}{{end}}"#;
    const LISTS: &str = r#"{{$x := list 1}}{{range until 60}}{{$x = list $x $x}}{{end}}{{$d := dict "k" $x}}"#;

    #[test]
    fn what_prints_without_end_is_refused() {
        for call in [
            "toYaml $x",
            "toYamlPretty $x",
            "mustToYaml $x",
            "toJson $x",
            "toPrettyJson $x",
            "toRawJson $x",
            "mustToJson $x",
            "toToml $x",
            "mustToToml $x",
            "toString $x",
            "quote $x $x",
            "squote $x $x",
            "cat $x $x",
            "print $x",
            "join \",\" (list $x $x)",
            "toStrings (list $x $x)",
            "sortAlpha (list $x $x)",
            "html $x",
        ] {
            assert_eq!(run(&format!("{WIDE}{{{{$y := {call}}}}}")), Err(Some(Bound::Output)), "{call}");
        }
        for call in ["toYaml $d", "toJson $d", "toToml $d", "toYamlPretty $d"] {
            assert_eq!(run(&format!("{LISTS}{{{{$y := {call}}}}}")), Err(Some(Bound::Output)), "{call}");
        }
        assert_eq!(run(&format!("{WIDE}{{{{$x}}}}")), Err(Some(Bound::Output)));
    }

    #[test]
    fn comparing_without_end_is_refused() {
        let two = format!("{WIDE}{{{{$z := $x}}}}{}", WIDE.replace("$x := ", "$x = "));
        assert_eq!(run(&format!("{two}{{{{deepEqual $x $z}}}}")), Err(Some(Bound::Steps)));
        assert_eq!(run(&format!("{two}{{{{has $x (list $z)}}}}")), Err(Some(Bound::Steps)));
        assert_eq!(run(&format!("{WIDE}{{{{deepEqual $x $x}}}}")).as_deref(), Ok("true"));
    }

    #[test]
    fn a_value_that_holds_itself_prints_nothing_or_is_refused() {
        let own = r#"{{$x := dict "k" "v"}}{{$_ := set $x "x" $x}}"#;
        assert_eq!(run(&format!("{own}{{{{toYaml $x}}}}")).as_deref(), Ok(""));
        assert_eq!(run(&format!("{own}{{{{toJson $x}}}}")).as_deref(), Ok(""));
        assert!(run(&format!("{own}{{{{toToml $x}}}}")).unwrap().contains("nested too deeply"));
    }

    #[test]
    fn lists_nested_by_a_loop_do_not_take_the_stack() {
        let deep = r#"{{$x := list 1}}{{range until 100000}}{{$x = list $x}}{{end}}{{$d := dict "k" $x}}"#;
        assert!(run(&format!("{deep}{{{{toToml $d}}}}")).unwrap().contains("nested too deeply"));
        assert_eq!(run(&format!("{deep}{{{{toYaml $d}}}}")).as_deref(), Ok(""));
        assert_eq!(run(&format!("{deep}{{{{toJson $d}}}}")).as_deref(), Ok(""));
        let two = format!("{deep}{{{{$z := $x}}}}{}", deep.replace(":= list 1", "= list 1").replace("$d := ", "$d = "));
        assert_eq!(run(&format!("{two}{{{{deepEqual $x $z}}}}")), Err(Some(Bound::Depth)));
    }

    #[test]
    fn templates_share_one_budget() {
        let file = |name: String, text: &str| crate::load::SourceFile { name, data: text.as_bytes().into() };
        let template = "a: {{ repeat 1000000 \"x\" | trunc 1 }}\n";
        let mut files = vec![file("Chart.yaml".into(), "apiVersion: v2\nname: a\nversion: 1.0.0\n")];
        files.extend((0..10).map(|it| file(format!("templates/{it}.yaml"), template)));
        let chart = crate::load::from_files(files, &crate::Limits::default()).unwrap();
        let release = crate::ReleaseFacts { name: "r".into(), namespace: "n".into(), revision: 1, is_upgrade: false };
        let mut options = crate::TemplateOptions::default();
        let mut rendered = |output: u64| {
            options.render.limits.output = output;
            crate::template(&chart, &crate::values::Table::new(), &release, &crate::Capabilities::default(), &options)
        };
        assert!(rendered(5 << 20).unwrap_err().to_string().contains("the template writes too much"));
        assert_eq!(rendered(32 << 20).unwrap().manifests.len(), 10);
    }

    #[test]
    fn what_is_read_is_paid_for() {
        let text = r#"{{$t := repeat 2000000 "1,"}}{{$t = printf "[%s1]" $t}}"#;
        for call in ["fromYamlArray $t", "fromJsonArray $t", "fromJson $t", "mustFromJson $t"] {
            assert_eq!(run(&format!("{text}{{{{$y := {call}}}}}")), Err(Some(Bound::Output)), "{call}");
        }
        let small = r#"{{$t := repeat 1000 "1,"}}{{$t = printf "[%s1]" $t}}"#;
        assert_eq!(
            run(&format!("{small}{{{{len (fromYamlArray $t)}}}} {{{{len (fromJsonArray $t)}}}}")).as_deref(),
            Ok("1001 1001")
        );
    }
}
