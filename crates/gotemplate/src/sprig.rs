//! Sprig's functions, v3.3, all of them but `env` and `expandenv`, which no chart may call.
//!
//! ```text
//! World { clock, local zone, randomness } --register--> Functions
//! ```
//!
//! Answers and errors are those of the original, checked against what it said (`tests/golden/sprig`). Where the original
//! leaves the order to chance (`keys`, `values`), it is that of the keys. Work and memory are taken from the execution's
//! budget before they are spent. Reference: <https://masterminds.github.io/sprig/>.

mod args;
mod cast;
mod crypto;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod equal;
pub mod json;
mod lists;
mod math;
mod merge;
mod paths;
mod reflect;
mod regex;
mod regexp;
mod strings;
mod unicode;
mod urls;
mod versions;
mod words;
mod world;
mod wrap;

use std::rc::Rc;

use crate::{
    function::{Functions, Signature},
    types::Type,
    value::Value,
};

pub use dates::{Time, duration::parse as parse_duration};
pub use world::{Random, SystemRandom, World, Zone};

/// Adds the functions that look at nothing but their arguments.
///
/// `getHostByName` answers nothing, as Helm's does unless told otherwise.
pub fn register(functions: &mut Functions) {
    strings::register(functions);
    encoding::register(functions);
    math::register(functions);
    decimal::register(functions);
    lists::register(functions);
    dicts::register(functions);
    defaults::register(functions);
    json::register(functions);
    reflect::register(functions);
    regex::register(functions);
    paths::register(functions);
    urls::register(functions);
    versions::register(functions);
    dates::register(functions);
    crypto::register(functions);
    functions.add("getHostByName", Signature::fixed(&[Type::String]), |_, _| Ok(Value::from("")));
}

/// Adds those that look at the clock, the local zone or randomness: `now`, `date`, `genCA`, `randAlphaNum` and the like.
pub fn register_world(functions: &mut Functions, world: &Rc<World>) {
    dates::register_world(functions, world);
    crypto::register_world(functions, world);
}
