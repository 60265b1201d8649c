//! OpenMetrics text to Prometheus' classic text, which every scraper and `promtool check metrics` reads.

/// Counters get their `_total` in HELP and TYPE too; UNIT lines and the end mark go; a family without samples goes.
pub(super) fn from_open_metrics(open: &str) -> String {
    let mut out = String::with_capacity(open.len() + 1024);
    let mut head: Vec<&str> = Vec::new();
    let flush = |head: &mut Vec<&str>, out: &mut String| {
        let counter = head.iter().any(|line| line.starts_with("# TYPE ") && line.ends_with(" counter"));
        for line in head.drain(..) {
            let mut parts = line.splitn(4, ' ');
            let (_, word, name, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
            let (Some(word), Some(name)) = (word, name) else { continue };
            let total = if counter && !name.ends_with("_total") { "_total" } else { "" };
            let rest = if rest == Some("unknown") { "untyped" } else { rest.unwrap_or_default() };
            out.push_str(&format!("# {word} {name}{total} {rest}\n"));
        }
    };
    for line in open.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if line.starts_with("# ") {
            // A second HELP means that the family before it had no samples.
            if line.starts_with("# HELP ") {
                head.clear();
            }
            head.push(line);
            continue;
        }
        flush(&mut head, &mut out);
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_units_and_ends() {
        let open = "# HELP a What.\n# TYPE a counter\na_total 1\n# HELP e Empty.\n# TYPE e gauge\n# HELP b_seconds B.\n# TYPE b_seconds gauge\n# UNIT b_seconds seconds\nb_seconds 2\n# EOF\n";
        let classic = "# HELP a_total What.\n# TYPE a_total counter\na_total 1\n# HELP b_seconds B.\n# TYPE b_seconds gauge\nb_seconds 2\n";
        assert_eq!(from_open_metrics(open), classic);
    }
}
