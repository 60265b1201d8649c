//! Which kinds a cluster has, and which of them a word means.

use serde_json::Value;

use super::Resource;

/// The resources of an `APIGroupDiscoveryList`.
pub fn discovered(groups: &Value) -> Vec<Resource> {
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = Vec::new();
    for group in list(groups, "items") {
        for version in list(&group, "versions") {
            for resource in list(&version, "resources") {
                let mut names: Vec<String> =
                    list(&resource, "shortNames").iter().filter_map(Value::as_str).map(str::to_owned).collect();
                names.push(text(&resource, "/singularResource"));
                all.push(Resource {
                    group: text(&group, "/metadata/name"),
                    version: text(&version, "/version"),
                    kind: text(&resource, "/responseKind/kind"),
                    plural: text(&resource, "/resource"),
                    namespaced: text(&resource, "/scope") == "Namespaced",
                    names,
                });
            }
        }
    }
    all
}

/// The resource that a word means: kind, plural, singular or short name, perhaps with a group: `deploy`,
/// `deployments.apps`.
pub fn resolve<'a>(resources: &'a [Resource], word: &str) -> Option<&'a Resource> {
    let word = word.to_ascii_lowercase();
    let (name, group) = word.split_once('.').map_or((word.as_str(), None), |(name, group)| (name, Some(group)));
    resources.iter().find(|resource| {
        let called = resource.kind.eq_ignore_ascii_case(name)
            || resource.plural == name
            || resource.names.iter().any(|n| n == name);
        called
            && group.is_none_or(|group| {
                resource.group == group || format!("{}.{}", resource.version, resource.group) == group
            })
    })
}

/// The resource of a `kind:` in a group, any version.
pub fn by_kind<'a>(resources: &'a [Resource], group: &str, kind: &str) -> Option<&'a Resource> {
    resources.iter().find(|resource| resource.group == group && resource.kind == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resources() -> Vec<Resource> {
        discovered(&json!({ "items": [
            { "metadata": { "name": "" }, "versions": [{ "version": "v1", "resources": [
                { "resource": "pods", "singularResource": "pod", "responseKind": { "kind": "Pod" }, "scope": "Namespaced", "shortNames": ["po"] },
                { "resource": "namespaces", "singularResource": "namespace", "responseKind": { "kind": "Namespace" }, "scope": "Cluster", "shortNames": ["ns"] },
            ]}]},
            { "metadata": { "name": "apps" }, "versions": [{ "version": "v1", "resources": [
                { "resource": "deployments", "singularResource": "deployment", "responseKind": { "kind": "Deployment" }, "scope": "Namespaced", "shortNames": ["deploy"] },
            ]}]},
        ]}))
    }

    #[test]
    fn words_find_kinds() {
        let resources = resources();
        for (word, kind) in [
            ("po", "Pod"),
            ("Deployment", "Deployment"),
            ("deploy", "Deployment"),
            ("deployments.apps", "Deployment"),
            ("deployments.v1.apps", "Deployment"),
            ("ns", "Namespace"),
        ] {
            assert_eq!(resolve(&resources, word).map(|r| r.kind.as_str()), Some(kind), "{word}");
        }
        assert!(resolve(&resources, "deployments.example.com").is_none());
        assert!(!resolve(&resources, "ns").unwrap().namespaced);
        assert_eq!(by_kind(&resources, "apps", "Deployment").unwrap().api_version(), "apps/v1");
        assert_eq!(by_kind(&resources, "", "Pod").unwrap().api_version(), "v1");
    }
}
