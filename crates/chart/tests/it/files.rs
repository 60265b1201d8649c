//! Charts from a directory, as the command line reads them.

use std::{fs, path::Path};

use weir_chart::{Chart, Ignore, Limits, SourceFile, load};

/// Loads the chart in a directory; the text of the error, with its causes, when it is refused.
pub fn load_dir(root: &Path) -> Result<Chart, String> {
    let rules = fs::read_to_string(root.join(".helmignore")).unwrap_or_default();
    let ignore = Ignore::parse(&rules).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    walk(root, "", &ignore, &mut files);
    load::from_files(files, &Limits::default()).map_err(|error| error.to_string())
}

fn walk(root: &Path, path: &str, ignore: &Ignore, out: &mut Vec<SourceFile>) {
    let mut names: Vec<String> =
        fs::read_dir(root.join(path)).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in names {
        let inner = if path.is_empty() { name } else { format!("{path}/{name}") };
        let is_folder = root.join(&inner).is_dir();
        if ignore.ignores(&inner, is_folder) {
            continue;
        }
        if is_folder {
            walk(root, &inner, ignore, out);
        } else {
            out.push(SourceFile { data: fs::read(root.join(&inner)).unwrap().into(), name: inner });
        }
    }
}

/// A chart of these files, with a `Chart.yaml` when there is none among them.
pub fn chart(of: &[(&str, &str)]) -> Chart {
    let mut files: Vec<SourceFile> =
        of.iter().map(|(name, text)| SourceFile { name: (*name).to_owned(), data: text.as_bytes().into() }).collect();
    if !files.iter().any(|it| it.name == "Chart.yaml") {
        let data = b"apiVersion: v2\nname: app\nversion: 1.0.0\n"[..].into();
        files.push(SourceFile { name: "Chart.yaml".to_owned(), data });
    }
    load::from_files(files, &Limits::default()).unwrap()
}
