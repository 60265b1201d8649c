//! All tags of a repository, page by page, but not for ever.

use std::collections::HashSet;

use http::{HeaderMap, Method, header};
use reqwest::Url;
use serde::Deserialize;

use super::{Session, request};
use crate::error::{OciError, shown};

const PAGE_BYTES: u64 = 8 << 20;
const PAGES: usize = 1000;
const TAGS: usize = 200_000;
const ALL_BYTES: usize = 16 << 20;

#[derive(Deserialize)]
struct Page {
    /// Registries send null for a repository without tags.
    tags: Option<Vec<String>>,
}

pub(super) async fn list(session: &Session) -> Result<Vec<String>, OciError> {
    let mut tags: Vec<String> = Vec::new();
    let mut bytes = 0usize;
    let mut seen: HashSet<Url> = HashSet::new();
    let mut response = session.send(Method::GET, "tags/list?n=1000", None).await?;
    for _ in 0..PAGES {
        let url = response.url().clone();
        let next = next_page(response.headers(), &url)?;
        let body = request::body(response, PAGE_BYTES, "a page of tags").await?;
        let page: Page = serde_json::from_slice(&body)
            .map_err(|_| OciError::Content { url: shown(&url), reason: "the list of tags is malformed".to_owned() })?;
        for tag in page.tags.unwrap_or_default() {
            bytes += tag.len();
            tags.push(tag);
        }
        if tags.len() > TAGS || bytes > ALL_BYTES {
            return Err(OciError::Limit { url: shown(&url), what: "a list of tags", limit: TAGS as u64 });
        }
        let Some(next) = next else { return Ok(tags) };
        if !seen.insert(next.clone()) {
            return Err(OciError::Content {
                url: shown(&url),
                reason: "the pages of tags go round in circles".to_owned(),
            });
        }
        response = session.send_to(Method::GET, &next, None).await?;
    }
    Err(OciError::Limit { url: shown(response.url()), what: "a number of pages of tags", limit: PAGES as u64 })
}

/// `Link: <…>; rel="next"`: relative or absolute, but on the same server, since credentials go there.
fn next_page(headers: &HeaderMap, page: &Url) -> Result<Option<Url>, OciError> {
    for value in headers.get_all(header::LINK) {
        let Ok(text) = value.to_str() else { continue };
        let Some((target, rest)) = text.trim().strip_prefix('<').and_then(|text| text.split_once('>')) else {
            continue;
        };
        if !rest.replace(['"', ' '], "").to_ascii_lowercase().contains("rel=next") {
            continue;
        }
        let next = page.join(target).ok().filter(|next| next.origin() == page.origin());
        return next.map(Some).ok_or_else(|| OciError::Content {
            url: shown(page),
            reason: "the next page of tags is on another server: refused".to_owned(),
        });
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str) -> Result<Option<String>, String> {
        let page = Url::parse("https://ghcr.io/v2/a/b/tags/list?n=1000").unwrap();
        let headers = HeaderMap::from_iter([(header::LINK, link.parse().unwrap())]);
        next_page(&headers, &page).map(|url| url.map(|url| url.to_string())).map_err(|error| error.to_string())
    }

    #[test]
    fn links() {
        let expected = Some("https://ghcr.io/v2/a/b/tags/list?last=x&n=1000".to_owned());
        assert_eq!(next("</v2/a/b/tags/list?last=x&n=1000>; rel=\"next\"").unwrap(), expected);
        assert_eq!(next("<https://ghcr.io/v2/a/b/tags/list?last=x&n=1000>;rel=next").unwrap(), expected);
        assert_eq!(next("</x>; rel=\"prev\"").unwrap(), None);
        assert_eq!(next("nonsense").unwrap(), None);
        assert!(next("<https://evil.example/v2/>; rel=\"next\"").unwrap_err().contains("another server"));
        assert!(next("<http://ghcr.io/v2/>; rel=\"next\"").is_err());
    }
}
