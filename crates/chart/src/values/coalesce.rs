//! Values of a chart, its parents and its user, coalesced into one tree.
//!
//! What users say wins over what a parent chart says, which wins over what the chart says; globals flow down. A null takes a
//! value away. With [`Nulls::Keep`] nulls survive (`import-values` are found that way).

mod shared;

use serde_json::Value;

use self::shared::Shared;
use super::{Table, ValuesError};
use crate::{Compat, chart::Chart};

/// What happens to nulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// A null takes the value away.
    Remove,
    /// They stay.
    Keep,
}

impl Nulls {
    fn keep(self) -> bool {
        self == Self::Keep
    }
}

/// Something Helm warns of and goes on.
pub type Warnings = Vec<String>;

/// The values of `chart` and its dependencies below `values`.
///
/// # Errors
/// When what stands under a dependency's name is no table.
pub fn coalesce(
    chart: &Chart,
    values: &Table,
    nulls: Nulls,
    compat: Compat,
    warnings: &mut Warnings,
) -> Result<Table, ValuesError> {
    let mut run = Run { compat, warnings };
    let mut out = values.clone();
    run.chart(chart, &mut out, "", nulls)?;
    Ok(out)
}

struct Run<'a> {
    compat: Compat,
    warnings: &'a mut Warnings,
}

fn joined(a: &str, b: &str) -> String {
    if a.is_empty() { b.to_owned() } else { format!("{a}.{b}") }
}

impl Run<'_> {
    fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    /// Answers which globals the charts below hold in common with this one.
    fn chart(
        &mut self,
        chart: &Chart,
        dest: &mut Table,
        prefix: &str,
        nulls: Nulls,
    ) -> Result<Vec<Shared>, ValuesError> {
        self.own(chart, dest, prefix, nulls);
        let mut all = Vec::new();
        let mut is_stale = false;
        for sub in &chart.dependencies {
            let entry = dest.entry(sub.name()).or_insert_with(|| Value::Object(Table::new()));
            let Value::Object(below) = entry else {
                return Err(ValuesError::NotATable(sub.name().to_owned()));
            };
            let mut below = std::mem::take(below);
            let prefix = joined(prefix, chart.name());
            let tables = self.globals(&mut below, dest, &prefix);
            let result = self.chart(sub, &mut below, &prefix, nulls);
            let mut shared = Shared { chart: sub.name().to_owned(), tables, below: Vec::new() };
            is_stale |= shared.carry(&below, dest);
            dest.insert(sub.name().to_owned(), Value::Object(below));
            shared.below = result?;
            if shared.is_some() {
                all.push(shared);
            }
        }
        if is_stale {
            all.iter().for_each(|it| it.lower(dest));
        }
        Ok(all)
    }

    /// Globals of the parent, over those of the child. Answers the tables in its global tables that both hold from now on.
    fn globals(&mut self, dest: &mut Table, source: &Table, prefix: &str) -> Vec<(String, Vec<String>)> {
        let mut shared = Vec::new();
        let empty = Table::new();
        let from = match source.get("global") {
            None => &empty,
            Some(Value::Object(it)) => it,
            Some(_) => {
                self.warn("warning: skipping globals because source global is not a table.".to_owned());
                return shared;
            }
        };
        let mut globals = match dest.remove("global") {
            None => Table::new(),
            Some(Value::Object(it)) => it,
            Some(other) => {
                dest.insert("global".to_owned(), other);
                self.warn("warning: skipping globals because destination global is not a table.".to_owned());
                return shared;
            }
        };
        for (key, value) in from {
            match (globals.get_mut(key), value) {
                (Some(Value::Object(below)), Value::Object(above)) => {
                    // The parent's table wins, so the order is the other way round here.
                    let mut merged = above.clone();
                    let mut below = std::mem::take(below);
                    self.tables(&mut merged, &mut below, &joined(prefix, key), Nulls::Keep);
                    globals.insert(key.clone(), Value::Object(merged));
                    shared.extend(shared::tables(key, above));
                }
                (Some(_), Value::Object(_)) => {
                    self.warn(format!("Conflict: cannot merge map onto non-map for {key:?}. Skipping."));
                }
                (Some(Value::Object(_)), _) => self.warn(format!("key {key} is table. Skipping")),
                (_, value) => {
                    globals.insert(key.clone(), value.clone());
                    shared.extend(value.as_object().and_then(|it| shared::tables(key, it)));
                }
            }
        }
        dest.insert("global".to_owned(), Value::Object(globals));
        shared
    }

    /// The chart's own values below those that are there.
    fn own(&mut self, chart: &Chart, dest: &mut Table, prefix: &str, nulls: Nulls) {
        let prefix = joined(prefix, chart.name());
        let clean = !nulls.keep() && self.compat == Compat::Helm4;
        for (key, value) in chart.values.iter() {
            match dest.get_mut(key) {
                Some(Value::Null) if !nulls.keep() => {
                    dest.remove(key);
                }
                Some(Value::Object(above)) => {
                    let Value::Object(below) = value else {
                        if !value.is_null() {
                            self.warn(format!("warning: skipped value for {prefix}.{key}: Not a table."));
                        }
                        continue;
                    };
                    let is_subchart = chart.dependencies.iter().any(|it| it.name() == key);
                    let nulls = if is_subchart { Nulls::Keep } else { nulls };
                    let mut below = below.clone();
                    if !nulls.keep() && self.compat == Compat::Helm4 {
                        remove_nulls(&mut below);
                    }
                    let mut above = std::mem::take(above);
                    self.tables(&mut above, &mut below, &joined(&prefix, key), nulls);
                    dest.insert(key.clone(), Value::Object(above));
                }
                Some(_) => {}
                None if clean && value.is_null() => {}
                None => {
                    let mut value = value.clone();
                    if let (true, Value::Object(table)) = (clean, &mut value) {
                        remove_nulls(table);
                    }
                    dest.insert(key.clone(), value);
                }
            }
        }
    }

    /// `above` over `below`, into `above`. A null above takes away what stands below; without a value below it stays.
    pub(super) fn tables(&mut self, above: &mut Table, below: &mut Table, prefix: &str, nulls: Nulls) {
        for (key, value) in std::mem::take(below) {
            let is_nulled = above.get(&key).is_some_and(Value::is_null);
            if is_nulled && !nulls.keep() && !value.is_null() {
                above.remove(&key);
            } else {
                self.entry(above, key, value, prefix, nulls);
            }
        }
    }

    fn entry(&mut self, above: &mut Table, key: String, value: Value, prefix: &str, nulls: Nulls) {
        match (above.get_mut(&key), value) {
            (None, value) => {
                above.insert(key, value);
            }
            (Some(Value::Object(upper)), Value::Object(mut lower)) => {
                let mut inner = std::mem::take(upper);
                self.tables(&mut inner, &mut lower, &joined(prefix, &key), nulls);
                above.insert(key, Value::Object(inner));
            }
            (Some(other), Value::Object(_)) if !other.is_null() => {
                self.warn(format!("warning: cannot overwrite table with non table for {}", joined(prefix, &key)));
            }
            (Some(Value::Object(_)), value) if !value.is_null() => {
                let key = joined(prefix, &key);
                self.warn(format!("warning: destination for {key} is a table. Ignoring non-table value"));
            }
            _ => {}
        }
    }
}

/// Takes nulls away, at every depth (not inside lists).
fn remove_nulls(table: &mut Table) {
    table.retain(|_, value| match value {
        Value::Null => false,
        Value::Object(inner) => {
            remove_nulls(inner);
            true
        }
        _ => true,
    });
}

/// Lays `above` over `below` outside of any chart, as `import-values` do.
pub(crate) fn merge_tables(above: &mut Table, mut below: Table, nulls: Nulls, warnings: &mut Warnings) {
    let mut run = Run { compat: Compat::Helm4, warnings };
    run.tables(above, &mut below, "", nulls);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Table {
        value.as_object().unwrap().clone()
    }

    fn chart(name: &str, values: Value, dependencies: Vec<Chart>) -> Chart {
        let mut it = Chart { values: Arc::new(object(values)), dependencies, ..Chart::default() };
        it.metadata.name = name.to_owned();
        it
    }

    fn coalesced(chart: &Chart, values: Value, compat: Compat) -> Value {
        Value::Object(coalesce(chart, &object(values), Nulls::Remove, compat, &mut Vec::new()).unwrap())
    }

    #[test]
    fn users_win_over_parents_and_parents_over_children() {
        let sub = chart("sub", json!({"a": 1, "b": 1, "c": 1, "global": {"g": "child", "h": "child"}}), vec![]);
        let top = chart("top", json!({"sub": {"a": 2, "b": 2}, "global": {"g": "parent"}}), vec![sub]);
        assert_eq!(
            coalesced(&top, json!({"sub": {"a": 3}}), Compat::Helm4),
            json!({"sub": {"a": 3, "b": 2, "c": 1, "global": {"g": "parent", "h": "child"}}, "global": {"g": "parent"}})
        );
    }

    #[test]
    fn a_null_takes_a_value_away() {
        let top = chart("top", json!({"a": 1, "b": {"c": 1, "d": 2}, "n": null, "m": {"x": null, "y": 1}}), vec![]);
        assert_eq!(
            coalesced(&top, json!({"a": null, "b": {"c": null, "e": null}}), Compat::Helm4),
            json!({"b": {"d": 2, "e": null}, "m": {"y": 1}})
        );
        assert_eq!(
            coalesced(&top, json!({"b": {"c": null}}), Compat::Helm3),
            json!({"a": 1, "b": {"d": 2}, "n": null, "m": {"x": null, "y": 1}})
        );
    }

    #[test]
    fn tables_inside_global_tables_are_held_in_common() {
        let first =
            chart("first", json!({"global": {"a": {"b": {"first": 1}, "own": 1}, "new": {"t": {"x": 1}}}}), vec![]);
        let deep = chart("deep", json!({"global": {"a": {"b": {"deep": 1}}, "n": {"t": {"y": 1}}}}), vec![]);
        let second = chart("second", json!({"global": {"a": {"b": {"second": 1}}, "n": {"t": {"z": 1}}}}), vec![deep]);
        let top = chart("top", json!({"global": {"a": {"b": {"top": 1, "gone": null}}}}), vec![first, second]);
        let b = json!({"top": 1, "first": 1, "second": 1, "deep": 1});
        let t = json!({"y": 1, "z": 1});
        assert_eq!(
            coalesced(&top, json!({}), Compat::Helm4),
            json!({
                "global": {"a": {"b": b}},
                "first": {"global": {"a": {"b": b, "own": 1}, "new": {"t": {"x": 1}}}},
                "second": {
                    "global": {"a": {"b": b}, "n": {"t": t}},
                    "deep": {"global": {"a": {"b": b}, "n": {"t": t}}},
                },
            })
        );
    }

    #[test]
    fn a_null_for_a_subchart_reaches_it() {
        let sub = chart("sub", json!({"a": {"x": 1, "y": 2}}), vec![]);
        let top = chart("top", json!({"sub": {"a": {"x": 5}}}), vec![sub]);
        assert_eq!(
            coalesced(&top, json!({"sub": {"a": {"x": null}}}), Compat::Helm4),
            json!({"sub": {"a": {"y": 2}, "global": {}}})
        );
        let error = coalesce(&top, &object(json!({"sub": 1})), Nulls::Remove, Compat::Helm4, &mut Vec::new());
        assert_eq!(error.unwrap_err(), ValuesError::NotATable("sub".into()));
    }
}
