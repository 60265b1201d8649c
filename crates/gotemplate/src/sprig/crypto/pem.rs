//! PEM blocks.

use crate::sprig::encoding::{base64, base64_decode};

/// The first block: what it is and its bytes. Texts around it and headers inside are skipped.
pub fn decode(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(text);
    let mut rest = &*text;
    loop {
        let end = rest.find("\n-----END ").or_else(|| rest.starts_with("-----END ").then_some(0))?;
        if let Some(block) = block(rest, end) {
            return Some(block);
        }
        rest = rest.get(end + 10..)?;
    }
}

fn block(text: &str, end: usize) -> Option<(String, Vec<u8>)> {
    const BEGIN: &str = "-----BEGIN ";
    let head = text.get(..end)?;
    let begin = head.rfind(BEGIN)?;
    if begin > 0 && head.as_bytes().get(begin - 1) != Some(&b'\n') {
        return None;
    }
    let (kind, body) =
        head.get(begin + BEGIN.len()..)?.split_once('\n').unwrap_or((head.get(begin + BEGIN.len()..)?, ""));
    let kind = kind.trim_end().strip_suffix("-----")?;
    let trailer = text.get(end..)?.strip_prefix('\n').unwrap_or(text.get(end..)?).strip_prefix("-----END ")?;
    let trailer = trailer.strip_prefix(kind)?.strip_prefix("-----")?;
    if !trailer.split('\n').next().unwrap_or_default().trim_end().is_empty() {
        return None;
    }
    let lines: Vec<&str> = body.lines().skip_while(|line| line.contains(':')).collect();
    let data: String = lines.concat().chars().filter(|it| !matches!(it, ' ' | '\t' | '\r')).collect();
    Some((kind.to_owned(), base64_decode(data.as_bytes()).ok()?))
}

/// A block, 64 characters a line.
pub fn encode(kind: &str, bytes: &[u8]) -> String {
    let digits = base64(bytes);
    let mut out = format!("-----BEGIN {kind}-----\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}
