//! TOML as BurntSushi/toml writes and reads it, which Helm's functions use.

mod print;
mod read;

pub(super) use print::to_toml;
pub(super) use read::from_toml;
