//! Annotations that say where an object came from and what changed it.

use weir_yaml::{Data, Node};

use crate::Error;
use crate::meter::Meter;
use crate::remote::RemoteBase;
use crate::resource::Resource;

pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// Where an object came from, or which configuration made or changed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    /// Of a remote base.
    pub(crate) repo: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    /// API version, kind, name and namespace of the configuration.
    pub(crate) configured_by: Option<[String; 4]>,
}

impl Origin {
    pub(crate) fn append(&self, path: &str) -> Origin {
        match RemoteBase::parse(path) {
            Some(base) => Origin { path: base.path, repo: base.repository, reference: base.reference, ..self.clone() },
            None => Origin { path: clean(&self.path, path), ..self.clone() },
        }
    }

    /// The origin of what a field of a kustomization file did.
    pub(crate) fn builtin(&self, file: &str, kind: &str) -> Origin {
        let by = ["builtin".to_owned(), kind.to_owned(), String::new(), String::new()];
        Origin { path: String::new(), configured_in: clean(&self.path, file), configured_by: Some(by), ..self.clone() }
    }

    fn node(&self) -> Node {
        let mut node = Node::mapping();
        let mut put = |key: &str, value: &str| {
            if !value.is_empty() {
                node.set(key, Node::string(value));
            }
        };
        put("path", &self.path);
        put("repo", &self.repo);
        put("ref", &self.reference);
        put("configuredIn", &self.configured_in);
        if let Some(by) = &self.configured_by {
            let mut inner = Node::mapping();
            for (key, value) in ["apiVersion", "kind", "name", "namespace"].into_iter().zip(by) {
                if !value.is_empty() {
                    inner.set(key, Node::string(value));
                }
            }
            node.set("configuredBy", inner);
        }
        node
    }

    pub(crate) fn text(&self) -> String {
        weir_yaml::emit(&self.node())
    }
}

/// Joins paths and takes `.` and `..` out; what leads above the start stays as `..`.
fn clean(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Notes that a transformer ran: on an object whose origin is known as a transformation, on another as its origin.
pub(crate) fn record(resource: &mut Resource, origin: &Origin, meter: &Meter) -> Result<(), Error> {
    let node = origin.node();
    meter.take(&node)?;
    if resource.annotation(ORIGIN).is_none() {
        resource.set_annotation(ORIGIN, &weir_yaml::emit(&node));
        return Ok(());
    }
    let known = resource.annotation(TRANSFORMATIONS).unwrap_or_default();
    let mut list = match weir_yaml::parse_one(known, &weir_yaml::Limits::default()) {
        Ok(node) if node.as_sequence().is_some() => node,
        _ => Node::sequence(),
    };
    if let Data::Sequence(items) = &mut list.data {
        items.push(node);
    }
    let text = weir_yaml::emit(&list);
    resource.set_annotation(TRANSFORMATIONS, &text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_kustomize_writes_it() {
        let origin = Origin { path: "base".to_owned(), ..Origin::default() };
        assert_eq!(origin.append("../x.yaml").text(), "path: x.yaml\n");
        let text = "configuredIn: base/k.yaml\nconfiguredBy:\n  apiVersion: builtin\n  kind: PrefixTransformer\n";
        assert_eq!(origin.builtin("k.yaml", "PrefixTransformer").text(), text);
    }
}
