//! The `Range` header: one range, or everything.

use http::{HeaderMap, header};

/// What the request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The whole file.
    All,
    /// These bytes, both ends included.
    Part { start: u64, end: u64 },
    /// Bytes that are not there.
    Impossible,
}

/// A malformed range, several ranges, or an `If-Range` that names another version give the whole file, as HTTP allows.
pub(super) fn wanted(request: &HeaderMap, size: u64, modified: Option<&str>) -> Wanted {
    let text = |name| request.get(name).and_then(|value| value.to_str().ok());
    if let Some(condition) = text(header::IF_RANGE)
        && Some(condition) != modified
    {
        return Wanted::All;
    }
    let Some((first, last)) =
        text(header::RANGE).and_then(|range| range.strip_prefix("bytes=")).and_then(|range| range.split_once('-'))
    else {
        return Wanted::All;
    };
    match (first.trim(), last.trim()) {
        ("", suffix) => match suffix.parse::<u64>() {
            Ok(0) => Wanted::Impossible,
            Ok(_) if size == 0 => Wanted::Impossible,
            Ok(count) => Wanted::Part { start: size.saturating_sub(count), end: size - 1 },
            Err(_) => Wanted::All,
        },
        (start, end) => match (start.parse::<u64>(), end.is_empty(), end.parse::<u64>()) {
            (Ok(start), ..) if start >= size => Wanted::Impossible,
            (Ok(start), true, _) => Wanted::Part { start, end: size - 1 },
            (Ok(start), false, Ok(end)) if start <= end => Wanted::Part { start, end: end.min(size - 1) },
            _ => Wanted::All,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let cases = [
            ("bytes=0-3", Wanted::Part { start: 0, end: 3 }),
            ("bytes=4-", Wanted::Part { start: 4, end: 9 }),
            ("bytes=-3", Wanted::Part { start: 7, end: 9 }),
            ("bytes=-30", Wanted::Part { start: 0, end: 9 }),
            ("bytes=8-100", Wanted::Part { start: 8, end: 9 }),
            ("bytes=10-", Wanted::Impossible),
            ("bytes=-0", Wanted::Impossible),
            ("bytes=5-2", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=x-", Wanted::All),
            ("bytes=18446744073709551616-", Wanted::All),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(header::RANGE, text.parse().unwrap())]);
            assert_eq!(wanted(&headers, 10, None), expected, "{text}");
        }
    }

    #[test]
    fn another_version_is_sent_whole() {
        let pairs = [(header::RANGE, "bytes=0-1".parse().unwrap()), (header::IF_RANGE, "then".parse().unwrap())];
        let headers = HeaderMap::from_iter(pairs);
        assert_eq!(wanted(&headers, 10, Some("now")), Wanted::All);
        assert_eq!(wanted(&headers, 10, Some("then")), Wanted::Part { start: 0, end: 1 });
    }
}
