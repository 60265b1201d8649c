//! Whole-suite stories on a real control plane, one file per story in `stories/`. Run them with `cargo xtask test -p weir-e2e`.
