//! The one place where the command line looks at a clock; everything else takes the time as an argument.

use jiff::Timestamp;

/// Now.
#[allow(clippy::disallowed_methods)] // the edge of this binary; it does not carry the services' runtime
pub fn now() -> Timestamp {
    Timestamp::now()
}
