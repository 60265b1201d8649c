//! Sprig's functions.

use crate::function::Functions;

/// Adds Sprig's functions.
pub fn register(functions: &mut Functions) {
    let _ = functions;
}
