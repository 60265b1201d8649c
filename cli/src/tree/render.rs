//! A tree as text, and as the document that Flux's `tree -o json` prints, with the health added.

use serde_json::{Value, json};
use weir_manifest::Status;

use super::gather::Node;
use crate::{
    terminal::{Style, Tone},
    text::{clean, short_hex},
};

/// The tree, a line per object.
pub fn text(root: &Node, style: Style) -> String {
    let mut out = line(root, style);
    out.push('\n');
    children(&mut out, root, "", style);
    out
}

fn children(out: &mut String, node: &Node, indent: &str, style: Style) {
    for (position, child) in node.children.iter().enumerate() {
        let last = position + 1 == node.children.len();
        let (branch, below) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        out.push_str(&style.paint(&format!("{indent}{branch}"), Tone::Dim));
        out.push_str(&line(child, style));
        out.push('\n');
        children(out, child, &format!("{indent}{below}"), style);
    }
}

fn line(node: &Node, style: Style) -> String {
    let (mark, tone) = match node.health.status {
        Status::Current => ("✔", Tone::Good),
        Status::InProgress => ("◐", Tone::Warn),
        Status::Terminating => ("⌛", Tone::Warn),
        Status::Failed => ("✗", Tone::Bad),
        Status::NotFound => ("∅", Tone::Bad),
        Status::Unknown => ("?", Tone::Warn),
    };
    let name = clean(&node.object.to_string());
    let mut line = format!("{name} {}", style.paint(mark, tone));
    if node.health.status != Status::Current {
        let why = format!("{}: {}", node.health.status, short_hex(&clean(&node.health.message)));
        line.push(' ');
        line.push_str(&style.paint(&why, tone));
    }
    line
}

/// The tree as nested values.
pub fn document(node: &Node) -> Value {
    let mut document = json!({
        "resource": {
            "Namespace": node.object.namespace,
            "Name": node.object.name,
            "GroupKind": { "Group": node.object.group, "Kind": node.object.kind },
        },
        "health": { "status": node.health.status.to_string(), "message": node.health.message },
    });
    if !node.children.is_empty()
        && let Some(map) = document.as_object_mut()
    {
        map.insert("resources".into(), node.children.iter().map(self::document).collect());
    }
    document
}

#[cfg(test)]
mod tests {
    use weir_manifest::{Health, ObjectRef};

    use super::*;

    fn node(kind: &str, name: &str, status: Status, message: &str, children: Vec<Node>) -> Node {
        let object = ObjectRef { group: String::new(), kind: kind.into(), namespace: "n".into(), name: name.into() };
        Node { object, health: Health::new(status, message), children }
    }

    fn tree() -> Node {
        let pod = node("Pod", "p", Status::Failed, "CrashLoop\u{1b}[2J\nBackOff", vec![]);
        let deployment = node("Deployment", "d", Status::InProgress, "Replicas: 0/1", vec![pod]);
        node(
            "Kustomization",
            "a",
            Status::Current,
            "",
            vec![deployment, node("ConfigMap", "c", Status::NotFound, "gone", vec![])],
        )
    }

    #[test]
    fn trees_show_what_is_wrong_and_where() {
        let expected = "\
Kustomization/n/a ✔
├── Deployment/n/d ◐ InProgress: Replicas: 0/1
│   └── Pod/n/p ✗ Failed: CrashLoop[2J BackOff
└── ConfigMap/n/c ∅ NotFound: gone
";
        assert_eq!(text(&tree(), Style::plain()), expected);
    }

    #[test]
    fn the_document_is_that_of_flux_and_more() {
        let document = document(&tree());
        assert_eq!(
            document["resource"],
            json!({ "Namespace": "n", "Name": "a", "GroupKind": { "Group": "", "Kind": "Kustomization" } })
        );
        assert_eq!(document["resources"][0]["resources"][0]["health"]["status"], "Failed");
        assert!(document["resources"][1].get("resources").is_none());
    }
}
