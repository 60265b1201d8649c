//! A rendering into files, one per template.

use std::{collections::HashSet, fs, io::Write as _, path::Path};

use weir_chart::{Rendered, TemplateOutput};

use crate::{error::Error, terminal};

/// A document and where it goes. Documents of one template follow one another in its file.
pub struct Document {
    /// The template's path, below the output directory.
    path: String,
    text: String,
}

/// The documents of a rendering in the order in which they are written: CRDs, objects, hooks. With a release's name,
/// objects and hooks go into a folder of that name; CRDs do not, as with helm.
pub fn documents(rendered: &Rendered, output: &TemplateOutput, release: Option<&str>) -> Vec<Document> {
    let mut out = Vec::new();
    let mut put = |folder: Option<&str>, path: &str, text: &str| {
        let below = folder.map(|it| format!("{it}/{path}")).unwrap_or_else(|| path.to_owned());
        out.push(Document { path: below, text: format!("---\n# Source: {path}\n{text}\n") });
    };
    if output.include_crds {
        rendered.crds.iter().for_each(|it| put(None, &it.path, &String::from_utf8_lossy(&it.data)));
    }
    rendered.manifests.iter().for_each(|it| put(release, &it.path, &it.text));
    rendered.shown_hooks(output).for_each(|it| put(release, &it.path, &it.manifest));
    out
}

/// Writes them below a directory and says so, a line for each.
pub fn all(root: &Path, documents: &[Document]) -> Result<(), Error> {
    let failed = |path: &Path, source| Error::Io { action: format!("write {}", path.display()), source };
    let mut begun = HashSet::new();
    let mut said = String::new();
    for Document { path: name, text } in documents {
        // Names of charts and templates were checked when they were loaded; here nothing may climb, whatever it is called.
        let inside = !name.split('/').any(|it| it == ".." || it.is_empty());
        if !inside {
            return Err(Error::usage(format!("{name} leaves the output directory"), "rename the template"));
        }
        let path = root.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
        }
        let is_new = begun.insert(name.as_str());
        // A link that lies there is replaced, not written through.
        let is_link = fs::symlink_metadata(&path).is_ok_and(|it| it.file_type().is_symlink());
        if is_new && is_link {
            fs::remove_file(&path).map_err(|source| failed(&path, source))?;
        }
        let mut options = fs::OpenOptions::new();
        options.create(true);
        let file = if is_new { options.write(true).truncate(true) } else { options.append(true) }.open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| failed(&path, source))?;
        said.push_str(&format!("wrote {}\n", path.display()));
    }
    // After the lines helm prints a manifest that is empty by then.
    said.push('\n');
    terminal::print(&said)
}
