//! Generated files: written, or compared with what stands there.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::shell::root;

/// Write or compare.
#[derive(Args, Clone, Copy, Debug)]
pub struct Mode {
    /// Change nothing; fail when a file is not as it would be written
    #[arg(long)]
    pub check: bool,
}

/// Makes `dir` hold exactly `files` among the names that end in `suffix`; `command` is named when a check fails.
pub fn sync(dir: &str, suffix: &str, files: &BTreeMap<String, String>, mode: Mode, command: &str) -> Result<()> {
    let path = root().join(dir);
    let mut stale: Vec<String> = Vec::new();
    for (name, text) in files {
        let file = path.join(name);
        if std::fs::read_to_string(&file).ok().as_ref() == Some(text) {
            continue;
        }
        stale.push(format!("{dir}/{name}"));
        if !mode.check {
            std::fs::create_dir_all(&path)?;
            std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    for name in names(&path)?.into_iter().filter(|name| name.ends_with(suffix) && !files.contains_key(name)) {
        stale.push(format!("{dir}/{name} (no longer generated)"));
        if !mode.check {
            std::fs::remove_file(path.join(&name))?;
        }
    }
    match (mode.check, stale.is_empty()) {
        (true, false) => bail!("not up to date: {}; run `cargo xtask {command}`", stale.join(", ")),
        (false, false) => stale.iter().for_each(|file| println!("wrote {file}")),
        (_, true) => println!("{dir}: {} files up to date", files.len()),
    }
    Ok(())
}

fn names(dir: &Path) -> Result<Vec<String>> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}
