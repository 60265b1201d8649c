//! Which lists are merged by which keys: the OpenAPI facts a strategic merge needs, and nothing else of OpenAPI.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::Error;

const BUILTIN: &str = include_str!("schema/builtin.txt");

/// A field of a type: what lies below it and whether its items are merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// The type of the value, of the items or of a map's values.
    below: Option<usize>,
    shape: Shape,
    /// Items are merged by these keys; without keys, by their value.
    merge: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Object,
    List,
    Map,
}

#[derive(Debug, Default)]
struct Type {
    fields: HashMap<String, Field>,
    /// The values of a type that is a map.
    values: Option<Field>,
}

/// Types by number, and the numbers of kinds.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    types: Vec<Type>,
    kinds: HashMap<String, usize>,
    names: HashMap<String, usize>,
}

/// A place in a schema.
#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    /// Nothing is known: lists are replaced.
    Unknown,
    Type(&'a Schema, usize),
    Field(&'a Schema, &'a Field),
}

impl Schema {
    /// The types built into Kubernetes.
    pub(crate) fn builtin() -> Arc<Schema> {
        static SCHEMA: OnceLock<Arc<Schema>> = OnceLock::new();
        SCHEMA.get_or_init(|| Arc::new(Self::from_table(BUILTIN))).clone()
    }

    fn from_table(table: &str) -> Self {
        let mut schema = Schema::default();
        for line in table.lines().filter(|l| !l.starts_with('#')) {
            let number = schema.types.len();
            let mut words = line.split(' ');
            let (name, kinds) = words.next().and_then(|w| w.split_once(';')).unwrap_or_default();
            schema.names.insert(name.to_owned(), number);
            for kind in kinds.split(',').filter(|k| !k.is_empty()) {
                schema.kinds.insert(kind.to_owned(), number);
            }
            let mut of_type = Type::default();
            for word in words.filter(|w| !w.is_empty()) {
                let (head, below) = match word.split_once('>') {
                    Some((head, below)) => (head, below.parse().ok()),
                    None => (word, None),
                };
                let (head, merge) = match head.split_once('|') {
                    Some((head, keys)) => {
                        (head, Some(keys.split(',').filter(|k| !k.is_empty()).map(str::to_owned).collect()))
                    }
                    None => (head, None),
                };
                let (name, shape) = if let Some(name) = head.strip_suffix("[]") {
                    (name, Shape::List)
                } else if let Some(name) = head.strip_suffix("{}") {
                    (name, Shape::Map)
                } else {
                    (head, Shape::Object)
                };
                of_type.fields.insert(name.to_owned(), Field { below, shape, merge });
            }
            schema.types.push(of_type);
        }
        schema
    }

    /// A schema from an OpenAPI document, for `openapi.path`; alone, or laid over the built-in one.
    pub(crate) fn from_openapi(document: &Value, file: &str, beside_builtin: bool) -> Result<Self, Error> {
        let Some(definitions) = document.get("definitions").and_then(Value::as_object) else {
            return Err(Error::field(file, "definitions", "an OpenAPI document must have them"));
        };
        let schema = if beside_builtin { Self::from_table(BUILTIN) } else { Self::default() };
        let mut builder = Builder { numbers: schema.names.clone(), schema };
        for name in definitions.keys() {
            let number = builder.reserve();
            builder.numbers.insert(name.clone(), number);
        }
        for (name, definition) in definitions {
            let Some(&number) = builder.numbers.get(name) else { continue };
            builder.fill(number, definition, 0);
            let kinds = definition.get("x-kubernetes-group-version-kind");
            for kind in kinds.and_then(Value::as_array).into_iter().flatten() {
                let part = |key: &str| kind.get(key).and_then(Value::as_str).unwrap_or_default();
                let api_version = if part("group").is_empty() {
                    part("version").to_owned()
                } else {
                    format!("{}/{}", part("group"), part("version"))
                };
                builder.schema.kinds.insert(format!("{api_version}/{}", part("kind")), number);
            }
        }
        Ok(builder.schema)
    }

    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> At<'_> {
        match self.kinds.get(&format!("{api_version}/{kind}")) {
            Some(&number) => At::Type(self, number),
            None => At::Unknown,
        }
    }
}

impl<'a> At<'a> {
    pub(crate) fn is_unknown(self) -> bool {
        matches!(self, At::Unknown)
    }

    fn type_below(self) -> Option<(&'a Schema, &'a Type)> {
        match self {
            At::Unknown => None,
            At::Type(schema, number) => Some((schema, schema.types.get(number)?)),
            At::Field(schema, field) if field.shape == Shape::Object => Some((schema, schema.types.get(field.below?)?)),
            At::Field(..) => None,
        }
    }

    /// A field of the object here, or a value of the map here.
    pub(crate) fn field(self, name: &str) -> At<'a> {
        if let At::Field(schema, field) = self
            && field.shape == Shape::Map
        {
            return field.below.map_or(At::Unknown, |number| At::Type(schema, number));
        }
        match self.type_below() {
            Some((schema, of_type)) => match of_type.fields.get(name).or(of_type.values.as_ref()) {
                Some(field) => At::Field(schema, field),
                None => At::Unknown,
            },
            None => At::Unknown,
        }
    }

    /// An item of the list here.
    pub(crate) fn item(self) -> At<'a> {
        match self {
            At::Field(schema, field) if field.shape == Shape::List => {
                field.below.map_or(At::Unknown, |number| At::Type(schema, number))
            }
            _ => At::Unknown,
        }
    }

    /// The keys the items of the list here are merged by; none when the list is replaced.
    pub(crate) fn merge_keys(self) -> Option<&'a [String]> {
        match self {
            At::Field(_, field) => field.merge.as_deref(),
            _ => None,
        }
    }
}

struct Builder {
    numbers: HashMap<String, usize>,
    schema: Schema,
}

impl Builder {
    fn reserve(&mut self) -> usize {
        self.schema.types.push(Type::default());
        self.schema.types.len() - 1
    }

    fn fill(&mut self, number: usize, definition: &Value, depth: usize) {
        let mut of_type = Type::default();
        for (name, property) in definition.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let field = self.field(property, depth);
            of_type.fields.insert(name.clone(), field);
        }
        if let Some(values) = definition.get("additionalProperties").filter(|v| v.is_object()) {
            of_type.values = Some(self.field(values, depth));
        }
        if let Some(slot) = self.schema.types.get_mut(number) {
            *slot = of_type;
        }
    }

    fn field(&mut self, property: &Value, depth: usize) -> Field {
        let strategy = property.get("x-kubernetes-patch-strategy").and_then(Value::as_str);
        let merge = strategy.filter(|s| s.split(',').any(|s| s == "merge")).map(|_| merge_keys(property));
        let is_list = property.get("type").and_then(Value::as_str) == Some("array");
        if is_list {
            let below = property.get("items").and_then(|items| self.below(items, depth));
            return Field { below, shape: Shape::List, merge };
        }
        Field { below: self.below(property, depth), shape: Shape::Object, merge }
    }

    fn below(&mut self, property: &Value, depth: usize) -> Option<usize> {
        const DEPTH: usize = 64;
        if let Some(target) = property.get("$ref").and_then(Value::as_str) {
            return self.numbers.get(target.rsplit('/').next()?).copied();
        }
        if depth > DEPTH || !(property.get("properties").is_some() || property.get("additionalProperties").is_some()) {
            return None;
        }
        let number = self.reserve();
        self.fill(number, property, depth + 1);
        Some(number)
    }
}

fn merge_keys(property: &Value) -> Vec<String> {
    if let Some(keys) = property.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
        return keys.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    let key = property.get("x-kubernetes-patch-merge-key").and_then(Value::as_str);
    key.map(str::to_owned).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_merged_by_name() {
        let schema = Schema::builtin();
        let pod = schema.of_kind("apps/v1", "Deployment").field("spec").field("template").field("spec");
        let containers = pod.field("containers");
        assert_eq!(containers.merge_keys(), Some(["name".to_owned()].as_slice()));
        assert_eq!(
            containers.item().field("ports").merge_keys(),
            Some(["containerPort".to_owned(), "protocol".to_owned()].as_slice())
        );
        assert_eq!(containers.item().field("args").merge_keys(), None);
        assert!(schema.of_kind("example.com/v1", "Foo").is_unknown());
    }
}
