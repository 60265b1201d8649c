//! Every recorded case gives the recorded answer.

use std::{fs, path::Path};

use serde_json::Value as Json;

use crate::cases::{Answer, answer};

fn failures(path: &Path, shared: &Json) -> (usize, Vec<String>) {
    let text = fs::read_to_string(path).unwrap();
    let mut failures = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        count += 1;
        let (expected, actual) = (Answer::recorded(&case), answer(&case, shared));
        if expected != actual && without_addresses(&expected) != without_addresses(&actual) {
            let shown = |it: &Answer| match it {
                Answer::Out(out) => format!("prints {:?}", String::from_utf8_lossy(out)),
                Answer::Err(error) => format!("fails {error}"),
            };
            let templates = &case["templates"];
            failures.push(format!("{templates}\n    Go {}\n  ours {}", shown(&expected), shown(&actual)));
        }
    }
    (count, failures)
}

/// Addresses differ from run to run, in Go as well.
fn without_addresses(answer: &Answer) -> String {
    let text = match answer {
        Answer::Out(out) => String::from_utf8_lossy(out).into_owned(),
        Answer::Err(error) => format!("error: {error}"),
    };
    let mut pieces = text.split("0x");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push_str("0x");
        out.push_str(if digits < 6 { piece } else { &piece[digits..] });
    }
    out
}

#[test]
fn answers_are_those_of_go() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let shared = serde_json::from_str(&fs::read_to_string(folder.join("data.json")).unwrap()).unwrap();
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "jsonl"));
    files.sort();
    // More cases than are kept here: see tests/golden/README.md.
    if let Some(more) = std::env::var_os("GOTEMPLATE_CASES") {
        files = vec![more.into()];
    }
    assert!(!files.is_empty());
    let (mut total, mut failed) = (0, Vec::new());
    for file in files {
        let (count, mut failures) = failures(&file, &shared);
        total += count;
        failed.append(&mut failures);
    }
    let most: Vec<_> = failed.iter().take(60).map(String::as_str).collect();
    assert!(failed.is_empty(), "{} of {total} differ:\n{}", failed.len(), most.join("\n"));
    println!("{total} cases");
}
