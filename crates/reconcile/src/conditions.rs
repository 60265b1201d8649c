//! The algebra of conditions: set, remove, and the `Ready` summary that sources publish.

use jiff::Timestamp;
use weir_api::meta::{Condition, ConditionStatus};

/// `Ready`, the summary that every tool reads.
pub const READY: &str = "Ready";
/// `Reconciling`, present only while work is under way.
pub const RECONCILING: &str = "Reconciling";
/// `Stalled`, present only when nothing but a change can help.
pub const STALLED: &str = "Stalled";

/// An object's conditions being rewritten at one moment for one generation.
///
/// Keeps the order of what was there; a condition whose status does not change keeps its transition time.
#[derive(Clone, Debug)]
pub struct Conditions {
    list: Vec<Condition>,
    generation: Option<i64>,
    now: Timestamp,
}

impl Conditions {
    /// Starts from the conditions on the object. `now` is cut to whole seconds, as Kubernetes keeps it.
    #[must_use]
    pub fn new(current: &[Condition], generation: Option<i64>, now: Timestamp) -> Self {
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self { list: current.to_vec(), generation, now }
    }

    /// Sets a condition.
    pub fn set(&mut self, type_: &str, status: ConditionStatus, reason: &str, message: impl Into<String>) {
        let message = cut(message.into(), 32_768);
        let mut next = Condition {
            last_transition_time: self.now,
            message,
            observed_generation: self.generation,
            reason: reason.to_owned(),
            status,
            type_: type_.to_owned(),
        };
        match self.list.iter_mut().find(|c| c.type_ == type_) {
            Some(slot) => {
                if slot.status == status {
                    next.last_transition_time = slot.last_transition_time;
                }
                *slot = next;
            }
            None => self.list.push(next),
        }
    }

    /// Sets a condition to `True`.
    pub fn mark_true(&mut self, type_: &str, reason: &str, message: impl Into<String>) {
        self.set(type_, ConditionStatus::True, reason, message);
    }

    /// Sets a condition to `False`.
    pub fn mark_false(&mut self, type_: &str, reason: &str, message: impl Into<String>) {
        self.set(type_, ConditionStatus::False, reason, message);
    }

    /// Sets a condition to `Unknown`.
    pub fn mark_unknown(&mut self, type_: &str, reason: &str, message: impl Into<String>) {
        self.set(type_, ConditionStatus::Unknown, reason, message);
    }

    /// Removes a condition.
    pub fn remove(&mut self, type_: &str) {
        self.list.retain(|c| c.type_ != type_);
    }

    /// The condition of a type.
    #[must_use]
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        find(&self.list, type_)
    }

    /// Whether a condition is there and `True`.
    #[must_use]
    pub fn is_true(&self, type_: &str) -> bool {
        is_true(&self.list, type_)
    }

    /// Computes `Ready` from the others, as Flux's sources do: `negative` types are bad when `True`, all others of
    /// `order` are good when `True`. The worst group decides the status; reason and message come from its first
    /// member in `order`.
    pub fn summarize(&mut self, order: &[&str], negative: &[&str]) {
        let rank = |c: &Condition| {
            let negative = negative.contains(&c.type_.as_str());
            match (negative, c.status) {
                (true, ConditionStatus::True) => 1,
                (false, ConditionStatus::False) => 2,
                (false, ConditionStatus::True) => 3,
                (true, ConditionStatus::False) => 4,
                (_, ConditionStatus::Unknown) => 5,
            }
        };
        let top = order.iter().filter_map(|type_| find(&self.list, type_)).min_by_key(|c| rank(c));
        let Some(top) = top else { return };
        let status = match rank(top) {
            1 | 2 => ConditionStatus::False,
            3 | 4 => ConditionStatus::True,
            _ => ConditionStatus::Unknown,
        };
        let (reason, message) = (top.reason.clone(), top.message.clone());
        self.set(READY, status, &reason, message);
    }

    /// The result, to be put into a status.
    #[must_use]
    pub fn into_vec(self) -> Vec<Condition> {
        self.list
    }
}

/// The condition of a type in a list.
#[must_use]
pub fn find<'a>(list: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    list.iter().find(|c| c.type_ == type_)
}

/// Whether a list has a condition with status `True`.
#[must_use]
pub fn is_true(list: &[Condition], type_: &str) -> bool {
    find(list, type_).is_some_and(|c| c.status == ConditionStatus::True)
}

/// `text` cut to at most `limit` characters.
fn cut(text: String, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::constant(1_700_000_000, 0);
    const T1: Timestamp = Timestamp::constant(1_700_000_060, 5);
    const ORDER: &[&str] = &["FetchFailed", "ArtifactInStorage", "SourceVerified", RECONCILING];
    const NEGATIVE: &[&str] = &["FetchFailed", RECONCILING];

    #[test]
    fn transition_time_moves_only_with_the_status() {
        let mut first = Conditions::new(&[], Some(1), T0);
        first.mark_true(READY, "Succeeded", "a");
        let list = first.into_vec();
        let mut second = Conditions::new(&list, Some(2), T1);
        second.mark_true(READY, "Succeeded", "b");
        let ready = second.get(READY).unwrap();
        assert_eq!((ready.last_transition_time, ready.message.as_str()), (T0, "b"));
        second.mark_false(READY, "Failed", "c");
        let ready = second.get(READY).unwrap();
        assert_eq!(ready.last_transition_time.as_second(), T1.as_second());
        assert_eq!(ready.last_transition_time.subsec_nanosecond(), 0);
    }

    #[test]
    fn the_worst_group_decides_ready() {
        let mut c = Conditions::new(&[], Some(1), T0);
        c.mark_true("ArtifactInStorage", "Succeeded", "stored");
        c.summarize(ORDER, NEGATIVE);
        assert_eq!(c.get(READY).unwrap().status, ConditionStatus::True);
        c.mark_true("FetchFailed", "AuthenticationFailed", "denied");
        c.summarize(ORDER, NEGATIVE);
        let ready = c.get(READY).unwrap();
        assert_eq!((ready.status, ready.reason.as_str()), (ConditionStatus::False, "AuthenticationFailed"));
    }
}
