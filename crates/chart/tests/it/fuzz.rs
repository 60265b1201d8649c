//! Inputs from others, mutated at random: the grammar of `--set`, archives, files of charts, provenance, release records.
//! Nothing panics, nothing runs away, and what is taken keeps its promises.
//!
//! `PROPTEST_CASES=100000 cargo test -p weir-chart fuzz` runs longer; it needs no nightly compiler.

// Strategies of proptest have types as long as what they generate.
#![allow(clippy::type_complexity)]

mod archives;
mod charts;
mod mutate;
mod strvals;

use proptest::prelude::ProptestConfig;

/// As many cases as the environment asks for, at least this many.
fn cases(least: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    let asked = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { least };
    ProptestConfig { cases: asked, failure_persistence: None, max_shrink_iters: 2_000, ..usual }
}
