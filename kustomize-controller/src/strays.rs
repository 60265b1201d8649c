//! Objects that were applied and never written down: what the last sweep of the cluster found of them.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio::sync::Mutex;
use weir_apply::{Owner, RequestError, Stray};

/// See the module. Nothing is kept but what belongs to nobody's inventory.
#[derive(Debug, Default)]
pub struct Strays {
    last: Mutex<Option<Sweep>>,
}

#[derive(Debug)]
struct Sweep {
    begun: Timestamp,
    found: HashMap<Owner, Vec<Stray>>,
}

impl Strays {
    /// The strays of an owner, as of a sweep that began no earlier than `since`: the last one if that did, else a new one.
    /// Many owners that ask at a time share one sweep.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn of<S>(
        &self,
        owner: &Owner,
        since: Timestamp,
        now: Timestamp,
        sweep: S,
    ) -> Result<Vec<Stray>, RequestError>
    where
        S: Future<Output = Result<Vec<Stray>, RequestError>>,
    {
        let mut last = self.last.lock().await;
        if last.as_ref().is_none_or(|last| last.begun < since) {
            let mut found: HashMap<Owner, Vec<Stray>> = HashMap::new();
            for stray in sweep.await? {
                found.entry(stray.owner.clone()).or_default().push(stray);
            }
            *last = Some(Sweep { begun: now, found });
        }
        Ok(last.as_ref().and_then(|last| last.found.get(owner)).cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use weir_manifest::{ObjectRef, inventory::Entry};

    use super::*;

    fn stray(owner: &str) -> Stray {
        let object = ObjectRef {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: "n".to_owned(),
            name: "a".to_owned(),
        };
        Stray {
            owner: Owner { namespace: "n".to_owned(), name: owner.to_owned() },
            entry: Entry { object, version: "v1".to_owned() },
            applied: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    #[tokio::test]
    async fn one_sweep_serves_all_until_a_newer_one_is_needed() {
        let (strays, sweeps) = (Strays::default(), AtomicUsize::new(0));
        let at = |second| Timestamp::from_second(second).unwrap();
        let ask = async |owner: &str, since, now| {
            let sweep = async {
                sweeps.fetch_add(1, Ordering::Relaxed);
                Ok(vec![stray("a")])
            };
            let owner = Owner { namespace: "n".to_owned(), name: owner.to_owned() };
            strays.of(&owner, since, now, sweep).await.unwrap().len()
        };
        assert_eq!(ask("a", Timestamp::MIN, at(10)).await, 1);
        assert_eq!(ask("b", Timestamp::MIN, at(11)).await, 0);
        assert_eq!(ask("a", at(10), at(12)).await, 1);
        assert_eq!(sweeps.load(Ordering::Relaxed), 1);
        assert_eq!(ask("a", at(11), at(13)).await, 1);
        assert_eq!(sweeps.load(Ordering::Relaxed), 2);
    }
}
