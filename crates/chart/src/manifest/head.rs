//! What Helm reads of each document.

use crate::decode::{DecodeError, Fields, fields_of};

/// Go's name of the type of `metadata`, for messages.
const METADATA: &str =
    "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";

/// The head of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) annotations: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn read(text: &str) -> Result<Self, DecodeError> {
        // A rendered object is large and its head small.
        let is_field = |key: &str| ["apiVersion", "kind", "metadata"].iter().any(|it| key.eq_ignore_ascii_case(it));
        let map = fields_of(text, is_field, "util.SimpleHead")?;
        let fields = Fields::new("SimpleHead", &map);
        let mut head = Self { api_version: fields.text("apiVersion")?, kind: fields.text("kind")?, ..Self::default() };
        if let Some(metadata) = fields.object("metadata", METADATA)? {
            let fields = Fields::new("SimpleHead.metadata", metadata);
            head.name = fields.text("name")?;
            head.annotations = fields.text_map("annotations")?.unwrap_or_default();
        }
        Ok(head)
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read() {
        let head =
            Head::read("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations: {x: 1, b: true}\n").unwrap();
        assert_eq!((head.kind.as_str(), head.name.as_str()), ("Pod", "a"));
        assert_eq!((head.annotation("x"), head.annotation("b")), (Some("1"), Some("true")));
        assert_eq!(Head::read("# nothing\n").unwrap(), Head::default());
    }
}
