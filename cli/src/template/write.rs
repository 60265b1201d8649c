//! A rendering into files, one per template.

use std::path::Path;

use weir_chart::{Rendered, TemplateOutput};

use crate::{error::Error, terminal};

/// A file to write: the template's path and its documents.
pub type File = (String, String);

/// The files of a rendering in the order in which they are written first.
pub fn files(rendered: &Rendered, output: &TemplateOutput) -> Vec<File> {
    let mut out: Vec<File> = Vec::new();
    let mut put = |path: &str, text: &str| {
        let document = format!("---\n# Source: {path}\n{text}\n");
        match out.iter_mut().find(|(name, _)| name == path) {
            Some((_, file)) => file.push_str(&document),
            None => out.push((path.to_owned(), document)),
        }
    };
    if output.include_crds {
        rendered.crds.iter().for_each(|it| put(&it.path, &String::from_utf8_lossy(&it.data)));
    }
    rendered.manifests.iter().for_each(|it| put(&it.path, &it.text));
    rendered.shown_hooks(output).for_each(|it| put(&it.path, &it.manifest));
    out
}

/// Writes them below a directory and says so.
pub fn all(dir: &Path, files: &[File]) -> Result<(), Error> {
    let root = dir.to_owned();
    let failed = |path: &Path, source| Error::Io { action: format!("write {}", path.display()), source };
    for (name, text) in files {
        // Names of charts and templates were checked when they were loaded; here nothing may climb, whatever it is called.
        let inside = !name.split('/').any(|it| it == ".." || it.is_empty());
        if !inside {
            return Err(Error::usage(format!("{name} leaves the output directory"), "rename the template"));
        }
        let path = root.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
        }
        // A link that lies there is replaced, not written through.
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.file_type().is_symlink() => {
                std::fs::remove_file(&path).map_err(|source| failed(&path, source))?;
            }
            _ => {}
        }
        std::fs::write(&path, text).map_err(|source| failed(&path, source))?;
        terminal::print(&format!("wrote {}\n", path.display()))?;
    }
    Ok(())
}
