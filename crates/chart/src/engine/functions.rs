//! Functions Helm adds to Sprig's.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use weir_gotemplate::{
    Bound, Ctx, FuncError, Functions, MissingKey, Options, Signature, Str, Type, Value,
    sprig::{self, World},
};

use crate::Compat;

use super::{Hosts, Lookup, RenderOptions, duration, toml, yaml};

/// How often a template may be included from within itself.
const MAX_INCLUDES: u32 = 1_000;

/// How deeply texts may be executed by `tpl` from within one another, and how many bytes they may have together: each
/// is held, parsed, as long as it runs.
const MAX_TPL_DEPTH: u32 = 1_000;
const MAX_TPL_BYTES: usize = 32 << 20;

/// What `required` and `fail` put around their message, so that it is found in a chain of errors.
pub(super) const MARK_START: &str = "HELM_ERR_START";
/// Its end.
pub(super) const MARK_END: &str = "HELM_ERR_END";

/// What the functions of one rendering share.
struct Shared {
    lint: bool,
    lookup: Option<Rc<dyn Lookup>>,
    hosts: Option<Rc<dyn Hosts>>,
    included: RefCell<HashMap<Str, u32>>,
    /// Texts that `tpl` executes right now: how many, and of how many bytes.
    running: Cell<(u32, usize)>,
}

/// How templates are executed.
pub(super) fn options(options: &RenderOptions) -> Options {
    let limits = weir_gotemplate::Limits {
        steps: options.limits.steps,
        output: options.limits.output,
        stack: options.limits.stack,
        expired: options.limits.expired.clone(),
        ..weir_gotemplate::Limits::default()
    };
    let shared = Shared {
        lint: options.lint,
        lookup: options.lookup.clone(),
        hosts: options.hosts.clone(),
        included: RefCell::default(),
        running: Cell::default(),
    };
    Options { missing_key: MissingKey::Zero, limits, data: Some(Rc::new(shared)), ..Options::default() }
}

const ANY: &[Type] = &[Type::Interface];
const TEXT: &[Type] = &[Type::String];
const TEXT_ANY: &[Type] = &[Type::String, Type::Interface];

/// Sprig's functions.
pub(super) fn sprig(world: Option<&Rc<World>>) -> Rc<Functions> {
    let mut functions = Functions::new();
    sprig::register(&mut functions);
    if let Some(world) = world {
        sprig::register_world(&mut functions, world);
    }
    Rc::new(functions)
}

/// Sprig's functions with Helm's over them, without `env` and `expandenv`. (`toJson` and `mustToJson` are Sprig's own.)
pub(super) fn all(world: Option<&Rc<World>>, compat: Compat) -> Rc<Functions> {
    let mut it = Functions::over(sprig(world));
    let one = |params: &'static [Type]| Signature::fixed(params);
    it.add("toYaml", one(ANY), |ctx, args| yaml::to_yaml(ctx, first(args)));
    it.add("toYamlPretty", one(ANY), |ctx, args| yaml::to_yaml_pretty(ctx, first(args)));
    it.add("fromYaml", one(TEXT), |ctx, args| read(ctx, args, yaml::from_yaml));
    it.add("fromYamlArray", one(TEXT), |ctx, args| read(ctx, args, yaml::from_yaml_array));
    it.add("fromJson", one(TEXT), |ctx, args| Ok(yaml::from_json(ctx, first(args))));
    it.add("fromJsonArray", one(TEXT), |ctx, args| Ok(yaml::from_json_array(ctx, first(args))));
    it.add("toToml", one(ANY), |ctx, args| {
        if first(args).is_nil() && first(args).type_of().is_none() {
            return Err(FuncError::new("reflect: call of reflect.Value.Type on zero Value"));
        }
        let text = toml::to_toml(first(args), ctx.room()).unwrap_or_else(Some);
        Ok(Value::string(text.ok_or(Bound::Output)?))
    });
    it.add("fromToml", one(TEXT), |ctx, args| read(ctx, args, toml::from_toml));
    it.add("include", one(TEXT_ANY), include);
    it.add("tpl", one(TEXT_ANY), tpl);
    it.add("required", one(TEXT_ANY), required);
    it.add("fail", one(TEXT), fail);
    it.add("lookup", one(&[Type::String; 4]), lookup);
    it.add("getHostByName", one(TEXT), host);
    if compat == Compat::Helm4 {
        newer(&mut it);
    }
    Rc::new(it)
}

/// Functions that Helm 3 does not have.
fn newer(it: &mut Functions) {
    it.add("mustToYaml", Signature::fixed(ANY), |ctx, args| yaml::must_to_yaml(ctx, first(args)));
    it.add("mustToToml", Signature::fixed(ANY), |ctx, args| {
        let text = toml::to_toml(first(args), ctx.room()).map_err(FuncError::new)?;
        Ok(Value::string(text.ok_or(Bound::Output)?))
    });
    duration::register(it);
}

/// The names of all functions, Go's own included, sorted.
pub(super) fn names(world: &Rc<World>) -> Vec<&'static str> {
    let mut names = all(Some(world), Compat::Helm4).names();
    names.extend([
        "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
        "printf", "println", "slice", "urlquery",
    ]);
    names.sort_unstable();
    names.dedup();
    names
}

/// Reads the first argument.
fn read(ctx: &mut Ctx<'_>, args: &[Value], reader: fn(&str) -> Value) -> Result<Value, FuncError> {
    let text = text(args, 0);
    yaml::charge_parts(ctx, &text)?;
    Ok(reader(&text))
}

fn first(args: &[Value]) -> &Value {
    args.first().unwrap_or(&Value::Nil)
}

fn text(args: &[Value], at: usize) -> String {
    args.get(at).and_then(Value::as_str).map(|it| it.to_str().into_owned()).unwrap_or_default()
}

/// The data a template is executed on. Nil becomes no value at all, whose fields are no values either, where fields of a
/// nil in a map are errors: so Go's `ExecuteTemplate` has it.
fn data(args: &[Value]) -> &Value {
    match args.get(1) {
        None | Some(Value::Nil) => &Value::Missing,
        Some(other) => other,
    }
}

fn include(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let name = args.first().and_then(Value::as_str).cloned().unwrap_or_default();
    let count = |ctx: &Ctx<'_>, change: &dyn Fn(&mut u32)| {
        let Some(shared) = ctx.data::<Shared>() else { return 0 };
        let mut included = shared.included.borrow_mut();
        let entry = included.entry(name.clone()).or_insert(0);
        let before = *entry;
        change(entry);
        before
    };
    if count(ctx, &|_| {}) > MAX_INCLUDES {
        let name = name.to_str();
        return Err(FuncError::new(format!(
            "rendering template has a nested reference name: {name}: unable to execute template"
        )));
    }
    count(ctx, &|it| *it += 1);
    let result = ctx.execute(&name.to_str(), data(args));
    count(ctx, &|it| *it = it.saturating_sub(1));
    result.map(Value::String)
}

fn tpl(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let source = args.first().and_then(Value::as_str).cloned().unwrap_or_default();
    ctx.charge(source.len() as u64 / 16 + 16)?;
    let before = ctx.data::<Shared>().map(|it| it.running.get()).unwrap_or_default();
    let now = (before.0 + 1, before.1 + source.len());
    if now.0 > MAX_TPL_DEPTH || now.1 > MAX_TPL_BYTES {
        return Err(Bound::Depth.into());
    }
    let note = |ctx: &Ctx<'_>, what| {
        if let Some(it) = ctx.data::<Shared>() {
            it.running.set(what);
        }
    };
    note(ctx, now);
    let result = executed(ctx, &source, data(args));
    note(ctx, before);
    result
}

/// Parses a text beside the templates that are there, and executes it.
fn executed(ctx: &mut Ctx<'_>, source: &Str, data: &Value) -> Result<Value, FuncError> {
    let quoted = || weir_gotemplate::format::quote(source);
    let mut set = ctx.set().clone();
    let parsed = set.parse_anew("gotpl", source.clone());
    parsed
        .map_err(|error| FuncError::from(error).reworded(|it| format!("cannot parse template {}: {it}", quoted())))?;
    let wrap =
        |error: FuncError| error.reworded(|it| format!("error during tpl function execution for {}: {it}", quoted()));
    let out = ctx.execute_in(&set, "gotpl", data).map_err(wrap)?;
    if super::find(&out, b"<no value>").is_none() {
        return Ok(Value::String(out));
    }
    Ok(Value::String(super::without_no_value(out.to_vec()).into()))
}

fn is_lint(ctx: &Ctx<'_>) -> bool {
    ctx.data::<Shared>().is_some_and(|it| it.lint)
}

fn required(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let value = args.get(1).unwrap_or(&Value::Nil);
    let is_empty = match value {
        Value::Missing | Value::Nil => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    match (is_empty, is_lint(ctx)) {
        (false, _) => Ok(value.clone()),
        (true, true) => Ok(Value::string("")),
        (true, false) => Err(marked(&text(args, 0))),
    }
}

fn fail(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    if is_lint(ctx) { Ok(Value::string("")) } else { Err(marked(&text(args, 0))) }
}

fn marked(message: &str) -> FuncError {
    FuncError::new(format!("{MARK_START}{message}{MARK_END}"))
}

fn host(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let Some(hosts) = ctx.data::<Shared>().and_then(|it| it.hosts.clone()) else { return Ok(Value::string("")) };
    let name = text(args, 0);
    // The original picks one of no addresses then, and panics.
    hosts.address(&name).map(Value::string).ok_or_else(|| FuncError::new(format!("no address of {name:?} is known")))
}

fn lookup(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let answer = match ctx.data::<Shared>() {
        Some(Shared { lint: false, lookup: Some(lookup), .. }) => {
            lookup.lookup(&text(args, 0), &text(args, 1), &text(args, 2), &text(args, 3)).map_err(FuncError::new)?
        }
        _ => serde_json::Value::Object(serde_json::Map::new()),
    };
    // A client's objects hold int64 where a number is whole.
    Ok(Value::from_json(&answer, weir_gotemplate::Numbers::Typed))
}
