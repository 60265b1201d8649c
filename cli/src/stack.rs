//! Room for what nests: templates may nest as deeply as Helm lets them only with a large stack.

use std::thread;

use rustix::process::{Resource, getrlimit};

/// Memory of a stack is taken as it is used.
const LARGE: usize = 512 << 20;
/// A stack of less is not worth the try.
const LEAST: usize = 4 << 20;
/// However much there is, more is not needed at first.
const MOST: usize = 8 << 20;

/// Runs something here, with the bytes of stack it may use, and where that is too little for it once more on a thread with a
/// large stack. Nearly nothing needs that, and a thread costs as much as a small chart.
pub fn roomy<T: Send, E: Send>(
    work: impl Fn(usize) -> Result<T, E> + Sync,
    needs_more: impl Fn(&E) -> bool,
) -> Result<T, E> {
    if let Some(stack) = here() {
        match work(stack) {
            Err(error) if needs_more(&error) => {}
            done => return done,
        }
    }
    thread::scope(|scope| join(thread::Builder::new().stack_size(LARGE).spawn_scoped(scope, || work(usable(LARGE)))))
}

/// Runs something on a thread with a large stack, with the bytes of it that may be used.
pub fn deep<T: Send>(work: impl FnOnce(usize) -> T + Send) -> T {
    thread::scope(|scope| join(thread::Builder::new().stack_size(LARGE).spawn_scoped(scope, || work(usable(LARGE)))))
}

fn join<T>(thread: std::io::Result<thread::ScopedJoinHandle<'_, T>>) -> T {
    match thread.map(thread::ScopedJoinHandle::join) {
        Ok(Ok(done)) => done,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            eprintln!("error: cannot start a thread: {error}");
            std::process::exit(1)
        }
    }
}

/// What is left when a reserve is kept for what does not count its depth.
const fn usable(stack: usize) -> usize {
    stack - (stack >> 3)
}

/// The bytes of this thread's stack that may be used; none where that is not known, or little.
fn here() -> Option<usize> {
    if thread::current().name() != Some("main") {
        return None;
    }
    let limit = getrlimit(Resource::Stack).current.and_then(|it| usize::try_from(it).ok()).unwrap_or(MOST);
    // Arguments and whoever called have their part, too.
    (limit >= LEAST).then(|| limit.min(MOST) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_more_gets_more() {
        // Tests run on threads of their own, so that nothing is tried here.
        assert_eq!(here(), None);
        let given = roomy(|stack| if stack < LARGE / 2 { Err(()) } else { Ok(stack) }, |()| true);
        assert_eq!(given, Ok(usable(LARGE)));
        assert_eq!(deep(|stack| stack), usable(LARGE));
    }
}
