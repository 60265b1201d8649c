//! Library functions whose result can be much larger, or whose work much longer, than their arguments: here they pay first.

use cel::{
    ExecutionError,
    common::{
        types::{CelBool, CelInt, CelList, CelString},
        value::{CowVal, Val},
    },
};
use regex::RegexBuilder;

use crate::budget;

/// What a compiled regular expression may take, in bytes.
const REGEX_SIZE: usize = 1 << 18;
/// What compiling one costs, in steps.
const REGEX_STEPS: u64 = 2_000;

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn text<'a>(args: &'a [CowVal<'_, '_>], index: usize) -> Result<&'a str, ExecutionError> {
    let value = args.get(index).and_then(|value| value.downcast_ref::<CelString>());
    value.map(CelString::inner).ok_or_else(ExecutionError::missing_argument_or_target)
}

/// `text.matches(pattern)`.
pub(crate) fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let (value, pattern) = (text(&args, 0)?, text(&args, 1)?);
    budget::take(REGEX_STEPS)?;
    let regex =
        RegexBuilder::new(pattern).size_limit(REGEX_SIZE).dfa_size_limit(REGEX_SIZE).build().map_err(|_| {
            ExecutionError::function_error("matches", "not a valid regular expression, or too large a one")
        })?;
    Ok(CowVal::owned(CelBool::from(regex.is_match(value))))
}

/// `text.replace(from, to)` and `text.replace(from, to, count)`; a negative count is all.
pub(crate) fn replace<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let (value, from, to) = (text(&args, 0)?, text(&args, 1)?, text(&args, 2)?);
    let count = args.get(3).and_then(|n| n.downcast_ref::<CelInt>()).map_or(-1, |n| *n.inner());
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let found = if from.is_empty() { value.chars().count() + 1 } else { value.matches(from).count() };
    budget::take_bytes(value.len().saturating_add(to.len().saturating_mul(found.min(limit))))?;
    Ok(CowVal::owned(CelString::from(value.replacen(from, to, limit))))
}

/// `list.join()` and `list.join(separator)`.
pub(crate) fn join<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let separator = if args.len() > 1 { text(&args, 1)? } else { "" };
    let list = args.first().and_then(|list| list.downcast_ref::<CelList>());
    let list = list.ok_or_else(ExecutionError::missing_argument_or_target)?.inner();
    budget::take_bytes(separator.len().saturating_mul(list.len()))?;
    let mut joined = String::new();
    for (index, item) in list.iter().enumerate() {
        let item: &dyn Val = item.as_ref();
        let part = item.downcast_ref::<CelString>().ok_or_else(|| ExecutionError::UnexpectedType {
            got: item.get_type().name().to_owned(),
            want: "string".to_owned(),
        })?;
        budget::take_bytes(part.inner().len())?;
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(part.inner());
    }
    Ok(CowVal::owned(CelString::from(joined)))
}
