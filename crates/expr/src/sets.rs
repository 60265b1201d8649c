//! The sets extension: lists compared as sets.

use cel::{
    ExecutionError,
    common::{
        types::{CelBool, CelList},
        value::{CowVal, Val},
    },
};

use crate::budget;

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn lists<'a, 'v>(args: &'a [CowVal<'_, 'v>]) -> Result<[&'a [Box<dyn Val + 'v>]; 2], ExecutionError> {
    let list = |index: usize| {
        let list = args.get(index).and_then(|value| value.downcast_ref::<CelList>());
        list.map(CelList::inner).ok_or_else(ExecutionError::missing_argument_or_target)
    };
    let (a, b) = (list(0)?, list(1)?);
    let pairs = a.len().saturating_mul(b.len());
    budget::take(u64::try_from(pairs).unwrap_or(u64::MAX))?;
    Ok([a, b])
}

fn holds(list: &[Box<dyn Val + '_>], item: &dyn Val) -> bool {
    list.iter().any(|other| other.equals(item))
}

/// Whether the first list has every element of the second.
pub(crate) fn contains<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let [a, b] = lists(&args)?;
    Ok(CowVal::owned(CelBool::from(b.iter().all(|item| holds(a, item.as_ref())))))
}

/// Whether each list has every element of the other.
pub(crate) fn equivalent<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let [a, b] = lists(&args)?;
    let both = b.iter().all(|item| holds(a, item.as_ref())) && a.iter().all(|item| holds(b, item.as_ref()));
    Ok(CowVal::owned(CelBool::from(both)))
}

/// Whether the lists share an element.
pub(crate) fn intersects<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let [a, b] = lists(&args)?;
    Ok(CowVal::owned(CelBool::from(b.iter().any(|item| holds(a, item.as_ref())))))
}
