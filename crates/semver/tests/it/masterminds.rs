use weir_semver::{Constraint, Version};

const CONSTRAINTS: &str = include_str!("../golden/constraints.tsv");
const VERSIONS: &str = include_str!("../golden/versions.tsv");
const ORDER: &str = include_str!("../golden/order.tsv");

fn columns(line: &str) -> Vec<&str> {
    line.split('\t').collect()
}

#[test]
fn constraints_accept_what_the_original_accepts() {
    let mut wrong = Vec::new();
    for line in CONSTRAINTS.lines() {
        let fields = columns(line);
        let version = Version::parse(fields[2]).expect(line);
        let answer = match Constraint::parse(fields[1]) {
            Err(_) => "error",
            Ok(c) if fields[0] == "P" => {
                if c.include_prerelease().matches(&version) {
                    "true"
                } else {
                    "false"
                }
            }
            Ok(c) => {
                if c.matches(&version) {
                    "true"
                } else {
                    "false"
                }
            }
        };
        let expected = if fields[3].starts_with("ERR") { "error" } else { fields[3] };
        if answer != expected {
            wrong.push(format!("{line} (ours: {answer})"));
        }
    }
    assert!(CONSTRAINTS.lines().count() > 1000);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn versions_read_as_the_original_reads_them() {
    for line in VERSIONS.lines() {
        let fields = columns(line);
        let shown = |result: Result<Version, weir_semver::InvalidVersion>| {
            result.map_or_else(|_| "error".to_owned(), |version| version.to_string())
        };
        let expected = |field: &str| if field.starts_with("ERR") { "error".to_owned() } else { field.to_owned() };
        assert_eq!(shown(Version::parse(fields[1])), expected(fields[2]), "lenient: {line}");
        assert_eq!(shown(Version::parse_strict(fields[1])), expected(fields[3]), "strict: {line}");
        assert_eq!(shown(Version::parse_tag(fields[1])), expected(fields[4]), "tag: {line}");
    }
    assert!(VERSIONS.lines().count() > 30);
}

#[test]
fn versions_order_as_the_original_orders_them() {
    for line in ORDER.lines() {
        let fields = columns(line);
        let (a, b) = (Version::parse(fields[1]).expect(line), Version::parse(fields[2]).expect(line));
        assert_eq!((a.cmp(&b) as i8).to_string(), fields[3], "{line}");
    }
    assert!(ORDER.lines().count() > 100);
}
