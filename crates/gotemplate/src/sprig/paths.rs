//! Paths with slashes. The `os` functions are the same: controllers run on Linux.

use crate::{
    function::{Functions, Signature},
    sprig::args::{TEXT, text},
    value::Value,
};

pub fn register(to: &mut Functions) {
    const ONE: Signature = Signature::fixed(&[TEXT]).typed("func(string) string");
    const TEST: Signature = Signature::fixed(&[TEXT]).typed("func(string) bool");
    for name in ["base", "osBase"] {
        to.add(name, ONE, |_, args| Ok(Value::string(base(&text(args, 0)))));
    }
    for name in ["dir", "osDir"] {
        to.add(name, ONE, |_, args| {
            let path = text(args, 0);
            let end = memchr::memrchr(b'/', &path).map_or(0, |at| at + 1);
            Ok(Value::string(clean(path.get(..end).unwrap_or_default())))
        });
    }
    for name in ["clean", "osClean"] {
        to.add(name, ONE, |_, args| Ok(Value::string(clean(&text(args, 0)))));
    }
    for name in ["ext", "osExt"] {
        to.add(name, ONE, |_, args| {
            let path = text(args, 0);
            let file = memchr::memrchr(b'/', &path).map_or(0, |at| at + 1);
            let file = path.get(file..).unwrap_or_default();
            Ok(Value::string(memchr::memrchr(b'.', file).and_then(|at| file.get(at..)).unwrap_or_default()))
        });
    }
    for name in ["isAbs", "osIsAbs"] {
        to.add(name, TEST, |_, args| Ok(Value::Bool(text(args, 0).starts_with(b"/"))));
    }
}

/// The last element; slashes at the end do not count.
fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let kept = path.len() - path.iter().rev().take_while(|it| **it == b'/').count();
    let path = path.get(..kept).unwrap_or_default();
    let name = memchr::memrchr(b'/', path).and_then(|at| path.get(at + 1..)).unwrap_or(path);
    if name.is_empty() { b"/" } else { name }
}

/// The shortest path that names the same, by its text alone.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|it| *it == b'/') {
        match element {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(element),
            },
            other => kept.push(other),
        }
    }
    let joined = kept.join(b"/".as_slice());
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
