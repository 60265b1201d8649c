//! Post-build substitution: the variables of `spec.postBuild`, put into the built objects.
//!
//! As in Flux the text that is substituted is the object as sigs.k8s.io/yaml prints it, and what comes out is read
//! again: a value that looks like a number becomes one.

use std::collections::BTreeMap;

use serde_json::Value;
use weir_api::kustomize::{PostBuild, SubstituteStrategy};
use weir_envsubst::Mode;
use weir_manifest::{Object, ObjectRef, Policy};

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// What all objects of a build that variables were put into may measure as text: a variable that is large and used often
/// must not fill the memory.
const TOTAL: usize = 64 << 20;

/// Why the objects cannot be substituted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A source of variables has a bad name in it.
    #[error("post build failed")]
    Variables(#[source] weir_envsubst::Error),
    /// One object's text does not take the variables.
    #[error("post build failed for '{object}': envsubst error")]
    Substitute {
        /// The object.
        object: Box<ObjectRef>,
        /// Which variable and why; never a value.
        #[source]
        source: weir_envsubst::Error,
    },
    /// All objects together are too large.
    #[error("post build failed for '{object}': with its variables the objects are larger than {TOTAL} bytes together")]
    Total {
        /// The object that is too much.
        object: Box<ObjectRef>,
    },
    /// What came out is not an object any more.
    #[error(
        "post build failed for '{object}': the result of the substitution is not a valid object; quote values that YAML would read differently"
    )]
    Read {
        /// The object before the substitution.
        object: Box<ObjectRef>,
    },
}

/// Merges the variables: `from` in order, later ones over earlier ones, then `spec.postBuild.substitute`.
///
/// # Errors
/// When a key cannot name a variable.
pub fn variables(post_build: &PostBuild, from: &[Variables]) -> Result<Variables, Error> {
    weir_envsubst::merge(from.iter().chain([&post_build.substitute])).map_err(Error::Variables)
}

/// Puts variables into the objects of one build, one after the other.
#[derive(Debug)]
pub struct Substitution<'a> {
    variables: &'a Variables,
    /// Without variables nothing happens unless the strategy is `Always`.
    is_idle: bool,
    mode: Mode,
    /// Bytes that the objects may still take.
    left: usize,
}

impl<'a> Substitution<'a> {
    /// Of a build with these variables.
    #[must_use]
    pub fn new(variables: &'a Variables, strategy: SubstituteStrategy, mode: Mode) -> Self {
        let is_idle = variables.is_empty() && strategy != SubstituteStrategy::Always;
        Self { variables, is_idle, mode, left: TOTAL }
    }

    /// The next object, unless it opted out as it was.
    ///
    /// # Errors
    /// When it cannot be substituted; it is named, values are not.
    pub fn object(&mut self, object: Object) -> Result<Object, Error> {
        if self.is_idle { Ok(object) } else { substituted(object, self.variables, self.mode, &mut self.left) }
    }
}

fn substituted(object: Object, variables: &Variables, mode: Mode, left: &mut usize) -> Result<Object, Error> {
    if !Policy::of(&object).substitute || !object.as_map().iter().any(|(key, value)| marked(key) || holds_mark(value)) {
        return Ok(object);
    }
    let reference = Box::new(object.reference());
    let text = weir_yaml::to_string(&object.into_value());
    let lookup = |name: &str| variables.get(name).cloned();
    let text = weir_envsubst::substitute(&text, &lookup, mode)
        .map_err(|source| Error::Substitute { object: reference.clone(), source })?;
    *left = left.checked_sub(text.len()).ok_or_else(|| Error::Total { object: reference.clone() })?;
    let value = weir_yaml::parse_value(&text).ok();
    value.and_then(|v| Object::from_value(v).ok()).ok_or(Error::Read { object: reference })
}

/// Whether a text anywhere below has a `$`: most objects have none and need not be printed and read again.
fn holds_mark(value: &Value) -> bool {
    match value {
        Value::String(text) => marked(text),
        Value::Array(items) => items.iter().any(holds_mark),
        Value::Object(map) => map.iter().any(|(key, value)| marked(key) || holds_mark(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn marked(text: &str) -> bool {
    text.contains('$')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STRICT: Mode = Mode { strict: true };

    fn config_map(data: Value) -> Object {
        Object::from_value(json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "c", "namespace": "n" }, "data": data }))
        .unwrap()
    }

    fn objects(
        objects: Vec<Object>,
        variables: &Variables,
        strategy: SubstituteStrategy,
        mode: Mode,
    ) -> Result<Vec<Object>, Error> {
        let mut all = Substitution::new(variables, strategy, mode);
        objects.into_iter().map(|object| all.object(object)).collect()
    }

    fn run(object: Object, vars: &[(&str, &str)]) -> Result<Value, Error> {
        let vars = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut all = objects(vec![object], &vars, SubstituteStrategy::WithVariables, STRICT)?;
        Ok(all.remove(0).into_value())
    }

    #[test]
    fn a_value_that_looks_like_a_number_becomes_one() {
        let service = Object::from_value(json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "s" },
            "spec": { "ports": [{ "port": "${PORT}" }] } }))
        .unwrap();
        assert_eq!(run(service, &[("PORT", "8080")]).unwrap()["spec"]["ports"][0]["port"], json!(8080));
    }

    #[test]
    fn without_variables_nothing_is_touched_unless_always() {
        let object = config_map(json!({ "a": "$${x}" }));
        assert_eq!(run(object.clone(), &[]).unwrap()["data"]["a"], "$${x}");
        let all = objects(vec![object], &Variables::new(), SubstituteStrategy::Always, STRICT).unwrap();
        assert_eq!(all[0].as_map()["data"]["a"], "${x}");
    }

    #[test]
    fn an_object_can_opt_out() {
        let mut object = config_map(json!({ "a": "${missing}" }));
        object.set_annotation("kustomize.toolkit.fluxcd.io/substitute", "disabled");
        assert_eq!(run(object, &[("x", "y")]).unwrap()["data"]["a"], "${missing}");
    }

    #[test]
    fn a_missing_variable_is_named_with_its_object() {
        let error = run(config_map(json!({ "a": "${missing}" })), &[("x", "hidden")]).unwrap_err();
        let text = weir_reconcile::describe(&error);
        assert!(text.contains("ConfigMap/n/c") && text.contains("missing") && !text.contains("hidden"), "{text}");
    }

    #[test]
    fn a_result_that_is_no_object_is_an_error() {
        let object = config_map(json!({ "a": "${x}" }));
        assert!(matches!(run(object, &[("x", "a: b: c")]), Err(Error::Read { .. })));
    }

    #[test]
    fn all_objects_together_are_bounded() {
        let large = Variables::from([("x".to_owned(), "a".repeat(1 << 20))]);
        let all = |count| vec![config_map(json!({ "a": "${x}${x}${x}${x}${x}${x}${x}${x}" })); count];
        let run = |count| objects(all(count), &large, SubstituteStrategy::WithVariables, STRICT);
        assert_eq!(run(7).unwrap().len(), 7);
        assert!(matches!(run(8), Err(Error::Total { .. })));
    }

    #[test]
    fn later_sources_and_the_inline_map_win() {
        let post_build =
            PostBuild { substitute: Variables::from([("a".to_owned(), "inline".to_owned())]), ..PostBuild::default() };
        let from = |v: &str| Variables::from([("a".to_owned(), v.to_owned()), ("b".to_owned(), v.to_owned())]);
        let merged = variables(&post_build, &[from("1"), from("2\n")]).unwrap();
        assert_eq!((merged["a"].as_str(), merged["b"].as_str()), ("inline", "2"));
    }
}
