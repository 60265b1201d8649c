//! The queue in memory: what the journal's records add up to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use weir_proto::WireEvent;
use weir_runtime::ObjectKey;

use super::{
    Seen,
    record::{Record, Target},
};

/// Events kept for watchers: those who begin with the past, and those who lag behind.
const RECENT: usize = 1000;
/// Bytes of them at most; the newest stays whatever its size.
const RECENT_BYTES: usize = 4 << 20;

/// Keys kept to know duplicates by. Beyond them an event is taken, and a second one like it too.
const MAX_KEYS: usize = 100_000;

/// The segment of a record that is being written.
const SETTLING: u64 = u64::MAX;

/// An event that is not done.
#[derive(Clone, Debug)]
pub struct Open {
    /// When it was accepted.
    pub at: Timestamp,
    /// The event.
    pub event: Arc<WireEvent>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// Deliveries to be made; `None` until it is routed.
    pub targets: Option<BTreeSet<Target>>,
    /// Segment of the journal it stands in.
    pub(super) segment: u64,
    /// Bytes of its record.
    pub(super) size: usize,
}

#[derive(Debug)]
struct Key {
    id: u64,
    at: Timestamp,
    segment: u64,
}

#[derive(Debug)]
pub(super) struct State {
    dedupe: Duration,
    next: u64,
    open: BTreeMap<u64, Open>,
    bytes: usize,
    keys: HashMap<String, Key>,
    providers: HashMap<ObjectKey, BTreeSet<(u64, Target)>>,
    recent: VecDeque<(Seen, usize)>,
    recent_bytes: usize,
    /// Events that were ever in `recent`.
    remembered: u64,
}

/// What comes after a watcher's place.
#[derive(Debug)]
pub(super) enum After {
    Next(Seen),
    Nothing,
    /// It is not kept any more.
    Lost,
}

impl State {
    pub(super) fn new(dedupe: Duration) -> Self {
        Self {
            dedupe,
            next: 1,
            open: BTreeMap::new(),
            bytes: 0,
            keys: HashMap::new(),
            providers: HashMap::new(),
            recent: VecDeque::new(),
            recent_bytes: 0,
            remembered: 0,
        }
    }

    pub(super) fn next_id(&self) -> u64 {
        self.next
    }

    pub(super) fn open(&self) -> &BTreeMap<u64, Open> {
        &self.open
    }

    pub(super) fn get(&self, id: u64) -> Option<&Open> {
        self.open.get(&id)
    }

    /// Events and bytes that wait.
    pub(super) fn load(&self) -> (usize, usize) {
        (self.open.len(), self.bytes)
    }

    pub(super) fn deliveries(&self) -> usize {
        self.providers.values().map(BTreeSet::len).sum()
    }

    pub(super) fn per_provider(&self) -> Vec<(ObjectKey, usize)> {
        self.providers.iter().map(|(provider, waiting)| (provider.clone(), waiting.len())).collect()
    }

    /// The place before the oldest event kept, and the one behind the newest.
    pub(super) fn places(&self) -> (u64, u64) {
        (self.remembered - self.recent.len() as u64, self.remembered)
    }

    /// The event at a place.
    pub(super) fn after(&self, place: u64) -> After {
        let (oldest, newest) = self.places();
        if place >= newest {
            return After::Nothing;
        }
        let index = place.checked_sub(oldest).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.recent.get(index)).map_or(After::Lost, |(seen, _)| After::Next(seen.clone()))
    }

    fn is_fresh(&self, at: Timestamp, now: Timestamp) -> bool {
        let age = now.duration_since(at);
        age < jiff::SignedDuration::try_from(self.dedupe).unwrap_or(jiff::SignedDuration::MAX)
    }

    pub(super) fn is_duplicate(&self, key: &str, now: Timestamp) -> bool {
        self.keys.get(key).is_some_and(|seen| self.is_fresh(seen.at, now))
    }

    pub(super) fn forget_seen(&mut self, now: Timestamp) {
        let keys = std::mem::take(&mut self.keys);
        self.keys = keys.into_iter().filter(|(_, seen)| self.is_fresh(seen.at, now)).collect();
    }

    /// A record that is being written; [`State::settle`] or [`State::withdraw`] follows.
    pub(super) fn accept(&mut self, record: Record, size: usize) {
        self.apply(record, SETTLING, size);
    }

    /// The record is safe.
    pub(super) fn settle(&mut self, id: u64, key: &str, segment: u64) {
        if let Some(seen) = self.keys.get_mut(key).filter(|seen| seen.id == id) {
            seen.segment = segment;
        }
        let Some(open) = self.open.get_mut(&id) else { return };
        open.segment = segment;
        let (event, size) = (Arc::clone(&open.event), open.size);
        self.remember(id, event, size);
    }

    /// The record is not safe and never will be.
    pub(super) fn withdraw(&mut self, id: u64, key: &str) {
        self.close(id);
        if self.keys.get(key).is_some_and(|seen| seen.id == id) {
            self.keys.remove(key);
        }
    }

    /// A record read back from the journal.
    pub(super) fn replay(&mut self, record: Record, segment: u64) {
        let size = match &record {
            Record::Accepted { .. } | Record::Kept { .. } => record.encode().len(),
            _ => 0,
        };
        let accepted = match &record {
            Record::Accepted { id, .. } => Some(*id),
            _ => None,
        };
        self.apply(record, segment, size);
        if let Some(id) = accepted
            && let Some(open) = self.open.get(&id)
        {
            self.remember(id, Arc::clone(&open.event), size);
        }
    }

    fn apply(&mut self, record: Record, segment: u64, size: usize) {
        match record {
            Record::Accepted { id, at, key, traceparent, event } => {
                self.next = self.next.max(id + 1);
                self.know(key, Key { id, at, segment });
                self.insert(id, Open { at, event: Arc::new(event), traceparent, targets: None, segment, size });
            }
            Record::Routed { id, targets } => self.route(id, targets),
            Record::Done { id, target } => {
                self.done(id, &target);
            }
            Record::Kept { id, at, traceparent, event, targets } => {
                self.next = self.next.max(id + 1);
                self.close(id);
                self.insert(id, Open { at, event: Arc::new(event), traceparent, targets: None, segment, size });
                if let Some(targets) = targets {
                    self.route(id, targets);
                }
            }
            Record::Seen { id, at, key } => {
                self.next = self.next.max(id + 1);
                self.know(key, Key { id, at, segment });
            }
        }
    }

    fn know(&mut self, key: String, seen: Key) {
        if self.keys.len() < MAX_KEYS || self.keys.contains_key(&key) {
            self.keys.insert(key, seen);
        }
    }

    fn insert(&mut self, id: u64, open: Open) {
        self.bytes += open.size;
        if let Some(old) = self.open.insert(id, open) {
            self.bytes -= old.size;
        }
    }

    /// Says where an event goes.
    pub(super) fn route(&mut self, id: u64, targets: impl IntoIterator<Item = Target>) {
        let Some(open) = self.open.get_mut(&id) else { return };
        let targets: BTreeSet<Target> = targets.into_iter().collect();
        for target in &targets {
            self.providers.entry(target.provider.clone()).or_default().insert((id, target.clone()));
        }
        let empty = targets.is_empty();
        open.targets = Some(targets);
        if empty {
            self.close(id);
        }
    }

    /// The oldest deliveries of a provider beyond `limit`.
    pub(super) fn overflow(&self, provider: &ObjectKey, limit: usize) -> Vec<(u64, Target)> {
        let Some(waiting) = self.providers.get(provider) else { return Vec::new() };
        waiting.iter().take(waiting.len().saturating_sub(limit)).cloned().collect()
    }

    /// A delivery needs no further try; says whether it was known.
    pub(super) fn done(&mut self, id: u64, target: &Target) -> bool {
        let Some(open) = self.open.get_mut(&id) else { return false };
        let Some(targets) = &mut open.targets else { return false };
        let known = targets.remove(target);
        let last = targets.is_empty();
        if let Some(waiting) = self.providers.get_mut(&target.provider) {
            waiting.remove(&(id, target.clone()));
            if waiting.is_empty() {
                self.providers.remove(&target.provider);
            }
        }
        if last {
            self.close(id);
        }
        known
    }

    fn close(&mut self, id: u64) {
        let Some(open) = self.open.remove(&id) else { return };
        self.bytes -= open.size;
        for target in open.targets.into_iter().flatten() {
            if let Some(waiting) = self.providers.get_mut(&target.provider) {
                waiting.remove(&(id, target.clone()));
            }
        }
    }

    fn remember(&mut self, id: u64, event: Arc<WireEvent>, size: usize) {
        self.recent.push_back((Seen { id, event }, size));
        self.recent_bytes += size;
        self.remembered += 1;
        while self.recent.len() > RECENT || (self.recent_bytes > RECENT_BYTES && self.recent.len() > 1) {
            let Some((_, size)) = self.recent.pop_front() else { return };
            self.recent_bytes -= size;
        }
    }

    /// What of the segments before `keep_from` is still needed, as records that stand for it.
    pub(super) fn needed_before(&self, keep_from: u64) -> Vec<Record> {
        let seen = self.keys.iter().filter(|(_, seen)| seen.segment < keep_from);
        let seen = seen.map(|(key, seen)| Record::Seen { id: seen.id, at: seen.at, key: key.clone() });
        let open = self.open.iter().filter(|(_, open)| open.segment < keep_from).map(|(id, open)| Record::Kept {
            id: *id,
            at: open.at,
            traceparent: open.traceparent.clone(),
            event: open.event.as_ref().clone(),
            targets: open.targets.clone(),
        });
        seen.chain(open).collect()
    }

    /// These now stand in this segment.
    pub(super) fn moved(&mut self, keep_from: u64, to: u64) {
        for seen in self.keys.values_mut().filter(|seen| seen.segment < keep_from) {
            seen.segment = to;
        }
        for open in self.open.values_mut().filter(|open| open.segment < keep_from) {
            open.segment = to;
        }
    }

    /// Whether a record is being written, so that its segment is not known.
    pub(super) fn is_settling(&self) -> bool {
        self.open.values().any(|open| open.segment == SETTLING)
            || self.keys.values().any(|seen| seen.segment == SETTLING)
    }

    /// Bytes of waiting events in segments before `keep_from`.
    pub(super) fn bytes_before(&self, keep_from: u64) -> usize {
        self.open.values().filter(|open| open.segment < keep_from).map(|open| open.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_watchers_is_bounded_by_bytes() {
        let mut state = State::new(Duration::ZERO);
        let event = Arc::new(crate::event::tests::sample(&[]));
        let ids = |state: &State, mut place: u64| {
            let mut ids = Vec::new();
            while let After::Next(seen) = state.after(place) {
                ids.push(seen.id);
                place += 1;
            }
            ids
        };
        for id in 1..=3 {
            state.remember(id, Arc::clone(&event), RECENT_BYTES / 3);
        }
        assert_eq!((state.places(), ids(&state, 0)), ((0, 3), vec![1, 2, 3]));
        assert!(matches!(state.after(3), After::Nothing));
        state.remember(4, Arc::clone(&event), RECENT_BYTES);
        assert_eq!((state.places(), ids(&state, 3)), ((3, 4), vec![4]));
        assert!(matches!(state.after(2), After::Lost));
        state.remember(5, Arc::clone(&event), 2 * RECENT_BYTES);
        assert_eq!(ids(&state, 4), [5], "one larger than all may be is seen all the same");
        for id in 6..=6 + RECENT as u64 {
            state.remember(id, Arc::clone(&event), 0);
        }
        assert_eq!(state.recent.len(), RECENT);
    }

    #[test]
    fn what_is_kept_to_know_duplicates_is_bounded() {
        let mut state = State::new(Duration::from_secs(300));
        let at = Timestamp::constant(1_700_000_000, 0);
        for id in 0..=MAX_KEYS as u64 {
            state.apply(Record::Seen { id, at, key: id.to_string() }, 1, 0);
        }
        assert_eq!(state.keys.len(), MAX_KEYS);
        assert!(state.is_duplicate("0", at) && !state.is_duplicate(&MAX_KEYS.to_string(), at));
        let later = at + jiff::SignedDuration::from_secs(300);
        state.apply(Record::Seen { id: 1, at: later, key: "0".to_owned() }, 1, 0);
        assert!(state.is_duplicate("0", later), "a known one is renewed");
    }
}
