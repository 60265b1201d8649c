//! Tables that a chart and the charts below it hold in common.
//!
//! Helm hands globals down by copying each table in `global`, but not the tables in that: `global.a.b` is one and the same
//! for a chart and all charts below. What one of them has for it as its own default, all of them see. Here every chart has its
//! copy, so what became of it is carried to the others.

use serde_json::Value;

use super::Table;

/// What a chart holds in common with its parent.
pub(super) struct Shared {
    /// The chart's name.
    pub(super) chart: String,
    /// By key in `global`, the keys of the tables below it.
    pub(super) tables: Vec<(String, Vec<String>)>,
    /// The same of the charts below it.
    pub(super) below: Vec<Shared>,
}

/// The tables in a table of `global`; none when there are none.
pub(super) fn tables(key: &str, table: &Table) -> Option<(String, Vec<String>)> {
    let names: Vec<String> = table.iter().filter(|(_, it)| it.is_object()).map(|(name, _)| name.clone()).collect();
    (!names.is_empty()).then(|| (key.to_owned(), names))
}

impl Shared {
    /// Whether anything is held in common here or below.
    pub(super) fn is_some(&self) -> bool {
        !self.tables.is_empty() || !self.below.is_empty()
    }

    /// Carries them from the values of the parent to those of the chart and the charts below it.
    pub(super) fn lower(&self, parent: &mut Table) {
        let Some(Value::Object(values)) = parent.get_mut(&self.chart) else { return };
        let mut values = std::mem::take(values);
        self.carry(parent, &mut values);
        self.below.iter().for_each(|it| it.lower(&mut values));
        parent.insert(self.chart.clone(), Value::Object(values));
    }

    /// Carries the tables from the values of one chart to those of another; whether that changes anything.
    pub(super) fn carry(&self, from: &Table, to: &mut Table) -> bool {
        let (Some(Value::Object(from)), Some(Value::Object(to))) = (from.get("global"), to.get_mut("global")) else {
            return false;
        };
        let mut changed = false;
        for (key, names) in &self.tables {
            let (Some(Value::Object(from)), Some(Value::Object(to))) = (from.get(key), to.get_mut(key)) else {
                continue;
            };
            for name in names {
                let (Some(new), Some(old)) = (from.get(name), to.get_mut(name)) else { continue };
                if old != new {
                    new.clone_into(old);
                    changed = true;
                }
            }
        }
        changed
    }
}
