//! Which dependencies take part, under which name, and what they lend their parents.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    Compat,
    chart::Chart,
    metadata::Dependency,
    values::{
        Table, ValuesError,
        coalesce::{Nulls, Warnings, coalesce, merge_tables},
        leaf, table,
    },
};

/// Applies aliases, tags and conditions, drops what is switched off, and carries `import-values` into the charts' values.
///
/// # Errors
/// When what stands under a dependency's name in the values is no table.
pub fn process(chart: &mut Chart, values: &Table, compat: Compat, warnings: &mut Warnings) -> Result<(), ValuesError> {
    enable(chart, values, "", compat, warnings)?;
    import(chart, compat, warnings)
}

fn accepts(constraint: &str, version: &str) -> bool {
    let (Ok(version), Ok(constraint)) =
        (weir_semver::Version::parse(version), weir_semver::Constraint::parse(constraint))
    else {
        return false;
    };
    constraint.matches(&version)
}

fn enable(
    chart: &mut Chart,
    values: &Table,
    path: &str,
    compat: Compat,
    warnings: &mut Warnings,
) -> Result<(), ValuesError> {
    let Some(mut listed) = chart.metadata.dependencies.take() else { return Ok(()) };
    chart.dependencies = resolved(&chart.dependencies, &listed);
    for it in &mut listed {
        it.name = it.local_name().to_owned();
        it.enabled = true;
    }
    let all = coalesce(chart, values, Nulls::Remove, compat, warnings)?;
    by_tags(&mut listed, &all, warnings);
    by_conditions(&mut listed, &all, path, warnings);
    let off: Vec<String> = listed.iter().filter(|it| !it.enabled).map(|it| it.name.clone()).collect();
    chart.dependencies.retain(|it| !off.iter().any(|name| name == it.name()));
    listed.retain(|it| !off.contains(&it.name));
    for sub in &mut chart.dependencies {
        let path = format!("{path}{}.", sub.name());
        enable(sub, &all, &path, compat, warnings)?;
    }
    chart.metadata.dependencies = (!listed.is_empty()).then_some(listed);
    Ok(())
}

/// The charts that are there, in the order of `Chart.yaml`, once for each alias; those it does not list come first.
fn resolved(present: &[Chart], listed: &[Dependency]) -> Vec<Chart> {
    let fits = |it: &Chart, dependency: &Dependency| {
        it.name() == dependency.name && accepts(&dependency.version, &it.metadata.version)
    };
    let unlisted = present.iter().filter(|it| !listed.iter().any(|dependency| fits(it, dependency)));
    let mut out: Vec<Chart> = unlisted.cloned().collect();
    for dependency in listed {
        if let Some(found) = present.iter().find(|it| fits(it, dependency)) {
            let mut found = found.clone();
            found.metadata.name = dependency.local_name().to_owned();
            out.push(found);
        }
    }
    out
}

fn by_tags(listed: &mut [Dependency], values: &Table, warnings: &mut Warnings) {
    let Some(tags) = table(values, "tags") else { return };
    for it in listed {
        let (mut on, mut off) = (false, false);
        for tag in &it.tags {
            match tags.get(tag) {
                Some(Value::Bool(true)) => on = true,
                Some(Value::Bool(false)) => off = true,
                Some(_) => warnings.push(format!("tag {tag:?} for chart {} is no boolean", it.name)),
                None => {}
            }
        }
        it.enabled = on || !off;
    }
}

fn by_conditions(listed: &mut [Dependency], values: &Table, path: &str, warnings: &mut Warnings) {
    for it in listed {
        for condition in it.condition.trim().split(',').filter(|it| !it.is_empty()) {
            match leaf(values, &format!("{path}{condition}")) {
                Some(Value::Bool(on)) => {
                    it.enabled = *on;
                    break;
                }
                Some(_) => warnings.push(format!("condition {condition:?} for chart {} is no boolean", it.name)),
                None => {}
            }
        }
    }
}

fn import(chart: &mut Chart, compat: Compat, warnings: &mut Warnings) -> Result<(), ValuesError> {
    for sub in &mut chart.dependencies {
        import(sub, compat, warnings)?;
    }
    let Some(mut listed) = chart.metadata.dependencies.take() else { return Ok(()) };
    let result = imported(chart, &mut listed, compat, warnings);
    chart.metadata.dependencies = Some(listed);
    chart.values = Arc::new(result?);
    Ok(())
}

/// The chart's values with its dependencies' below, and what it imports below those.
fn imported(
    chart: &Chart,
    listed: &mut [Dependency],
    compat: Compat,
    warnings: &mut Warnings,
) -> Result<Table, ValuesError> {
    let nulls = Nulls::Keep;
    let mut all = coalesce(chart, &Table::new(), nulls, compat, warnings)?;
    let mut lent = Table::new();
    for dependency in listed {
        let mut read = Vec::new();
        for item in &dependency.import_values {
            let (child, parent) = match item {
                Value::Object(pair) => (path_text(pair.get("child")), path_text(pair.get("parent"))),
                Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                _ => continue,
            };
            read.push(serde_json::json!({"child": child, "parent": parent}));
            let Some(found) = table(&all, &format!("{}.{child}", dependency.name)) else {
                warnings.push(format!("import-values of chart {}: there is no table {child:?}", dependency.name));
                continue;
            };
            merge_tables(&mut lent, placed(&parent, found.clone()), nulls, warnings);
        }
        dependency.import_values = read;
    }
    merge_tables(&mut all, lent, nulls, warnings);
    Ok(all)
}

/// As Go prints what should be a string.
fn path_text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "<nil>".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// The table put where a path leads to; `.` is the top.
fn placed(path: &str, inner: Table) -> Table {
    if path == "." {
        return inner;
    }
    path.split('.').rev().fold(inner, |below, key| Table::from_iter([(key.to_owned(), Value::Object(below))]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::load::{Limits, SourceFile, from_files};

    fn load(files: &[(&str, &str)]) -> Chart {
        let files = files.iter().map(|(name, text)| SourceFile { name: (*name).into(), data: text.as_bytes().into() });
        from_files(files.collect(), &Limits::default()).unwrap()
    }

    fn object(value: Value) -> Table {
        value.as_object().unwrap().clone()
    }

    const TOP: &str = "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n\
        - {name: a, version: 1.x, condition: 'a.enabled,global.a'}\n\
        - {name: b, version: ^1, tags: [back, front]}\n\
        - {name: a, version: '>0', alias: second, import-values: [data, {child: deep.er, parent: my.own}]}\n";

    fn top() -> Chart {
        load(&[
            ("Chart.yaml", TOP),
            ("values.yaml", "my: {own: {b: parent}}\n"),
            ("charts/a/Chart.yaml", "name: a\nversion: 1.2.3\n"),
            ("charts/a/values.yaml", "exports: {data: {k: v}}\ndeep: {er: {x: child, b: child}}\n"),
            ("charts/b/Chart.yaml", "name: b\nversion: 1.0.0\n"),
        ])
    }

    fn names(chart: &Chart) -> Vec<&str> {
        chart.dependencies.iter().map(Chart::name).collect()
    }

    #[test]
    fn conditions_and_tags_switch_and_aliases_name() {
        for (values, expected) in [
            (json!({}), vec!["a", "b", "second"]),
            (json!({"a": {"enabled": false}}), vec!["b", "second"]),
            (json!({"a": {"enabled": "x"}, "global": {"a": false}}), vec!["b", "second"]),
            (json!({"tags": {"back": false}}), vec!["a", "second"]),
            (json!({"tags": {"back": false, "front": true}}), vec!["a", "b", "second"]),
        ] {
            let mut chart = top();
            process(&mut chart, &object(values), Compat::Helm4, &mut Vec::new()).unwrap();
            assert_eq!(names(&chart), expected);
        }
    }

    #[test]
    fn imported_values_stand_below_the_parents_own() {
        let mut chart = top();
        process(&mut chart, &Table::new(), Compat::Helm4, &mut Vec::new()).unwrap();
        assert_eq!(chart.values.get("k"), Some(&json!("v")));
        assert_eq!(chart.values.get("my"), Some(&json!({"own": {"x": "child", "b": "parent"}})));
    }

    #[test]
    fn a_version_that_does_not_fit_is_not_aliased() {
        let mut chart = load(&[
            ("Chart.yaml", "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies: [{name: a, version: 2.x}]\n"),
            ("charts/a/Chart.yaml", "name: a\nversion: 1.2.3\n"),
        ]);
        process(&mut chart, &Table::new(), Compat::Helm4, &mut Vec::new()).unwrap();
        // As in Helm: it is there, so it takes part like a chart nobody listed.
        assert_eq!(names(&chart), ["a"]);
    }
}
