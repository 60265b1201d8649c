//! `namePrefix`, `nameSuffix`, `namespace` and the hashes of generated objects.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use weir_yaml::{Data, Node};

use crate::Error;
use crate::fieldspec::{Create, FieldSpec, set_scalar, set_string};
use crate::resmap::ResMap;
use crate::resource::{Resource, node_value};

/// Which end of a name is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Prefix,
    Suffix,
}

/// Adds `text` to an end of the names at `specs`. CRDs, API services and namespaces keep theirs.
pub(crate) fn affix(map: &mut ResMap, end: End, text: &str, specs: &[FieldSpec]) -> Result<(), Error> {
    let ResMap { list, meter } = map;
    for resource in list {
        meter.go_on()?;
        let first = resource.original_id().gvk;
        let kept = matches!(first.kind.as_str(), "CustomResourceDefinition" | "Namespace")
            || (first.kind == "APIService" && first.group == "apiregistration.k8s.io");
        if kept {
            continue;
        }
        for spec in specs {
            if !first.is_selected(&spec.gvk()) {
                continue;
            }
            if spec.path == "metadata/name" && !text.is_empty() {
                match end {
                    End::Prefix => resource.prefixes.push(text.to_owned()),
                    End::Suffix => resource.suffixes.push(text.to_owned()),
                }
                ResMap::remember(meter, resource)?;
            }
            spec.apply(resource, Create::Scalar, &mut |node| {
                meter.grow(text.len())?;
                let old = node.as_str().unwrap_or_default();
                let new = if end == End::Prefix { format!("{text}{old}") } else { format!("{old}{text}") };
                set_scalar(node, &new)
            })?;
        }
    }
    Ok(())
}

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    DefaultOnly,
    /// All service accounts.
    AllServiceAccounts,
    /// None.
    None,
}

impl Subjects {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "" | "defaultOnly" => Ok(Self::DefaultOnly),
            "allServiceAccounts" => Ok(Self::AllServiceAccounts),
            "none" => Ok(Self::None),
            _ => Err(Error::object(format!(
                "setRoleBindingSubjects must be defaultOnly, allServiceAccounts or none, not {text:?}"
            ))),
        }
    }
}

/// How the namespace is set.
#[derive(Debug, Clone, Default)]
pub(crate) struct NamespaceArgs {
    pub(crate) namespace: String,
    pub(crate) specs: Vec<FieldSpec>,
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
}

/// Puts objects into a namespace.
pub(crate) fn namespace(map: &mut ResMap, args: &NamespaceArgs) -> Result<(), Error> {
    if args.namespace.is_empty() {
        return Ok(());
    }
    let ResMap { list, meter } = &mut *map;
    for resource in list {
        if resource.is_empty() || resource.from_helm {
            continue;
        }
        ResMap::remember(meter, resource)?;
        set_namespace(resource, args)?;
    }
    map.check_unique().map_err(|error| Error::object(format!("namespace transformation produces ID conflict: {error}")))
}

/// Sets the namespace wherever it stands in one object.
pub(crate) fn set_namespace(resource: &mut Resource, args: &NamespaceArgs) -> Result<(), Error> {
    let mut set = |node: &mut Node| {
        if args.unset_only && node.as_str().is_some_and(|t| !t.is_empty()) {
            return Ok(());
        }
        if !matches!(node.data, Data::Scalar(_)) {
            return Err(Error::object("namespace field specs must target scalar nodes"));
        }
        set_string(node, &args.namespace)
    };
    if !resource.gvk().is_cluster_scoped() {
        let spec = FieldSpec { create: true, ..FieldSpec::new("metadata/namespace") };
        spec.apply(resource, Create::Scalar, &mut set)?;
    }
    let binding = matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding");
    if binding {
        bind_subjects(resource, args, &mut set)?;
    }
    for spec in &args.specs {
        let of_subjects =
            matches!(spec.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") && spec.path == "subjects/namespace";
        let skipped = spec.path == "metadata/namespace"
            || (spec.path == "metadata/name" && resource.api_version() != "v1")
            || (binding && of_subjects);
        if !skipped {
            spec.apply(resource, Create::Scalar, &mut set)?;
        }
    }
    Ok(())
}

fn bind_subjects(
    resource: &mut Resource,
    args: &NamespaceArgs,
    set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
) -> Result<(), Error> {
    if args.subjects == Subjects::None {
        return Ok(());
    }
    let Some(subjects) = resource.node.get_mut("subjects").and_then(Node::as_sequence_mut) else { return Ok(()) };
    for subject in subjects {
        if subject.as_mapping().is_none() && !subject.is_null() {
            return Err(Error::object("a subject of a role binding must be a mapping"));
        }
        let bound = match args.subjects {
            Subjects::DefaultOnly => subject.get_str("name") == Some("default"),
            Subjects::AllServiceAccounts => subject.get_str("kind") == Some("ServiceAccount"),
            Subjects::None => false,
        };
        if bound {
            set(subject.get_or_insert_with("namespace", || Node::string("")))?;
        }
    }
    Ok(())
}

/// Adds a hash of their content to the names of generated objects.
pub(crate) fn add_hashes(map: &mut ResMap) -> Result<(), Error> {
    let ResMap { list, meter } = map;
    for resource in list.iter_mut().filter(|r| r.needs_hash) {
        let name = format!("{}-{}", resource.name(), hash(resource)?);
        ResMap::remember(meter, resource)?;
        resource.set_name(&name);
    }
    Ok(())
}

fn hash(resource: &Resource) -> Result<String, Error> {
    let part = |field: &str| -> Result<Value, Error> {
        match resource.node.get(field) {
            None => Ok(Value::String(String::new())),
            Some(node) => match node.as_str() {
                Some(text) => Ok(Value::String(text.to_owned())),
                None => node_value(node).map_err(|source| Error::yaml(&resource.id().to_string(), source)),
            },
        }
    };
    let mut value = match resource.kind() {
        "ConfigMap" => json!({ "kind": "ConfigMap", "name": "", "data": part("data")? }),
        "Secret" => json!({ "kind": "Secret", "type": part("type")?, "name": "", "data": part("data")? }),
        _ => resource.to_value()?,
    };
    let extra = match resource.kind() {
        "ConfigMap" => Some("binaryData"),
        "Secret" => Some("stringData"),
        _ => None,
    };
    if let Some(field) = extra
        && resource.node.get(field).is_some_and(|n| n.as_mapping().is_some())
        && let Value::Object(map) = &mut value
    {
        map.insert(field.to_owned(), part(field)?);
    }
    let mut text = String::new();
    go_json(&value, &mut text);
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(5).map(|b| format!("{b:02x}")).collect();
    Ok(hex
        .chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect())
}

/// JSON as Go writes it: keys sorted, `<`, `>`, `&` and line separators escaped.
pub(crate) fn go_json(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                go_string(key, out);
                out.push(':');
                go_json(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                go_json(item, out);
            }
            out.push(']');
        }
        Value::String(text) => go_string(text, out),
        other => out.push_str(&other.to_string()),
    }
}

fn go_string(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' | '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
