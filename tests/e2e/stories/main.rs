//! What people do with Weir, told on a real control plane with real servers. One file per story; the world they share is in `world.rs`.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is a test; clippy knows only its entry points"
)]

mod apps;
mod world;

mod clone;
mod depends;
mod drift;
mod first_loop;
mod force;
mod health;
mod hostile;
mod interrupted;
mod kill;
mod messages;
mod mixed;
mod oci;
mod prune;
mod quiet;
mod receiver;
mod schema;
mod secure;
mod suspend;
mod trace;
mod trouble;

/// A story that is not a module here would never be told.
#[test]
fn no_story_is_forgotten() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
    let listed = include_str!("main.rs");
    for entry in std::fs::read_dir(here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = name.strip_suffix(".rs") else { continue };
        assert!(module == "main" || listed.contains(&format!("mod {module};")), "{name} is not part of main.rs");
    }
}
