//! Lines for people.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::shell::human;

static STEP: AtomicUsize = AtomicUsize::new(0);

fn paint(code: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// The title of the next step.
pub fn step(title: &str) {
    let number = STEP.fetch_add(1, Ordering::Relaxed) + 1;
    println!("\n{} {}", paint("1;36", &format!("{number}.")), paint("1", title));
}

/// What happened, and when since the step began.
pub fn fact(label: &str, text: &str, after: Duration) {
    println!("   {} {text} {}", paint("32", &format!("{label:<9}")), paint("2", &format!("({})", human(after))));
}

/// A line of detail below a fact.
pub fn detail(text: &str) {
    println!("             {}", paint("2", text));
}
