//! The budget of one evaluation: steps and bytes.
//!
//! Functions of the interpreter are plain function pointers, so the budget lives in the thread that evaluates.

use std::cell::Cell;

use cel::{
    ExecutionError,
    common::{
        types::{CelBytes, CelInt, CelList, CelMap, CelString},
        value::{CowVal, Val},
    },
};

/// Steps in one evaluation; a step is a node of the expression in a loop, or [`BYTES_PER_STEP`] bytes of a value.
const STEPS: u64 = 2_000_000;
/// Bytes that count as one step.
const BYTES_PER_STEP: u64 = 16;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(0) };
    static EXHAUSTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs an evaluation with a fresh budget; also says whether it ran out.
pub(crate) fn with_budget<T>(run: impl FnOnce() -> T) -> (T, bool) {
    LEFT.set(STEPS);
    EXHAUSTED.set(false);
    let result = run();
    (result, EXHAUSTED.get())
}

/// Takes steps from the budget, or fails when there are not enough left.
pub(crate) fn take(steps: u64) -> Result<(), ExecutionError> {
    match LEFT.get().checked_sub(steps) {
        Some(left) if !EXHAUSTED.get() => {
            LEFT.set(left);
            Ok(())
        }
        _ => {
            EXHAUSTED.set(true);
            Err(ExecutionError::function_error("budget", "too many steps"))
        }
    }
}

/// Takes the steps that handling so many bytes costs.
pub(crate) fn take_bytes(bytes: usize) -> Result<(), ExecutionError> {
    take(u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_PER_STEP)
}

/// `@spend(steps, value)`: the value, once the steps and its size are paid for.
pub(crate) fn spend<'b, 'v>(mut args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let steps = args.pop().and_then(|steps| steps.downcast_ref::<CelInt>().map(|steps| *steps.inner())).unwrap_or(1);
    take(u64::try_from(steps).unwrap_or(1))?;
    take_bytes(size(value.as_ref()))?;
    Ok(value)
}

/// `@alive()`: true, or the error that ends every loop once the budget is gone.
pub(crate) fn alive<'b, 'v>(_: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    take(1)?;
    Ok(CowVal::owned(cel::common::types::CelBool::from(true)))
}

/// Bytes that a value holds, roughly.
pub(crate) fn size(value: &dyn Val) -> usize {
    const EACH: usize = 16;
    if let Some(text) = value.downcast_ref::<CelString>() {
        return text.inner().len();
    }
    if let Some(bytes) = value.downcast_ref::<CelBytes>() {
        return bytes.inner().len();
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        return list.inner().iter().fold(EACH, |sum, item| sum.saturating_add(EACH + size(item.as_ref())));
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        return map.inner().iter().fold(EACH, |sum, (key, item)| {
            sum.saturating_add(EACH + size(key.inner())).saturating_add(size(item.as_ref()))
        });
    }
    EACH
}
