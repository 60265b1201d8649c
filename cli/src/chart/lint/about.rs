//! What a chart's files say before anything is rendered.

use serde_json::{Map, Value};
use weir_chart::SourceFile;
use weir_semver::Version;

use super::finding::{Finding, Severity};

/// A chart's files, looked at one by one.
pub struct Files<'a>(pub &'a [SourceFile]);

/// Everything that can be said without rendering.
pub fn look(files: &Files<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    match files.text("Chart.yaml") {
        None => out.push(Finding::error("Chart.yaml", "file does not exist")),
        Some(text) => match weir_yaml::sigs::from_str(&text) {
            Err(error) => out.push(yaml("Chart.yaml", &text, &error)),
            Ok(Value::Object(map)) => Metadata { text: &text, map: &map, out: &mut out }.look(files),
            Ok(_) => out.push(Finding::error("Chart.yaml", "it holds no mapping")),
        },
    }
    // From the top of the file to its end; what has no place comes last.
    out.sort_by_key(|it: &Finding| it.place.map_or(usize::MAX, |(line, _)| line));
    values(files, &mut out);
    templates(files, &mut out);
    out
}

/// A YAML file that cannot be read, with the place.
pub fn yaml(file: &str, text: &str, error: &weir_yaml::Error) -> Finding {
    let bare = weir_yaml::Error { kind: error.kind.clone(), line: 0, column: 0 };
    let (line, column) = (error.line as usize, error.column as usize);
    Finding::error(file, format!("unable to parse YAML: {bare}")).at(text, line, column, 1)
}

impl Files<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let file = self.0.iter().find(|it| it.name == name)?;
        Some(String::from_utf8_lossy(&file.data).trim_start_matches('\u{feff}').to_owned())
    }

    fn below<'b>(&'b self, folder: &'b str) -> impl Iterator<Item = &'b SourceFile> {
        self.0.iter().filter(move |it| it.name.starts_with(folder))
    }
}

/// `Chart.yaml`.
struct Metadata<'a> {
    text: &'a str,
    map: &'a Map<String, Value>,
    out: &'a mut Vec<Finding>,
}

/// Fields that Helm knows.
const FIELDS: &[&str] = &[
    "annotations",
    "apiVersion",
    "appVersion",
    "condition",
    "dependencies",
    "deprecated",
    "description",
    "home",
    "icon",
    "keywords",
    "kubeVersion",
    "maintainers",
    "name",
    "sources",
    "tags",
    "type",
    "version",
];

impl Metadata<'_> {
    fn look(&mut self, files: &Files<'_>) {
        let api = self.word("apiVersion");
        match api.as_str() {
            "v1" | "v2" => {}
            "" => self.say(
                Severity::Error,
                "apiVersion",
                "apiVersion is required. The value must be either \"v1\" or \"v2\"",
            ),
            other => {
                let text = format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\"");
                self.say(Severity::Error, "apiVersion", &text);
            }
        }
        if self.word("name").is_empty() {
            self.say(Severity::Error, "name", "name is required");
        }
        self.versions();
        self.people();
        self.addresses();
        if api != "v2" && self.map.contains_key("type") {
            let text = format!("chart type is not valid in apiVersion '{api}'. It is valid in apiVersion 'v2'");
            self.say(Severity::Error, "type", &text);
        }
        if api != "v2" && self.map.contains_key("dependencies") {
            let text = format!(
                "dependencies are not valid in the Chart file with apiVersion '{api}'. They are valid in apiVersion 'v2'"
            );
            self.say(Severity::Error, "dependencies", &text);
        }
        if self.map.get("deprecated") == Some(&Value::Bool(true)) {
            self.say(Severity::Warning, "deprecated", "the chart is deprecated");
        }
        for file in ["requirements.yaml", "requirements.lock"] {
            if api == "v2" && files.0.iter().any(|it| it.name == file) {
                self.out.push(Finding::new(Severity::Warning, file, "it belongs to charts of apiVersion v1"));
            }
        }
        let known = |key: &&String| FIELDS.iter().any(|it| it.eq_ignore_ascii_case(key));
        let unknown: Vec<String> = self.map.keys().filter(|key| !known(key)).cloned().collect();
        for key in unknown {
            self.say(Severity::Warning, &key, &format!("unknown field {key:?} is ignored"));
        }
    }

    fn versions(&mut self) {
        match self.map.get("version") {
            None | Some(Value::Null) => self.say(Severity::Error, "version", "version is required"),
            Some(Value::String(text)) if text.is_empty() => self.say(Severity::Error, "version", "version is required"),
            Some(Value::String(text)) => {
                if Version::parse(text).is_err() {
                    let text = format!("version '{text}' is not a valid SemVer");
                    self.say(Severity::Error, "version", &text);
                } else if strict(text).is_none() {
                    let text = format!("version '{text}' is not a valid SemVerV2");
                    self.say(Severity::Warning, "version", &text);
                }
            }
            Some(other) => {
                let text = format!("version should be of type string but it's {}: put it in quotes", kind(other));
                self.say(Severity::Error, "version", &text);
            }
        }
        if let Some(other) = self.map.get("appVersion").filter(|it| !it.is_string() && !it.is_null()) {
            let text = format!("appVersion should be of type string but it's {}: put it in quotes", kind(other));
            self.say(Severity::Error, "appVersion", &text);
        }
    }

    fn people(&mut self) {
        let people = self.map.get("maintainers").and_then(Value::as_array).cloned().unwrap_or_default();
        for person in people {
            let text = |key: &str| person.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (name, email, url) = (text("name"), text("email"), text("url"));
            if name.is_empty() {
                self.say(Severity::Error, "maintainers", "each maintainer requires a name");
            } else if !email.is_empty() && !is_mail(&email) {
                self.say(Severity::Error, "maintainers", &format!("invalid email '{email}' for maintainer '{name}'"));
            } else if !url.is_empty() && !is_url(&url) {
                self.say(Severity::Error, "maintainers", &format!("invalid url '{url}' for maintainer '{name}'"));
            }
        }
    }

    fn addresses(&mut self) {
        let sources = self.map.get("sources").and_then(Value::as_array).cloned().unwrap_or_default();
        for source in sources.iter().filter_map(Value::as_str).filter(|it| !is_url(it)) {
            self.say(Severity::Error, "sources", &format!("invalid source URL '{source}'"));
        }
        let icon = self.word("icon");
        if icon.is_empty() {
            self.say(Severity::Info, "icon", "icon is recommended");
        } else if !is_url(&icon) {
            self.say(Severity::Error, "icon", &format!("invalid icon URL '{icon}'"));
        }
    }

    fn word(&self, key: &str) -> String {
        self.map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// At the line of a field, where there is one.
    fn say(&mut self, severity: Severity, key: &str, text: &str) {
        let found = Finding::new(severity, "Chart.yaml", text);
        let starts = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
        let line = self.text.lines().position(starts);
        self.out.push(match line {
            Some(line) => found.at(self.text, line + 1, 1, key.len()),
            None => found,
        });
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
        _ => "something else",
    }
}

/// A version as SemVer 2 writes it: three numbers, no `v`.
fn strict(text: &str) -> Option<()> {
    let core = text.split(['-', '+']).next()?;
    let parts: Vec<&str> = core.split('.').collect();
    let number = |it: &&str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
    (parts.len() == 3 && parts.iter().all(number)).then_some(())
}

fn is_mail(text: &str) -> bool {
    matches!(text.split_once('@'), Some((name, host)) if !name.is_empty() && host.contains('.') && !text.contains(' '))
}

fn is_url(text: &str) -> bool {
    let scheme = |it: &str| it.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    match text.split_once("://") {
        Some((head, host)) => {
            !head.is_empty() && scheme(head) && !host.is_empty() && !text.contains(char::is_whitespace)
        }
        // A picture in the text itself.
        None => text.starts_with("data:image/"),
    }
}

fn values(files: &Files<'_>, out: &mut Vec<Finding>) {
    match files.text("values.yaml") {
        None => out.push(Finding::new(Severity::Info, "values.yaml", "file does not exist")),
        Some(text) => {
            if let Err(error) = weir_yaml::sigs::from_str(&text) {
                out.push(yaml("values.yaml", &text, &error));
            }
        }
    }
    let Some(text) = files.text("values.schema.json") else { return };
    if let Err(error) = serde_json::from_str::<Value>(&text) {
        let found = Finding::error("values.schema.json", format!("unable to parse JSON: {error}"));
        out.push(found.at(&text, error.line(), error.column(), 1));
    }
}

fn templates(files: &Files<'_>, out: &mut Vec<Finding>) {
    if files.below("templates/").next().is_none() {
        out.push(Finding::new(Severity::Warning, "templates/", "directory does not exist"));
    }
    for file in files.below("templates/") {
        let base = file.name.rsplit('/').next().unwrap_or_default();
        let extension = base.rsplit_once('.').map_or("", |(_, it)| it);
        if !["yaml", "yml", "tpl", "txt"].contains(&extension) {
            let text =
                format!("file extension '.{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt");
            out.push(Finding::error(&file.name, text));
        }
    }
    for file in files.0.iter().filter(|it| it.name == "crds" || it.name == "templates") {
        out.push(Finding::error(&format!("{}/", file.name), "not a directory"));
    }
    for file in files.below("crds/").filter(|it| it.name.ends_with(".yaml") || it.name.ends_with(".yml")) {
        let text = String::from_utf8_lossy(&file.data);
        let limits = weir_yaml::Limits { duplicate_keys: true, ..weir_yaml::Limits::default() };
        if let Err(error) = weir_yaml::parse(&text, &limits) {
            out.push(yaml(&file.name, &text, &error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<SourceFile> = files
            .iter()
            .map(|(name, text)| SourceFile { name: (*name).into(), data: text.as_bytes().into() })
            .collect();
        let line = |it: &Finding| {
            let place = it.place.map_or(0, |(line, _)| line);
            format!("{:?} {}:{place} {}", it.severity, it.file, it.text)
        };
        look(&Files(&files)).iter().map(line).collect()
    }

    #[test]
    fn a_good_chart_has_nothing_to_say() {
        let chart = "apiVersion: v2\nname: a\nversion: 1.0.0\nicon: https://x/y.png\n";
        assert_eq!(
            found(&[("Chart.yaml", chart), ("values.yaml", ""), ("templates/a.yaml", "")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_helm_lint_finds_is_found() {
        let chart = "apiVersion: v3\nversion: 1\nappVersion: 1.0\nicon: not a url\nsources: ['::']\ntype: x\n\
            maintainers: [{email: bad}, {name: x, email: bad}, {name: z, url: '%%'}]\ndependencies: []\nnmae: a\n";
        let all = found(&[
            ("Chart.yaml", chart),
            ("values.yaml", "a: [1\n"),
            ("values.schema.json", "{"),
            ("templates/a.bin", ""),
            ("crds", ""),
        ]);
        for expected in [
            "Error Chart.yaml:1 apiVersion 'v3' is not valid",
            "Error Chart.yaml:0 name is required",
            "Error Chart.yaml:2 version should be of type string",
            "Error Chart.yaml:3 appVersion should be of type string",
            "Error Chart.yaml:4 invalid icon URL",
            "Error Chart.yaml:5 invalid source URL '::'",
            "Error Chart.yaml:6 chart type is not valid in apiVersion 'v3'",
            "Error Chart.yaml:7 each maintainer requires a name",
            "Error Chart.yaml:7 invalid email 'bad' for maintainer 'x'",
            "Error Chart.yaml:7 invalid url '%%' for maintainer 'z'",
            "Error Chart.yaml:8 dependencies are not valid in the Chart file",
            "Warning Chart.yaml:9 unknown field \"nmae\" is ignored",
            "Error values.yaml:",
            "Error values.schema.json:1 unable to parse JSON",
            "Error templates/a.bin:0 file extension '.bin' not valid",
            "Error crds/:0 not a directory",
        ] {
            assert!(all.iter().any(|it| it.starts_with(expected)), "{expected}: {all:#?}");
        }
        let all = found(&[("Chart.yaml", "name: x\nversion: v1.0\n")]);
        for expected in [
            "Error Chart.yaml:0 apiVersion is required",
            "Warning Chart.yaml:2 version 'v1.0' is not a valid SemVerV2",
            "Info Chart.yaml:0 icon is recommended",
            "Info values.yaml:0 file does not exist",
            "Warning templates/:0 directory does not exist",
        ] {
            assert!(all.iter().any(|it| it.starts_with(expected)), "{expected}: {all:#?}");
        }
        assert!(found(&[]).contains(&"Error Chart.yaml:0 file does not exist".to_owned()));
        assert!(found(&[("Chart.yaml", "a: [\n")])[0].starts_with("Error Chart.yaml:"));
    }
}
