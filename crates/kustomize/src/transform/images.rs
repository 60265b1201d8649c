//! `images`.

use regex::Regex;
use weir_yaml::{Data, Node};

use crate::Error;
use crate::fieldspec::{Create, FieldSpec, set_scalar};
use crate::kustomization::Image;
use crate::resmap::ResMap;

/// Changes names, tags and digests of images, in containers anywhere and at `specs`. CRDs are left alone.
pub(crate) fn set(map: &mut ResMap, images: &[Image], specs: &[FieldSpec]) -> Result<(), Error> {
    // A name that is no pattern matches nothing.
    let patterns: Vec<(&Image, Regex)> =
        images.iter().filter_map(|image| Some((image, pattern(&image.name)?))).collect();
    if patterns.is_empty() {
        return Ok(());
    }
    let ResMap { list, meter } = map;
    for resource in list {
        if resource.kind() == "CustomResourceDefinition" {
            continue;
        }
        for (image, pattern) in &patterns {
            meter.go_on()?;
            containers(&mut resource.node, image, pattern)?;
            for spec in specs {
                spec.apply(resource, Create::Nothing, &mut |node| update(node, image, pattern))?;
            }
        }
    }
    Ok(())
}

fn pattern(name: &str) -> Option<Regex> {
    const TAG: &str = "(:[a-zA-Z0-9_.{}-]*)?";
    const DIGEST: &str = "(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?";
    Regex::new(&format!("^{name}{TAG}{DIGEST}$")).ok()
}

/// Containers wherever they stand.
fn containers(node: &mut Node, image: &Image, pattern: &Regex) -> Result<(), Error> {
    match &mut node.data {
        Data::Mapping(entries) => {
            for (key, value) in entries {
                if matches!(key.as_str(), Some("containers" | "initContainers")) {
                    for item in value.as_sequence_mut().into_iter().flatten() {
                        if let Some(field) = item.get_mut("image").filter(|f| !f.is_null()) {
                            update(field, image, pattern)?;
                        }
                    }
                }
                containers(value, image, pattern)?;
            }
            Ok(())
        }
        Data::Sequence(items) => items.iter_mut().try_for_each(|item| containers(item, image, pattern)),
        Data::Scalar(_) | Data::Alias(_) => Ok(()),
    }
}

fn update(node: &mut Node, image: &Image, pattern: &Regex) -> Result<(), Error> {
    let Some(text) = node.as_str() else {
        return Err(Error::object("wrong node kind: an image must be a scalar"));
    };
    if !pattern.is_match(text) {
        return Ok(());
    }
    let (name, mut tag, mut digest) = split(text);
    let name = if image.new_name.is_empty() { name } else { &image.new_name };
    let suffixed;
    match (image.new_tag.is_empty(), image.digest.is_empty()) {
        (false, false) => (tag, digest) = (image.new_tag.as_str(), image.digest.as_str()),
        (false, true) => (tag, digest) = (image.new_tag.as_str(), ""),
        (true, false) => (tag, digest) = ("", image.digest.as_str()),
        (true, true) if !image.tag_suffix.is_empty() => {
            suffixed = format!("{tag}{}", image.tag_suffix);
            (tag, digest) = (suffixed.as_str(), "");
        }
        (true, true) => {}
    }
    let mut new = name.to_owned();
    for (mark, part) in [(':', tag), ('@', digest)] {
        if !part.is_empty() {
            new.push(mark);
            new.push_str(part);
        }
    }
    set_scalar(node, &new)
}

/// Name, tag and digest; a colon in front of the last slash belongs to a port.
pub(crate) fn split(image: &str) -> (&str, &str, &str) {
    let start = image.find('/').filter(|at| *at > 0).unwrap_or(0);
    let rest = image.get(start..).unwrap_or_default();
    let colon = rest.find(':').map(|at| at + start);
    let at = rest.find('@').map(|at| at + start);
    let part = |from: usize, to: usize| image.get(from..to).unwrap_or_default();
    match (colon, at) {
        (None, None) => (image, "", ""),
        (Some(colon), Some(at)) if colon < at => (part(0, colon), part(colon + 1, at), part(at + 1, image.len())),
        (_, Some(at)) => (part(0, at), "", part(at + 1, image.len())),
        (Some(colon), None) => (part(0, colon), part(colon + 1, image.len()), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_split() {
        assert_eq!(split("nginx"), ("nginx", "", ""));
        assert_eq!(split("nginx:1"), ("nginx", "1", ""));
        assert_eq!(split("host:5000/a/b:1@sha256:x"), ("host:5000/a/b", "1", "sha256:x"));
        assert_eq!(split("a@sha256:x"), ("a", "", "sha256:x"));
    }
}
