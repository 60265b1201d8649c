//! The one place where the command line looks at a clock; everything else takes the time as an argument.

use jiff::Timestamp;

/// Now.
#[allow(clippy::disallowed_methods)] // the edge of this binary; it does not carry the services' runtime
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Answers whether so much time has passed since now.
#[allow(clippy::disallowed_methods)] // as above
pub fn after(time: std::time::Duration) -> impl Fn() -> bool + Copy + Send + Sync + 'static {
    let start = std::time::Instant::now();
    move || start.elapsed() > time
}
