//! The objects of a build, in order, each under one name.

use std::collections::{HashMap, HashSet};

use crate::meter::Meter;
use crate::resid::Id;
use crate::resource::{Behavior, Previous, Resource};
use crate::{Error, generate};

/// Objects in order.
#[derive(Debug, Default)]
pub(crate) struct ResMap {
    pub(crate) list: Vec<Resource>,
    pub(crate) meter: Meter,
}

/// Which objects have or had a name.
pub(crate) struct AnyIdIndex(HashMap<Id, Vec<usize>>);

impl AnyIdIndex {
    pub(crate) fn new(list: &[Resource]) -> Self {
        let mut index = Self(HashMap::with_capacity(list.len()));
        for (at, resource) in list.iter().enumerate() {
            index.add(at, resource);
        }
        index
    }

    pub(crate) fn add(&mut self, at: usize, resource: &Resource) {
        for id in resource.all_ids() {
            let found = self.0.entry(id).or_default();
            if found.last() != Some(&at) && !found.contains(&at) {
                found.push(at);
            }
        }
    }

    pub(crate) fn find(&self, id: &Id) -> &[usize] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }
}

impl ResMap {
    /// Adds objects; a name must not be taken.
    pub(crate) fn append_all(&mut self, resources: impl IntoIterator<Item = Resource>) -> Result<(), Error> {
        let mut seen: HashSet<Id> = self.list.iter().map(Resource::id).collect();
        for resource in resources {
            self.meter.go_on()?;
            let id = resource.id();
            if seen.contains(&id) {
                return Err(Error::object(format!("may not add resource with an already registered id: {id}")));
            }
            seen.insert(id);
            self.list.push(resource);
        }
        Ok(())
    }

    /// Notes the name an object has, before it may change.
    pub(crate) fn remember(meter: &Meter, resource: &mut Resource) -> Result<(), Error> {
        meter.go_on()?;
        meter
            .grow(size_of::<Previous>() + resource.kind().len() + resource.name().len() + resource.namespace().len())?;
        resource.remember_id();
        Ok(())
    }

    /// Every object has a name of its own.
    pub(crate) fn check_unique(&self) -> Result<(), Error> {
        let mut seen = HashSet::with_capacity(self.list.len());
        for resource in &self.list {
            let id = resource.id();
            if seen.contains(&id) {
                return Err(Error::object(format!("two objects are called {id}")));
            }
            seen.insert(id);
        }
        Ok(())
    }

    /// The one object that has or had a name.
    pub(crate) fn find_any(&self, index: &AnyIdIndex, id: &Id) -> Result<usize, Error> {
        match index.find(id) {
            [at] => Ok(*at),
            [] => Err(Error::object(format!("no resource matches {id}"))),
            _ => Err(Error::object(format!("several resources match {id}"))),
        }
    }

    /// Adds generated objects; what they do to one of the same name is in their behavior.
    pub(crate) fn absorb_all(&mut self, resources: Vec<Resource>) -> Result<(), Error> {
        if resources.is_empty() {
            return Ok(());
        }
        let mut index = AnyIdIndex::new(&self.list);
        for resource in resources {
            self.meter.take(&resource.node)?;
            self.absorb(resource, &mut index)?;
        }
        Ok(())
    }

    fn absorb(&mut self, mut resource: Resource, index: &mut AnyIdIndex) -> Result<(), Error> {
        let id = resource.id();
        let at = match *index.find(&id) {
            [] if resource.behavior == Behavior::Create => {
                index.add(self.list.len(), &resource);
                self.list.push(resource);
                return Ok(());
            }
            [] => return Err(Error::object(format!("id {id} does not exist; cannot merge or replace"))),
            [at] => at,
            _ => return Err(Error::object(format!("several objects could accept a merge of {id}"))),
        };
        let Some(old) = self.list.get_mut(at) else { return Ok(()) };
        match resource.behavior {
            Behavior::Create => {
                let what = "exists; behavior must be merge or replace";
                return Err(Error::object(format!("id {id} {what}")));
            }
            Behavior::Replace => generate::take_over(&mut resource, old),
            Behavior::Merge => {
                let origin = old.annotation(crate::origin::ORIGIN).map(str::to_owned);
                generate::take_over(&mut resource, old);
                generate::merge_data(&mut resource, old)?;
                if let Some(origin) = origin {
                    resource.set_annotation(crate::origin::ORIGIN, &origin);
                }
            }
        }
        *old = resource;
        index.add(at, old);
        Ok(())
    }

    pub(crate) fn drop_empty(&mut self) {
        self.list.retain(|r| !r.is_empty());
    }
}
