//! Room on the stack: the interpreter and its parser recurse, with large frames.

use std::thread;

/// Trees up to this depth are evaluated on the caller's stack, which has 2 MiB in a thread of its own.
const SHALLOW: usize = 16;
/// Enough for the deepest tree allowed, with frames as large as they are without optimisation. Only what is used is backed by
/// memory.
const STACK: usize = 128 << 20;

/// Runs `work` where a tree of this depth has room.
pub(crate) fn with_room<T: Send>(depth: usize, work: impl FnOnce() -> T + Send) -> T {
    if depth <= SHALLOW {
        return work();
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("expression".to_owned()).stack_size(STACK);
        let running = thread.spawn_scoped(scope, work).expect("a thread can be started");
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
