//! A fetched repository as a tree: files in memory, links followed inside of it.

use std::collections::{BTreeMap, BTreeSet};

use weir_kustomize::{Kind, MemTree, Tree, TreeError, is_below, join, parent};

/// Links behind links; more are a circle.
const LINKS: usize = 40;

/// The files of a commit.
#[derive(Debug, Default)]
pub(crate) struct Repository {
    pub(crate) files: MemTree,
    /// Path and target of each link; none where it leads out.
    links: BTreeMap<String, Option<String>>,
    submodules: BTreeSet<String>,
}

impl Repository {
    pub(crate) fn add_link(&mut self, path: &str, target: &str) {
        self.links.insert(path.to_owned(), join(parent(path), target));
    }

    pub(crate) fn add_submodule(&mut self, path: &str) {
        self.submodules.insert(path.to_owned());
    }

    /// The path with every link on it followed.
    fn real(&self, path: &str) -> Result<String, TreeError> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let link = prefixes(&path).find_map(|prefix| Some((prefix.len(), self.links.get(prefix)?)));
            let Some((length, target)) = link else { return self.outside_of_submodules(path) };
            let target = target.as_ref().ok_or(TreeError::Escapes)?;
            let rest = path.get(length..).unwrap_or_default().trim_start_matches('/');
            path = join(target, rest).ok_or(TreeError::Escapes)?;
        }
        Err(TreeError::Io("too many links".to_owned()))
    }

    fn outside_of_submodules(&self, path: String) -> Result<String, TreeError> {
        match self.submodules.iter().find(|module| is_below(&path, module)) {
            Some(module) => Err(TreeError::Io(format!(
                "it is in the submodule {module}, and submodules are not fetched; name the submodule's own repository"
            ))),
            None => Ok(path),
        }
    }
}

/// `a`, `a/b`, `a/b/c` of `a/b/c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain(std::iter::once(path.len()));
    ends.filter_map(|end| path.get(..end)).filter(|prefix| !prefix.is_empty())
}

impl Tree for Repository {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        self.files.read(&self.real(path)?)
    }

    fn kind(&self, path: &str) -> Kind {
        self.real(path).map_or(Kind::Missing, |path| self.files.kind(&path))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, TreeError> {
        let dir = self.real(dir)?;
        let mut names = self.files.list(&dir)?;
        let links = self.links.keys().filter(|link| parent(link) == dir);
        names.extend(links.map(|link| link.rsplit('/').next().unwrap_or_default().to_owned()));
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &str) -> Result<String, TreeError> {
        self.real(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> Repository {
        let mut it = Repository {
            files: MemTree::new().with("base/a.yaml", "x").with("app/b.yaml", "y"),
            ..Repository::default()
        };
        for (path, target) in [
            ("app/base", "../base"),
            ("app/a.yaml", "base/a.yaml"),
            ("app/out", "../../etc/passwd"),
            ("app/root", "/etc"),
            ("app/one", "two"),
            ("app/two", "one"),
        ] {
            it.add_link(path, target);
        }
        it.add_submodule("app/vendor");
        it
    }

    #[test]
    fn links_are_followed_inside() {
        let it = repository();
        assert_eq!(it.resolve("app/base/a.yaml").as_deref(), Ok("base/a.yaml"));
        assert_eq!(it.read("app/a.yaml").as_deref(), Ok(&b"x"[..]));
        assert_eq!((it.kind("app/base"), it.kind("app/out"), it.kind("app")), (Kind::Dir, Kind::Missing, Kind::Dir));
        assert_eq!(it.list("app").unwrap(), ["a.yaml", "b.yaml", "base", "one", "out", "root", "two"]);
        assert_eq!(it.list("app/base").unwrap(), ["a.yaml"]);
    }

    #[test]
    fn what_leads_out_or_round_is_refused() {
        let it = repository();
        assert_eq!(it.read("app/out"), Err(TreeError::Escapes));
        assert_eq!(it.read("app/root/x"), Err(TreeError::Escapes));
        assert_eq!(it.read("app/one"), Err(TreeError::Io("too many links".to_owned())));
        let TreeError::Io(reason) = it.read("app/vendor/x.yaml").unwrap_err() else { panic!("it says where") };
        assert!(reason.contains("the submodule app/vendor"), "{reason}");
    }
}
