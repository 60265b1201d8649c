//! `Chart.yaml`: what a chart says of itself.

use serde_json::{Map, Value, json};

use crate::decode::{DecodeError, Fields, mapping_of_texts};

/// What `Chart.yaml` holds (with `requirements.yaml` merged in for charts of API version v1).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// The name; a single path segment.
    pub name: String,
    /// A URL to a page about the chart.
    pub home: String,
    /// URLs of sources.
    pub sources: Vec<String>,
    /// The chart's version, a semantic version.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Who maintains it.
    pub maintainers: Vec<Maintainer>,
    /// URL of a picture.
    pub icon: String,
    /// `v1` or `v2`.
    pub api_version: String,
    /// Unused by Helm.
    pub condition: String,
    /// Unused by Helm.
    pub tags: String,
    /// The version of what is inside.
    pub app_version: String,
    /// Whether nobody should use it any more.
    pub deprecated: bool,
    /// Anything else; `None` when there is no such field.
    pub annotations: Option<Vec<(String, String)>>,
    /// A semver constraint on Kubernetes' version.
    pub kube_version: String,
    /// Charts it depends on; `None` when nothing is said of them.
    pub dependencies: Option<Vec<Dependency>>,
    /// `application`, `library` or nothing.
    pub kind: String,
    /// Which of its lists has a null where an object belongs.
    null_nodes: NullNodes,
}

/// Lists of objects in which there is a null; each is refused once the fields before it are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct NullNodes {
    maintainers: bool,
    dependencies: bool,
}

/// A person or group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintainer {
    /// A name.
    pub name: String,
    /// A mail address.
    pub email: String,
    /// A web address.
    pub url: String,
}

/// A chart that a chart depends on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dependency {
    /// The chart's name; its alias once dependencies are processed.
    pub name: String,
    /// A semver constraint.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Paths into the values, separated by commas; the first that is a boolean decides.
    pub condition: String,
    /// Switches under `tags` in the values.
    pub tags: Vec<String>,
    /// Whether it takes part; set when dependencies are processed.
    pub enabled: bool,
    /// Values to import: a string names a table below `exports`, an object has `child` and `parent` paths.
    pub import_values: Vec<Value>,
    /// The name it goes by in the parent.
    pub alias: String,
}

/// Why a `Chart.yaml` is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("validation: {0}")]
pub struct InvalidMetadata(pub String);

impl Metadata {
    /// Reads `Chart.yaml`.
    ///
    /// # Errors
    /// When it is not YAML, or a field has another type.
    pub fn from_yaml(text: &str) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.merge_yaml(text)?;
        Ok(it)
    }

    /// Reads a text over what is there: fields that the text has replace those before (`requirements.yaml`).
    ///
    /// # Errors
    /// As [`Metadata::from_yaml`].
    pub fn merge_yaml(&mut self, text: &str) -> Result<(), DecodeError> {
        let map = mapping_of_texts(text, "v2.Metadata")?;
        self.merge(&map)
    }

    pub(crate) fn merge(&mut self, map: &Map<String, Value>) -> Result<(), DecodeError> {
        let fields = Fields::new("Metadata", map);
        let set = |target: &mut String, name: &str| -> Result<(), DecodeError> {
            if fields.get(name).is_some() {
                *target = fields.text(name)?;
            }
            Ok(())
        };
        set(&mut self.name, "name")?;
        set(&mut self.home, "home")?;
        set(&mut self.version, "version")?;
        set(&mut self.description, "description")?;
        set(&mut self.icon, "icon")?;
        set(&mut self.api_version, "apiVersion")?;
        set(&mut self.condition, "condition")?;
        set(&mut self.tags, "tags")?;
        set(&mut self.app_version, "appVersion")?;
        set(&mut self.kube_version, "kubeVersion")?;
        set(&mut self.kind, "type")?;
        if fields.get("sources").is_some() {
            self.sources = fields.texts("sources")?;
        }
        if fields.get("keywords").is_some() {
            self.keywords = fields.texts("keywords")?;
        }
        if fields.get("deprecated").is_some() {
            self.deprecated = fields.flag("deprecated")?;
        }
        if let Some(annotations) = fields.text_map("annotations")? {
            self.annotations = Some(annotations);
        }
        if let Some(items) = fields.list("maintainers", "[]*v2.Maintainer")? {
            self.null_nodes.maintainers = items.iter().any(Value::is_null);
            self.maintainers = items.iter().map(|it| Maintainer::read(&fields, it)).collect::<Result<_, _>>()?;
        }
        if let Some(items) = fields.list("dependencies", "[]*v2.Dependency")? {
            self.null_nodes.dependencies = items.iter().any(Value::is_null);
            self.dependencies = Some(Dependency::read_all(&fields, items)?);
        }
        Ok(())
    }

    /// Cleans every text and checks what Helm checks.
    ///
    /// # Errors
    /// With Helm's words.
    pub fn validate(&mut self) -> Result<(), InvalidMetadata> {
        let invalid = |text: String| Err(InvalidMetadata(text));
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitize(text);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(sanitize);
        if self.api_version.is_empty() {
            return invalid("chart.metadata.apiVersion is required".to_owned());
        }
        if self.name.is_empty() {
            return invalid("chart.metadata.name is required".to_owned());
        }
        if self.name == "." || self.name == ".." {
            return invalid(format!("chart.metadata.name {:?} is not allowed", self.name));
        }
        // Not only `/`: a name becomes a folder on any system.
        if self.name.contains(['/', '\\', '\0']) {
            return invalid(format!("chart.metadata.name {:?} is invalid", self.name));
        }
        if self.version.is_empty() {
            return invalid("chart.metadata.version is required".to_owned());
        }
        if weir_semver::Version::parse(&self.version).is_err() {
            return invalid(format!("chart.metadata.version {:?} is invalid", self.version));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library".to_owned());
        }
        if self.null_nodes.maintainers {
            return invalid("maintainers must not contain empty or null nodes".to_owned());
        }
        for maintainer in &mut self.maintainers {
            for text in [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url] {
                sanitize(text);
            }
        }
        self.validate_dependencies()
    }

    fn validate_dependencies(&mut self) -> Result<(), InvalidMetadata> {
        if self.null_nodes.dependencies {
            return Err(InvalidMetadata("dependencies must not contain empty or null nodes".to_owned()));
        }
        let mut seen = std::collections::HashSet::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            for text in
                [&mut dependency.name, &mut dependency.version, &mut dependency.repository, &mut dependency.condition]
            {
                sanitize(text);
            }
            dependency.tags.iter_mut().for_each(sanitize);
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !dependency.alias.chars().all(legal) {
                let text = format!("dependency {:?} has disallowed characters in the alias", dependency.name);
                return Err(InvalidMetadata(text));
            }
            let key = dependency.local_name().to_owned();
            if !seen.insert(key.clone()) {
                return Err(InvalidMetadata(format!("more than one dependency with name or alias {key:?}")));
            }
        }
        Ok(())
    }

    /// Whether it is a library: a chart of definitions only.
    #[must_use]
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    /// As Helm's JSON has it (in release records): fields that are empty are left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        let mut text = |name: &str, it: &str| {
            if !it.is_empty() {
                out.insert(name.to_owned(), it.into());
            }
        };
        text("name", &self.name);
        text("home", &self.home);
        text("version", &self.version);
        text("description", &self.description);
        text("icon", &self.icon);
        text("apiVersion", &self.api_version);
        text("condition", &self.condition);
        text("tags", &self.tags);
        text("appVersion", &self.app_version);
        text("kubeVersion", &self.kube_version);
        text("type", &self.kind);
        let mut put = |name: &str, present: bool, it: &dyn Fn() -> Value| {
            if present {
                out.insert(name.to_owned(), it());
            }
        };
        put("sources", !self.sources.is_empty(), &|| json!(self.sources));
        put("keywords", !self.keywords.is_empty(), &|| json!(self.keywords));
        put("maintainers", !self.maintainers.is_empty(), &|| {
            self.maintainers.iter().map(Maintainer::to_json).collect()
        });
        put("deprecated", self.deprecated, &|| true.into());
        let annotations = self.annotations.as_deref().unwrap_or_default();
        put("annotations", !annotations.is_empty(), &|| {
            annotations.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
        });
        let dependencies = self.dependencies.as_deref().unwrap_or_default();
        put("dependencies", !dependencies.is_empty(), &|| dependencies.iter().map(Dependency::to_json).collect());
        Value::Object(out)
    }
}

impl Maintainer {
    fn read(parent: &Fields<'_>, value: &Value) -> Result<Self, DecodeError> {
        let Some(map) = parent.item("maintainers", value, "v2.Maintainer")? else { return Ok(Self::default()) };
        let fields = Fields::new("Maintainer", map);
        Ok(Self { name: fields.text("name")?, email: fields.text("email")?, url: fields.text("url")? })
    }

    fn to_json(&self) -> Value {
        [("name", &self.name), ("email", &self.email), ("url", &self.url)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), Value::from(text.as_str())))
            .collect()
    }
}

impl Dependency {
    pub(crate) fn read_all(parent: &Fields<'_>, items: &[Value]) -> Result<Vec<Self>, DecodeError> {
        items.iter().map(|it| Self::read(parent, it)).collect()
    }

    fn read(parent: &Fields<'_>, value: &Value) -> Result<Self, DecodeError> {
        let Some(map) = parent.item("dependencies", value, "v2.Dependency")? else { return Ok(Self::default()) };
        let fields = Fields::new("Dependency", map);
        Ok(Self {
            name: fields.text("name")?,
            version: fields.text("version")?,
            repository: fields.text("repository")?,
            condition: fields.text("condition")?,
            tags: fields.texts("tags")?,
            enabled: fields.flag("enabled")?,
            import_values: fields.list("import-values", "[]interface {}")?.unwrap_or_default().to_vec(),
            alias: fields.text("alias")?,
        })
    }

    /// The name under which its values stand: the alias if there is one.
    #[must_use]
    pub fn local_name(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("name".to_owned(), self.name.as_str().into());
        out.insert("repository".to_owned(), self.repository.as_str().into());
        for (name, text) in [("version", &self.version), ("condition", &self.condition), ("alias", &self.alias)] {
            if !text.is_empty() {
                out.insert(name.to_owned(), text.as_str().into());
            }
        }
        if !self.tags.is_empty() {
            out.insert("tags".to_owned(), json!(self.tags));
        }
        if self.enabled {
            out.insert("enabled".to_owned(), true.into());
        }
        if !self.import_values.is_empty() {
            out.insert("import-values".to_owned(), json!(self.import_values));
        }
        Value::Object(out)
    }
}

/// White space becomes a blank, and what cannot be printed goes: a description must not drive a terminal.
fn sanitize(text: &mut String) {
    if text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|c| match c {
            c if c.is_whitespace() => Some(' '),
            c if c.is_control() || is_unprintable(c) => None,
            c => Some(c),
        })
        .collect();
}

/// Format characters, private use and the like, which Go's `unicode.IsPrint` refuses.
fn is_unprintable(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x180E | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F
        | 0xE000..=0xF8FF | 0xFEFF | 0xFFF0..=0xFFFB | 0xFFFE..=0xFFFF | 0xE0000..=0xE00FF | 0xF0000..=0x10FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> Result<Metadata, String> {
        let mut it = Metadata::from_yaml(text).map_err(|e| e.to_string())?;
        it.validate().map_err(|e| e.to_string())?;
        Ok(it)
    }

    #[test]
    fn reads_numbers_as_text() {
        let it =
            valid("apiVersion: v2\nname: x\nversion: 1.0\nappVersion: 1.10\nannotations: {a: 1, b: true}\n").unwrap();
        assert_eq!((it.version.as_str(), it.app_version.as_str()), ("1", "1.1"));
        assert_eq!(it.annotations.unwrap(), [("a".into(), "1".into()), ("b".into(), "true".into())]);
    }

    #[test]
    fn a_hash_that_is_a_float_prints_as_one() {
        let it = valid(
            "apiVersion: v2\nname: x\nversion: 1.0.0\nappVersion: 72445e2\nannotations: {a: 1e21, b: 20230101.0}\n",
        );
        let it = it.unwrap();
        assert_eq!(it.app_version, "7.2445e+06");
        assert_eq!(it.annotations.unwrap(), [("a".into(), "1e+21".into()), ("b".into(), "2.02301e+07".into())]);
        let error = valid("apiVersion: v2\nname: x\nversion: 72445e2\n").unwrap_err();
        assert_eq!(error, "validation: chart.metadata.version \"7.2445e+06\" is invalid");
    }

    #[test]
    fn names_that_leave_their_folder_are_refused() {
        for name in ["\".\"", "\"..\"", "a/b", "\"a\\\\b\"", "\"/\"", "\"\""] {
            let text = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
            assert!(valid(&text).is_err(), "{name}");
        }
        // A NUL goes when the name is cleaned, as control characters do.
        assert_eq!(valid("apiVersion: v2\nname: \"a\\0\\e[31mb\"\nversion: 1.0.0\n").unwrap().name, "a[31mb");
    }

    #[test]
    fn nulls_among_objects_are_refused() {
        let of = |field: &str| valid(&format!("apiVersion: v2\nname: x\nversion: 1.0.0\n{field}\n"));
        for field in ["maintainers", "dependencies"] {
            let wanted = format!("validation: {field} must not contain empty or null nodes");
            assert_eq!(of(&format!("{field}: [{{name: a}}, null]")).unwrap_err(), wanted);
            assert!(of(&format!("{field}: [{{}}]")).is_ok());
            assert!(of(&format!("{field}: null")).is_ok());
        }
    }

    #[test]
    fn aliases_and_names_must_differ() {
        let text = "apiVersion: v2\nname: x\nversion: 1.0.0\ndependencies:\n- name: a\n- name: b\n  alias: a\n";
        assert!(valid(text).unwrap_err().contains("more than one dependency with name or alias \"a\""));
        let text = "apiVersion: v2\nname: x\nversion: 1.0.0\ndependencies:\n- name: a\n  alias: ../a\n";
        assert!(valid(text).unwrap_err().contains("disallowed characters"));
    }
}
