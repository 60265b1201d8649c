//! The file server of sources: plain `GET` and `HEAD` below the storage root, as Go's file server answers.
//!
//! Guarantees: nothing above the root is reachable, links inside it are followed; files stream in pieces of 64 KiB; one
//! byte range a request. Directories are listed (Flux shows them, and its readiness probe asks for `/`).

mod range;

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use cap_std::fs::Dir;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::{Timestamp, fmt::rfc2822};
use tokio_util::io::ReaderStream;

use range::Wanted;

/// A router that serves everything below `root`.
pub fn router(root: Dir) -> Router {
    Router::new().fallback(answer).with_state(Arc::new(root))
}

async fn answer(State(root): State<Arc<Dir>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let head = request.method() == Method::HEAD;
    let Some(path) = decode(request.uri().path()) else { return StatusCode::BAD_REQUEST.into_response() };
    let found = tokio::task::spawn_blocking(move || find(&root, &path)).await;
    match found {
        Ok(Ok(Found::File(file))) => send(file, request.headers(), head),
        Ok(Ok(Found::Listing(html))) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], html).into_response()
        }
        Ok(Ok(Found::Moved(to))) => match HeaderValue::from_str(&to) {
            Ok(to) => (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, to)]).into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        },
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
        }
        // Escapes, loops and the like: the same for whoever asks, so that nothing is learnt from it.
        Ok(Err(_)) => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// The path with its escapes resolved; nothing when it holds what no file name holds.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? * 16 + hex_digit(rest.next()?)?,
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

enum Found {
    File(Opened),
    Listing(String),
    Moved(String),
}

struct Opened {
    file: File,
    size: u64,
    modified: Option<Timestamp>,
    gzip: bool,
}

fn find(root: &Dir, path: &str) -> io::Result<Found> {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty() && *s != ".").collect();
    if segments.contains(&"..") {
        return Err(io::ErrorKind::NotFound.into());
    }
    let (relative, slash) = (segments.join("/"), path.ends_with('/'));
    if relative.is_empty() {
        return listing(root).map(Found::Listing);
    }
    let metadata = root.metadata(&relative)?;
    let name = segments.last().copied().unwrap_or_default();
    match (metadata.is_dir(), slash) {
        (true, false) => Ok(Found::Moved(format!("{}/", escape(name)))),
        (true, true) => listing(&root.open_dir(&relative)?).map(Found::Listing),
        (false, true) => Ok(Found::Moved(format!("../{}", escape(name)))),
        (false, false) if metadata.is_file() => {
            let mut file = root.open(&relative)?.into_std();
            let mut magic = [0u8; 2];
            let gzip = file.read(&mut magic)? == 2 && magic == [0x1f, 0x8b];
            file.rewind()?;
            let modified = metadata.modified().ok().and_then(|time| Timestamp::try_from(time.into_std()).ok());
            Ok(Found::File(Opened { file, size: metadata.len(), modified, gzip }))
        }
        (false, false) => Err(io::ErrorKind::NotFound.into()),
    }
}

fn listing(dir: &Dir) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        let Ok(mut name) = entry.file_name().into_string() else { continue };
        if entry.file_type()?.is_dir() {
            name.push('/');
        }
        names.push(name);
    }
    names.sort_unstable();
    let mut html = String::from("<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n");
    for name in names {
        let shown = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
        // Writing to a string cannot fail.
        let _ = writeln!(html, "<a href=\"{}\">{shown}</a>", escape(&name));
    }
    html.push_str("</pre>\n");
    Ok(html)
}

/// A name as one relative reference: a colon in the first segment would read as a scheme.
fn escape(name: &str) -> String {
    let mut out = String::from(if name.split('/').next().is_some_and(|first| first.contains(':')) { "./" } else { "" });
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' | b'+' | b'@' => {
                out.push(char::from(byte));
            }
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn send(mut opened: Opened, request: &HeaderMap, head: bool) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let kind = if opened.gzip { "application/x-gzip" } else { "application/octet-stream" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let modified =
        opened.modified.and_then(|time| rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok());
    if let Some(value) = modified.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(header::LAST_MODIFIED, value);
    }
    if unchanged(request, opened.modified) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let (status, start, length) = match range::wanted(request, opened.size, modified.as_deref()) {
        Wanted::All => (StatusCode::OK, 0, opened.size),
        Wanted::Part { start, end } => {
            let value = format!("bytes {start}-{end}/{}", opened.size);
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            (StatusCode::PARTIAL_CONTENT, start, end - start + 1)
        }
        Wanted::Impossible => {
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{}", opened.size)) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            return (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response();
        }
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if head {
        return (status, headers).into_response();
    }
    if opened.file.seek(SeekFrom::Start(start)).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let reader = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(opened.file), length);
    (status, headers, Body::from_stream(ReaderStream::with_capacity(reader, 64 << 10))).into_response()
}

fn unchanged(request: &HeaderMap, modified: Option<Timestamp>) -> bool {
    let since = request.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = since.and_then(|text| rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
    matches!((since, modified), (Some(since), Some(modified)) if modified.as_second() <= since.as_second())
}
