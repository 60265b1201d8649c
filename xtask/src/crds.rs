//! `cargo xtask crds`

use anyhow::Result;

use crate::files::{self, Mode};

pub fn run(mode: &Mode) -> Result<()> {
    let files = weir_api::crds::render().into_iter().collect();
    files::sync("deploy/crds", "s.yaml", &files, *mode, "crds")
}
