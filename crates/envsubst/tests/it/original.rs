use std::collections::BTreeMap;

use serde::Deserialize;
use weir_envsubst::{Mode, substitute};

#[derive(Deserialize)]
struct Case {
    text: String,
    strict: bool,
    #[serde(default)]
    out: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

#[test]
fn every_text_becomes_what_the_original_makes_of_it() {
    let vars: BTreeMap<String, String> = serde_json::from_str(include_str!("../golden/vars.json")).unwrap();
    let lookup = |name: &str| vars.get(name).cloned();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in include_str!("../golden/cases.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let ours = substitute(&case.text, &lookup, Mode { strict: case.strict });
        let same = match (&ours, &case.out, &case.error) {
            (Ok(ours), Some(theirs), None) => ours == theirs,
            (Err(ours), None, Some(theirs)) => theirs.starts_with(&ours.problem.to_string()),
            _ => false,
        };
        if !same {
            wrong.push(format!("{line} ours: {ours:?}"));
        }
        count += 1;
    }
    assert!(count > 2000, "{count} cases");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}
