//! Name references: when an object's name changed, the fields of others that name it follow.

use std::collections::HashMap;

use weir_yaml::{Data, Node};

use crate::Error;
use crate::config::{Config, NameReference};
use crate::fieldspec::{Create, FieldSpec, is_string, set_scalar};
use crate::meter::Meter;
use crate::resid::{Gvk, Id, NOT_NAMESPACED};
use crate::resmap::ResMap;
use crate::resource::Resource;

/// What is known of an object that may be named, kept while others are changed.
struct Candidate {
    id: Id,
    name: String,
    namespace: String,
    first_namespace: String,
    previous: Vec<Id>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

struct Candidates {
    list: Vec<Candidate>,
    by_old_name: HashMap<String, Vec<usize>>,
    by_first_namespace: HashMap<String, Vec<usize>>,
}

impl Candidates {
    fn new(resources: &[Resource]) -> Self {
        let mut list = Vec::with_capacity(resources.len());
        let mut by_old_name: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_first_namespace: HashMap<String, Vec<usize>> = HashMap::new();
        for resource in resources {
            let previous: Vec<Id> = resource.previous_ids().collect();
            if previous.is_empty() {
                // What was never renamed cannot need to be followed.
                continue;
            }
            for old in &previous {
                let found = by_old_name.entry(old.name.clone()).or_default();
                if found.last() != Some(&list.len()) {
                    found.push(list.len());
                }
            }
            if let Some(first) = previous.first() {
                by_first_namespace.entry(first.namespace.clone()).or_default().push(list.len());
            }
            list.push(Candidate {
                id: resource.id(),
                name: resource.name().to_owned(),
                namespace: resource.namespace().to_owned(),
                first_namespace: previous.first().map(|id| id.namespace.clone()).unwrap_or_default(),
                previous,
                prefixes: resource.prefixes.clone(),
                suffixes: resource.suffixes.clone(),
            });
        }
        Self { list, by_old_name, by_first_namespace }
    }
}

/// The object whose fields are followed up.
struct Referrer {
    id: Id,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
    role_ref: Option<Gvk>,
    bound_namespaces: Vec<String>,
}

/// Rewrites every field that names an object under a name it had before.
pub(crate) fn fix(map: &mut ResMap, config: &Config) -> Result<(), Error> {
    let candidates = Candidates::new(&map.list);
    // Also where nothing was renamed, because a field that cannot hold a reference is refused. Which fields an object of a kind
    // may hold is looked up once.
    let mut of_kind: HashMap<Gvk, Vec<(&NameReference, &FieldSpec)>> = HashMap::new();
    let ResMap { list, meter } = map;
    for resource in list {
        meter.go_on()?;
        let first = resource.original_id().gvk;
        let fields = of_kind.entry(first.clone()).or_insert_with(|| fields_of(config, &first));
        if fields.is_empty() {
            continue;
        }
        let referrer = referrer(resource)?;
        for (reference, spec) in fields.iter() {
            let target = reference.gvk();
            let role_ref = spec.path.ends_with("roleRef/name").then_some(()).and(referrer.role_ref.as_ref());
            let follow = Follow { candidates: &candidates, referrer: &referrer, target: &target, role_ref, meter };
            spec.apply_node(&mut resource.node, Create::Nothing, &mut |node| follow.node(node)).map_err(|error| {
                let id = &referrer.id;
                error.told(|error| format!("updating name reference in '{}' field of {id}: {error}", spec.path))
            })?;
        }
    }
    Ok(())
}

fn fields_of<'a>(config: &'a Config, gvk: &Gvk) -> Vec<(&'a NameReference, &'a FieldSpec)> {
    let mut fields = Vec::new();
    for reference in &config.name_reference {
        for spec in &reference.field_specs {
            if gvk.is_selected(&spec.gvk()) {
                fields.push((reference, spec));
            }
        }
    }
    fields
}

fn referrer(resource: &Resource) -> Result<Referrer, Error> {
    let role_ref = resource.node.get("roleRef").and_then(|role| {
        let (group, kind) = (role.get_str("apiGroup")?, role.get_str("kind")?);
        Some(Gvk { group: group.to_owned(), kind: kind.to_owned(), ..Gvk::default() })
    });
    let mut bound_namespaces = Vec::new();
    if resource.kind() == "RoleBinding" {
        for subject in resource.node.get("subjects").and_then(Node::as_sequence).unwrap_or_default() {
            if subject.as_mapping().is_none() {
                return Err(Error::object(format!("a subject of {} is no mapping", resource.id())));
            }
            let (Some("ServiceAccount"), Some(namespace)) = (subject.get_str("kind"), subject.get("namespace")) else {
                continue;
            };
            if !is_string(namespace) {
                return Err(Error::object(format!("the namespace of a subject of {} is no text", resource.id())));
            }
            bound_namespaces.extend(namespace.as_str().map(str::to_owned));
        }
    }
    Ok(Referrer {
        id: resource.id(),
        prefixes: resource.prefixes.clone(),
        suffixes: resource.suffixes.clone(),
        role_ref,
        bound_namespaces,
    })
}

struct Follow<'a> {
    candidates: &'a Candidates,
    referrer: &'a Referrer,
    target: &'a Gvk,
    role_ref: Option<&'a Gvk>,
    meter: &'a Meter,
}

impl Follow<'_> {
    fn node(&self, node: &mut Node) -> Result<(), Error> {
        if node.is_null() {
            return Ok(());
        }
        match &mut node.data {
            Data::Scalar(_) | Data::Alias(_) => self.scalar(node),
            Data::Mapping(_) => self.mapping(node),
            Data::Sequence(items) => {
                items.iter_mut().filter(|item| !item.is_null()).try_for_each(|item| match item.data {
                    Data::Scalar(_) => self.scalar(item),
                    Data::Mapping(_) => self.mapping(item),
                    _ => Err(Error::object("expected a string or a mapping")),
                })
            }
        }
    }

    fn scalar(&self, node: &mut Node) -> Result<(), Error> {
        self.meter.go_on()?;
        let old = node.as_str().unwrap_or_default();
        let Some(found) = self.select(old, None, false)? else { return Ok(()) };
        if found.name == old { Ok(()) } else { set_scalar(node, &found.name) }
    }

    /// A reference with `name` and perhaps `namespace`, which helps to choose and follows too.
    fn mapping(&self, node: &mut Node) -> Result<(), Error> {
        self.meter.go_on()?;
        let Some(name) = node.get("name") else {
            return Err(Error::object("path config error; no 'name' field in node"));
        };
        let old = name.as_str().unwrap_or_default().to_owned();
        let namespace = node.get("namespace").map(|n| n.as_str().unwrap_or_default().to_owned());
        let Some(found) = self.select(&old, namespace.as_deref(), true)? else { return Ok(()) };
        if found.name == old && found.namespace.is_empty() {
            return Ok(());
        }
        if let Some(name) = node.get_mut("name") {
            set_scalar(name, &found.name)?;
        }
        if !found.namespace.is_empty() {
            match node.get_mut("namespace") {
                Some(namespace) => set_scalar(namespace, &found.namespace)?,
                None => node.set("namespace", Node::scalar(&found.namespace)),
            }
        }
        Ok(())
    }

    fn could_refer(&self, candidate: &Candidate) -> bool {
        let (from, to) = (&self.referrer.id, &candidate.id);
        from.namespace == NOT_NAMESPACED
            || to.namespace == NOT_NAMESPACED
            || to.namespace == from.namespace
            || self.referrer.bound_namespaces.contains(&candidate.namespace)
    }

    fn same_namespace(&self, candidate: &Candidate) -> bool {
        let (from, to) = (&self.referrer.id, &candidate.id);
        from.namespace == NOT_NAMESPACED
            || to.namespace == NOT_NAMESPACED
            || to.gvk.kind == "ServiceAccount"
            || to.namespace == from.namespace
    }

    fn select(&self, old: &str, namespace: Option<&str>, both: bool) -> Result<Option<&Candidate>, Error> {
        let Some(named) = self.candidates.by_old_name.get(old) else { return Ok(None) };
        let reachable: Vec<&Candidate> = named
            .iter()
            .filter_map(|&at| self.candidates.list.get(at))
            .filter(|c| self.could_refer(c))
            .filter(|c| c.previous.iter().any(|id| id.gvk.is_selected(self.target)))
            .filter(|c| self.role_ref.is_none_or(|role| c.previous.iter().any(|id| id.gvk.is_selected(role))))
            .filter(|c| self.same_namespace(c))
            .collect();
        let mut list = match namespace {
            None => reachable,
            Some(namespace) => in_namespace(reachable, namespace, |of| self.any_first(namespace, of)),
        };
        if let [only] = list.as_slice() {
            return Ok(Some(only));
        }
        list.retain(|c| self.same_affixes(c, true));
        if list.len() > 1 {
            list.retain(|c| self.same_affixes(c, false));
        }
        let Some((first, rest)) = list.split_first() else { return Ok(None) };
        let same = rest.iter().all(|c| c.name == first.name && (!both || c.namespace == first.namespace));
        if same {
            return Ok(Some(first));
        }
        let ids: Vec<String> = list.iter().map(|c| c.id.to_string()).collect();
        Err(Error::object(format!("found multiple possible referrals: {}", ids.join(", "))))
    }

    /// Some object that could be referred to was in this namespace at first, whatever it is called.
    fn any_first(&self, namespace: &str, of: &[&Candidate]) -> bool {
        of.iter().any(|c| c.first_namespace == namespace)
            || self.candidates.by_first_namespace.get(namespace).is_some_and(|found| {
                found.iter().filter_map(|&at| self.candidates.list.get(at)).any(|c| self.could_refer(c))
            })
    }

    fn same_affixes(&self, candidate: &Candidate, empty_fits: bool) -> bool {
        let fits = |a: &[String], b: &[String]| {
            let ends = |long: &[String], short: &[String]| long.ends_with(short);
            (empty_fits && (a.is_empty() || b.is_empty())) || same_ending(a, b, ends)
        };
        fits(&candidate.prefixes, &self.referrer.prefixes) && fits(&candidate.suffixes, &self.referrer.suffixes)
    }
}

/// The shorter list ends the longer one; an empty one only fits an empty one.
fn same_ending(a: &[String], b: &[String], ends: impl Fn(&[String], &[String]) -> bool) -> bool {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => true,
        (true, false) | (false, true) => false,
        (false, false) => {
            if a.len() >= b.len() {
                ends(a, b)
            } else {
                ends(b, a)
            }
        }
    }
}

/// Those that were in a namespace at first; when nothing was, those that are there now.
fn in_namespace<'a>(
    list: Vec<&'a Candidate>,
    namespace: &str,
    known: impl Fn(&[&'a Candidate]) -> bool,
) -> Vec<&'a Candidate> {
    if known(&list) {
        return list.into_iter().filter(|c| c.first_namespace == namespace).collect();
    }
    list.into_iter().filter(|c| c.id.namespace == namespace).collect()
}
