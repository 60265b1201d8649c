//! Rendered files, cut into documents, sorted as Helm installs them, hooks apart.

mod head;
mod order;
mod split;

use std::collections::BTreeMap;

use crate::{Compat, DecodeError, hook::Hook};

pub use order::{compare, install_order, uninstall_order};
pub use split::split;

use head::Head;

/// A document of a rendered template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The path of the template: `app/templates/x.yaml`.
    pub path: String,
    /// The document without its separator. Helm 4 keeps blanks at the end.
    pub text: String,
    /// `apiVersion`, as far as it says one.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
}

/// Documents of a release, in the order of installation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// What is installed.
    pub manifests: Vec<Manifest>,
    /// What runs before or after.
    pub hooks: Vec<Hook>,
}

/// Why a rendered file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("YAML parse error on {path}: {source}")]
pub struct ManifestError {
    /// The path of the template.
    pub path: String,
    /// The document, as rendered: for who wants to see what is wrong with it.
    pub document: String,
    /// What is wrong.
    pub source: DecodeError,
}

/// Cuts and sorts rendered files. Partials and empty files are left out, and so are hooks of unknown events.
///
/// # Errors
/// For the first document that is not YAML, or whose head has other types than an object's.
pub fn sort(files: &BTreeMap<String, String>, compat: Compat) -> Result<Sorted, ManifestError> {
    let mut out = Sorted::default();
    for (path, text) in files {
        if crate::path::base(path).starts_with('_') || text.trim().is_empty() {
            continue;
        }
        for document in split(text, compat) {
            let refuse = |source| ManifestError { path: path.clone(), document: document.to_owned(), source };
            let head = Head::read(document).map_err(refuse)?;
            match Hook::from_head(&head, path, document) {
                None => out.manifests.push(Manifest {
                    path: path.clone(),
                    text: document.to_owned(),
                    api_version: head.api_version,
                    kind: head.kind,
                    name: head.name,
                }),
                Some(hook) => out.hooks.extend(hook),
            }
        }
    }
    out.manifests.sort_by(|a, b| order::compare(&a.kind, &b.kind, install_order(compat)));
    out.hooks.sort_by(|a, b| order::compare(&a.kind, &b.kind, install_order(compat)));
    Ok(out)
}

pub(crate) use head::Head as ManifestHead;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn kinds_go_in_order_and_unknown_ones_last() {
        let files = files(&[
            ("a/templates/a.yaml", "kind: Zebra\n---\nkind: Service\n---\nkind: Namespace\n"),
            ("a/templates/b.yaml", "kind: Apple\nmetadata: {name: 1}\n---\nkind: Service\nmetadata: {name: b}\n"),
            ("a/templates/_c.yaml", "kind: Never\n"),
            ("a/templates/d.yaml", "  \n"),
            ("a/templates/e.yaml", "kind: ValidatingWebhookConfiguration\n"),
        ]);
        let kinds = |compat| {
            let sorted = sort(&files, compat).unwrap();
            sorted.manifests.into_iter().map(|it| it.kind).collect::<Vec<_>>()
        };
        assert_eq!(
            kinds(Compat::Helm4),
            ["Namespace", "Service", "Service", "ValidatingWebhookConfiguration", "Apple", "Zebra"]
        );
        assert_eq!(
            kinds(Compat::Helm3),
            ["Namespace", "Service", "Service", "Apple", "ValidatingWebhookConfiguration", "Zebra"]
        );
        assert_eq!(sort(&files, Compat::Helm4).unwrap().manifests[4].name, "1");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for (text, expected) in [
            ("a: b: c\n", "error converting YAML to JSON"),
            ("just text\n", "cannot unmarshal string into Go value of type"),
            ("kind: [a]\n", "cannot unmarshal array into Go struct field"),
            ("metadata: x\n", "cannot unmarshal string into Go struct field"),
            ("metadata: {annotations: {a: [1]}}\n", "cannot unmarshal array into Go struct field"),
        ] {
            let error = sort(&files(&[("a/templates/x.yaml", text)]), Compat::Helm4).unwrap_err().to_string();
            assert!(error.starts_with("YAML parse error on a/templates/x.yaml: "), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }
}
