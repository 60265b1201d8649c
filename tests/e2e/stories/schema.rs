//! Both sets of CRDs, ours and the originals, on real API servers: they accept and refuse the same objects and fill in the same defaults.
//!
//! The originals are rebuilt from `crates/api/tests/golden/crds.facts`, which holds every node of their schemas. Each kind has one rich
//! sample; every leaf of it is removed and replaced by things that may not belong there, and both servers are asked.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use weir_testkit::{Api, ControlPlane, install_crds};

const FACTS: &str = include_str!("../../../crates/api/tests/golden/crds.facts");
const SAMPLES: &str = include_str!("samples.yaml");

#[tokio::test(flavor = "multi_thread")]
async fn both_sets_accept_and_refuse_the_same() -> Result<()> {
    let (ours, theirs) = (ControlPlane::start().await?, ControlPlane::start().await?);
    install_crds(ours.api()).await?;
    let originals = originals()?;
    ensure!(originals.len() == 15, "{} originals", originals.len());
    theirs.api().apply_all(&originals).await?;
    for crd in &originals {
        let name = crate::world::text(crd, "/metadata/name");
        let established = |crd: &Value| weir_testkit::api::condition_text(crd, "Established").0 == "True";
        theirs.api().wait(weir_testkit::kind::CRD, "", name, crate::world::SOON, "Established", established).await?;
    }
    let samples = weir_yaml::parse_values(SAMPLES)?;
    ensure!(samples.len() == 15, "a sample of each kind, not {}", samples.len());
    let (mut accepted, mut refused) = (0, 0);
    let mut bad = Vec::new();
    for sample in &samples {
        let kind = crate::world::text(sample, "/kind");
        let (ok, why) = ask(ours.api(), sample).await?;
        if !ok {
            bad.push(format!("our {kind} refuses the sample: {why}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    for sample in &samples {
        let kind = crate::world::text(sample, "/kind");
        for (what, variant) in variants(sample) {
            let (mine, original) = tokio::try_join!(ask(ours.api(), &variant), ask(theirs.api(), &variant))?;
            assert_eq!(mine, original, "{kind} with {what}");
            if mine.0 { accepted += 1 } else { refused += 1 }
        }
    }
    println!("{accepted} objects accepted and {refused} refused by both");
    assert!(accepted > 200 && refused > 300, "{accepted} accepted, {refused} refused: the variants say too little");
    Ok(())
}

/// Accepted or not, and the object with its defaults or the causes of the refusal.
async fn ask(api: &Api, object: &Value) -> Result<(bool, Value)> {
    let path = api.path_of(object).await?;
    let (collection, _) = path.rsplit_once('/').context("a path has a name")?;
    let body = Some(("application/json", serde_json::to_vec(object)?));
    let reply = api.request("POST", &format!("{collection}?dryRun=All&fieldValidation=Strict"), body).await?;
    if reply.code == 201 {
        return Ok((true, json!({"spec": reply.body["spec"], "status": reply.body["status"]})));
    }
    ensure!(reply.code < 500, "the server failed: {}", reply.body);
    let mut causes: Vec<String> = match reply.body.pointer("/details/causes").and_then(Value::as_array) {
        Some(causes) => {
            causes.iter().map(|cause| format!("{} {} {}", cause["field"], cause["reason"], cause["message"])).collect()
        }
        None => vec![reply.body["message"].to_string()],
    };
    causes.sort();
    Ok((false, json!({"code": reply.code, "causes": causes})))
}

/// The sample with one thing changed, and what that was.
fn variants(sample: &Value) -> Vec<(String, Value)> {
    let mut paths = Vec::new();
    leaves(&sample["spec"], "/spec", &mut paths);
    let mut all = vec![("nothing changed".to_owned(), sample.clone())];
    for path in &paths {
        let mut without = sample.clone();
        remove(&mut without, path);
        all.push((format!("{path} removed"), without));
        for value in [
            json!(""),
            json!("!"),
            json!("5"),
            json!("x".repeat(2100)),
            json!(7),
            json!(-1),
            json!(true),
            json!({}),
            json!([]),
            Value::Null,
        ] {
            let mut changed = sample.clone();
            if let Some(place) = changed.pointer_mut(path) {
                all.push((format!("{path} = {}", value.to_string().chars().take(40).collect::<String>()), {
                    *place = value;
                    changed
                }));
            }
        }
    }
    let mut unknown = sample.clone();
    unknown["spec"]["notAField"] = json!(1);
    all.push(("an unknown field".to_owned(), unknown));
    all
}

fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    if path != "/spec" {
        found.push(path.to_owned());
    }
    match value {
        Value::Object(map) => map.iter().for_each(|(key, child)| {
            leaves(child, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found)
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, child)| leaves(child, &format!("{path}/{index}"), found))
        }
        _ => {}
    }
}

fn remove(object: &mut Value, path: &str) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.remove(&key.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(items)) => {
            drop(key.parse().ok().filter(|index| *index < items.len()).map(|index: usize| items.remove(index)))
        }
        _ => {}
    }
}

/// The original CRDs, put together from their facts.
fn originals() -> Result<Vec<Value>> {
    let mut crds: Map<String, Value> = Map::new();
    // Parents sort before their children, since a child's path begins with its parent's.
    for line in FACTS.lines() {
        let (subject, rest) = line.split_once(' ').context("a fact has a subject")?;
        let (what, fact) = rest.split_once(' ').context("a fact has a value")?;
        let fact: Value = serde_json::from_str(fact).with_context(|| format!("not JSON: {line}"))?;
        let (name, version) = subject.split_once('/').unwrap_or((subject, ""));
        let crd = crds.entry(name).or_insert_with(|| {
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"versions": [{}]}})
        });
        match (version, what) {
            ("", "metadata") => crd["metadata"] = fact,
            ("", "names") => crd["spec"]["names"] = fact,
            ("", "spec") => lay(&mut crd["spec"], fact),
            (_, "columns") => crd["spec"]["versions"][0]["additionalPrinterColumns"] = fact,
            (_, "version") => lay(&mut crd["spec"]["versions"][0], fact),
            (_, path) => place(&mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], path, fact)?,
        }
    }
    Ok(crds.into_iter().map(|(_, crd)| crd).collect())
}

fn lay(onto: &mut Value, fact: Value) {
    if let (Some(onto), Value::Object(fact)) = (onto.as_object_mut(), fact) {
        onto.extend(fact);
    }
}

/// Puts a schema node at `path` (`.spec.list[].name*`, `.` for the root).
fn place(root: &mut Value, path: &str, fact: Value) -> Result<()> {
    let (path, required) = path.strip_suffix('*').map_or((path, false), |path| (path, true));
    let mut node = root;
    let mut rest = if path == "." { "" } else { path };
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[]") {
            (node, rest) = (&mut node["items"], after);
        } else if let Some(after) = rest.strip_prefix("{}") {
            (node, rest) = (&mut node["additionalProperties"], after);
        } else {
            let after = rest.strip_prefix('.').with_context(|| format!("a strange path: {path}"))?;
            let end = after.find(['.', '[', '{']).unwrap_or(after.len());
            let (name, left) = after.split_at(end);
            if left.is_empty() && required {
                if !node["required"].is_array() {
                    node["required"] = json!([]);
                }
                node["required"].as_array_mut().context("just made")?.push(json!(name));
            }
            (node, rest) = (&mut node["properties"][name], left);
        }
    }
    if node.is_null() {
        *node = json!({});
    }
    lay(node, fact);
    Ok(())
}
