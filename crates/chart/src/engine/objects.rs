//! The values every template starts from, with the Go types that templates can tell apart.

use std::any::Any;

use serde_json::Value as Json;
use weir_gotemplate::{
    BYTES, Ctx, FuncError, List, Map, Methods, Named, Object, STRING_MAP, STRING_SLICE, Signature, Str, Type, Value,
};

use crate::{
    Compat,
    capabilities::{Capabilities, HelmVersion, KubeVersion},
    metadata::{Dependency, Maintainer, Metadata},
};

/// `common.Values`.
pub(super) static VALUES: Named =
    Named { name: "common.Values", under: Some(weir_gotemplate::ANY_MAP), methods: Some(&ValuesMethods) };
static VERSION_SET: Named =
    Named { name: "common.VersionSet", under: Some(STRING_SLICE), methods: Some(&VersionSetMethods) };
static CAPABILITIES: Named = Named { name: "common.Capabilities", under: None, methods: None };
static KUBE_VERSION: Named = Named { name: "common.KubeVersion", under: None, methods: None };
static OLD_CHART: Named = Named { name: "struct { chart.Metadata; IsRoot bool }", under: None, methods: None };
static OLD_DEPENDENCY: Named = Named { name: "chart.Dependency", under: None, methods: None };
static BUILD_INFO: Named = Named { name: "version.BuildInfo", under: None, methods: None };
/// `engine.files`.
pub(super) static FILES: Named =
    Named { name: "engine.files", under: Some(Type::Map(&BYTES)), methods: Some(&super::files::FilesMethods) };

/// A value of a chart's values: floats for numbers that are floats, `int64` for those `--set` made.
pub(super) fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(it) => Value::Bool(*it),
        Json::Number(number) if number.is_f64() => Value::float(number.as_f64().unwrap_or(f64::NAN)),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::float(number.as_f64().unwrap_or(f64::NAN)), Value::int64)
        }
        Json::String(it) => Value::string(it.as_str()),
        Json::Array(items) => Value::list(items.iter().map(value).collect()),
        Json::Object(table) => Value::map(table.iter().map(|(key, it)| (key.as_str(), value(it)))),
    }
}

/// A table that templates see as `common.Values`. Tables below that are values of subcharts are of that type, too.
pub(super) fn values(table: &crate::values::Table) -> Map {
    let map = Map::of(Type::Named(&VALUES));
    for (key, it) in table {
        map.set(key.as_str(), value(it));
    }
    map
}

/// Makes the tables in global tables one for a chart and a chart below it, as Helm has them: what a template of one sets in
/// `global.a.b` those of the other see.
pub(super) fn share_globals(parent: &Map, child: &Map) {
    let global = |it: &Map| it.get("global").and_then(|it| it.as_map().cloned());
    let (Some(above), Some(below)) = (global(parent), global(child)) else { return };
    for (key, value) in above.borrow().iter() {
        let Some((from, to)) = value.as_map().zip(below.get(key)) else { continue };
        let Some(to) = to.as_map().filter(|to| !to.same(from)) else { continue };
        for (name, inner) in from.borrow().iter().filter(|(_, it)| it.as_map().is_some()) {
            if to.get(name).is_some_and(|it| it.as_map().is_some()) {
                to.set(name.clone(), inner.clone());
            }
        }
    }
}

struct ValuesMethods;

impl Methods for ValuesMethods {
    fn method(&self, name: &str) -> Option<&'static Signature> {
        static PATH: Signature = Signature::fixed(&[Type::String]);
        match name {
            "YAML" | "AsMap" => Some(&Signature::NONE),
            "Table" | "PathValue" => Some(&PATH),
            _ => None,
        }
    }

    fn call(&self, receiver: &Value, name: &str, ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        let path = args.first().and_then(Value::as_str).map(|it| it.to_str().into_owned()).unwrap_or_default();
        let step = |at: &Value, key: &str| at.as_map().and_then(|map| map.get(key));
        match name {
            "YAML" => Ok(Value::string(super::yaml::marshal(ctx, receiver)?.unwrap_or_default())),
            "AsMap" => Ok(receiver.as_map().map_or(Value::Nil, |map| Value::map(map.entries()))),
            "Table" => {
                let mut at = receiver.clone();
                for key in path.split('.') {
                    at = step(&at, key)
                        .filter(|it| it.as_map().is_some())
                        .ok_or_else(|| FuncError::new(format!("{key:?} is not a table")))?;
                }
                Ok(at)
            }
            _ => {
                let last = path.rsplit('.').next().unwrap_or_default().to_owned();
                let found = path.split('.').try_fold(receiver.clone(), |at, key| step(&at, key));
                found
                    .filter(|it| it.as_map().is_none())
                    .ok_or_else(|| FuncError::new(format!("{last:?} is not a value")))
            }
        }
    }
}

struct VersionSetMethods;

impl Methods for VersionSetMethods {
    fn method(&self, name: &str) -> Option<&'static Signature> {
        static HAS: Signature = Signature::fixed(&[Type::String]);
        (name == "Has").then_some(&HAS)
    }

    fn call(&self, receiver: &Value, _: &str, _: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        let wanted = args.first().and_then(Value::as_str);
        let has = receiver.as_list().is_some_and(|list| list.iter().any(|it| it.as_str() == wanted));
        Ok(Value::Bool(has))
    }
}

/// A struct of which templates see fields, or a pointer to one.
struct Struct {
    of: Type,
    /// All fields, unexported ones too (they print).
    fields: Vec<(&'static str, Value)>,
    /// Under which names JSON has them; those not named here are left out.
    json: Vec<(&'static str, Value)>,
    /// What `String()` of the pointer answers; the struct itself has no such method.
    string: Option<Str>,
    /// What `GitVersion()` answers.
    git_version: Option<Str>,
}

impl Object for Struct {
    fn type_of(&self) -> Type {
        self.of
    }

    fn field(&self, name: &str) -> Option<Value> {
        let is_exported = name.starts_with(|c: char| c.is_ascii_uppercase());
        self.fields.iter().find(|(field, _)| *field == name && is_exported).map(|(_, value)| value.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.clone()
    }

    fn method(&self, name: &str) -> Option<&'static Signature> {
        let known = match name {
            "String" => self.string.is_some(),
            "GitVersion" => self.git_version.is_some(),
            _ => false,
        };
        known.then_some(&Signature::NONE)
    }

    fn call(&self, name: &str, _: &mut Ctx<'_>, _: &[Value]) -> Result<Value, FuncError> {
        let text = if name == "String" { &self.string } else { &self.git_version };
        Ok(Value::String(text.clone().unwrap_or_default()))
    }

    fn pointer_text(&self) -> Option<Str> {
        self.string.clone()
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.json.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn text(it: &str) -> Value {
    Value::string(it)
}

fn kube_version(it: &KubeVersion) -> Value {
    let (version, major, minor) = (text(&it.version), text(&it.major), text(&it.minor));
    Value::object(Struct {
        of: Type::Named(&KUBE_VERSION),
        json: vec![("Version", version.clone()), ("Major", major.clone()), ("Minor", minor.clone())],
        fields: vec![
            ("Version", version.clone()),
            ("normalizedVersion", text(&it.normalized)),
            ("Major", major),
            ("Minor", minor),
        ],
        string: Some(Str::from(&it.normalized)),
        git_version: version.as_str().cloned(),
    })
}

fn helm_version(it: &HelmVersion) -> Value {
    let fields: [(&'static str, &'static str, &String); 5] = [
        ("Version", "version", &it.version),
        ("GitCommit", "git_commit", &it.git_commit),
        ("GitTreeState", "git_tree_state", &it.git_tree_state),
        ("GoVersion", "go_version", &it.go_version),
        ("KubeClientVersion", "kube_client_version", &it.kube_client_version),
    ];
    Value::object(Struct {
        of: Type::Named(&BUILD_INFO),
        fields: fields.iter().map(|(name, _, value)| (*name, text(value))).collect(),
        json: fields
            .iter()
            .filter(|(.., value)| !value.is_empty())
            .map(|(_, name, value)| (*name, text(value)))
            .collect(),
        string: None,
        git_version: None,
    })
}

/// `.Capabilities`.
pub(super) fn capabilities(it: &Capabilities) -> Value {
    let versions = it.api_versions.iter().map(|it| text(it)).collect();
    let fields = vec![
        ("KubeVersion", kube_version(&it.kube_version)),
        ("APIVersions", Value::List(List::new(Type::Named(&VERSION_SET), versions))),
        ("HelmVersion", helm_version(&it.helm_version)),
    ];
    Value::object(Struct {
        of: Type::Pointer(&const { Type::Named(&CAPABILITIES) }),
        json: fields.clone(),
        fields,
        string: None,
        git_version: None,
    })
}

/// `.Chart`.
pub(super) fn chart(it: &Metadata, is_root: bool, compat: Compat) -> Value {
    let map = chart_map(it, is_root);
    match compat {
        Compat::Helm4 => Value::Map(map),
        // There it is a struct: a field it does not have is an error, and JSON has Helm's names.
        Compat::Helm3 => {
            let mut json = it.to_json();
            if let Json::Object(entries) = &mut json {
                entries.insert("IsRoot".to_owned(), Json::Bool(is_root));
            }
            let mut json = in_order(&json);
            let mut fields: Vec<(&'static str, Value)> =
                map.entries().into_iter().map(|(key, it)| (known(&key.to_str()), it)).collect();
            fields.iter_mut().filter(|(name, _)| *name == "Dependencies").for_each(|(_, field)| {
                *field = Value::list(it.dependencies.iter().flatten().map(old_dependency).collect());
            });
            json.iter_mut().filter(|(name, _)| *name == "dependencies").for_each(|(_, field)| {
                *field = Value::list(it.dependencies.iter().flatten().map(old_dependency).collect());
            });
            Value::object(Struct { of: Type::Named(&OLD_CHART), fields, json, string: None, git_version: None })
        }
    }
}

/// Names of fields and of their JSON, in the order in which structs have them.
const NAMES: [&str; 46] = [
    "Name",
    "Home",
    "Sources",
    "Version",
    "Description",
    "Keywords",
    "Maintainers",
    "Icon",
    "APIVersion",
    "Repository",
    "Condition",
    "Tags",
    "AppVersion",
    "Deprecated",
    "Annotations",
    "KubeVersion",
    "Dependencies",
    "Type",
    "Enabled",
    "ImportValues",
    "Alias",
    "name",
    "home",
    "sources",
    "version",
    "repository",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
    "enabled",
    "import-values",
    "alias",
    "email",
    "url",
    "IsRoot",
    "",
];

fn place(name: &str) -> usize {
    NAMES.iter().position(|it| *it == name).unwrap_or(NAMES.len() - 1)
}

fn known(name: &str) -> &'static str {
    NAMES.get(place(name)).copied().unwrap_or_default()
}

/// The entries of an object in the order of the struct it stands for.
fn in_order(json: &Json) -> Vec<(&'static str, Value)> {
    let mut out: Vec<_> = json.as_object().into_iter().flatten().map(|(key, it)| (known(key), value(it))).collect();
    out.sort_by_key(|(name, _)| place(name));
    out
}

/// A dependency as Helm 3 has it: a struct.
fn old_dependency(it: &Dependency) -> Value {
    let fields = match dependency(it) {
        Value::Map(map) => map.entries(),
        _ => Vec::new(),
    };
    let json = it.to_json();
    Value::object(Struct {
        of: Type::Pointer(&const { Type::Named(&OLD_DEPENDENCY) }),
        fields: fields.into_iter().map(|(name, it)| (known(&name.to_str()), it)).collect(),
        json: in_order(&json),
        string: None,
        git_version: None,
    })
}

fn chart_map(it: &Metadata, is_root: bool) -> Map {
    let texts = |items: &[String]| Value::list(items.iter().map(|it| text(it)).collect());
    let annotations = match &it.annotations {
        None => Value::NilOf(STRING_MAP),
        Some(entries) => {
            let map = Map::of(STRING_MAP);
            entries.iter().for_each(|(key, value)| map.set(key.as_str(), text(value)));
            Value::Map(map)
        }
    };
    let entries = [
        ("Name", text(&it.name)),
        ("Home", text(&it.home)),
        ("Sources", texts(&it.sources)),
        ("Version", text(&it.version)),
        ("Description", text(&it.description)),
        ("Keywords", texts(&it.keywords)),
        ("Maintainers", Value::list(it.maintainers.iter().map(maintainer).collect())),
        ("Icon", text(&it.icon)),
        ("APIVersion", text(&it.api_version)),
        ("Condition", text(&it.condition)),
        ("Tags", text(&it.tags)),
        ("AppVersion", text(&it.app_version)),
        ("Deprecated", Value::Bool(it.deprecated)),
        ("Annotations", annotations),
        ("KubeVersion", text(&it.kube_version)),
        ("Dependencies", Value::list(it.dependencies.iter().flatten().map(dependency).collect())),
        ("Type", text(&it.kind)),
        ("IsRoot", Value::Bool(is_root)),
    ];
    let map = Map::new();
    entries.into_iter().for_each(|(name, it)| map.set(name, it));
    map
}

fn maintainer(it: &Maintainer) -> Value {
    Value::map([("Name", text(&it.name)), ("Email", text(&it.email)), ("URL", text(&it.url))])
}

fn dependency(it: &Dependency) -> Value {
    let imports = it.import_values.iter().map(|import| match import {
        // After dependencies are processed each is a `map[string]string`.
        Json::Object(pair) => {
            let map = Map::of(STRING_MAP);
            pair.iter().for_each(|(key, value)| map.set(key.as_str(), text(value.as_str().unwrap_or_default())));
            Value::Map(map)
        }
        other => value(other),
    });
    Value::map([
        ("Name", text(&it.name)),
        ("Version", text(&it.version)),
        ("Repository", text(&it.repository)),
        ("Condition", text(&it.condition)),
        ("Tags", Value::list(it.tags.iter().map(|it| text(it)).collect())),
        ("Enabled", Value::Bool(it.enabled)),
        ("ImportValues", Value::list(imports.collect())),
        ("Alias", text(&it.alias)),
    ])
}
