//! Where helm keeps its files. They are read and never written.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::download::small;
use crate::error::Error;

/// Paths of files and folders that may not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmHome {
    /// `config.json` as `helm registry login` writes it.
    pub registry_config: PathBuf,
    /// `repositories.yaml`.
    pub repository_config: PathBuf,
    /// A folder with a `<repository>-index.yaml` for each.
    pub repository_cache: PathBuf,
    /// A folder with `<first two hex digits>/<sha256>.chart`.
    pub content_cache: PathBuf,
    /// Docker's `config.json`, which helm looks into after its own.
    pub docker_config: PathBuf,
}

impl HelmHome {
    /// As the environment says; `variable` looks one up.
    pub fn from_env(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let home = set("HOME").unwrap_or_default();
        let base = |helm: &str, xdg: &str, default: &str| {
            set(helm).unwrap_or_else(|| set(xdg).unwrap_or_else(|| home.join(default)).join("helm"))
        };
        let config = base("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config");
        let cache = base("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache");
        // One that is set to nothing names nothing, as in helm.
        let own = |name: &str, default: PathBuf| variable(name).map_or(default, PathBuf::from);
        Self {
            registry_config: own("HELM_REGISTRY_CONFIG", config.join("registry/config.json")),
            repository_config: own("HELM_REPOSITORY_CONFIG", config.join("repositories.yaml")),
            repository_cache: own("HELM_REPOSITORY_CACHE", cache.join("repository")),
            content_cache: own("HELM_CONTENT_CACHE", cache.join("content")),
            docker_config: set("DOCKER_CONFIG").unwrap_or_else(|| home.join(".docker")).join("config.json"),
        }
    }

    /// The configurations with users and passwords of registries that are there.
    pub fn registry_configs(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let paths = [&self.registry_config, &self.docker_config].into_iter().filter(|path| path.is_file());
        paths.map(|path| Ok((path.display().to_string(), small(path)?))).collect()
    }

    /// The index of a repository, as helm keeps it.
    pub fn index(&self, repository: &str) -> PathBuf {
        self.repository_cache.join(format!("{repository}-index.yaml"))
    }

    /// A chart by its SHA-256 in hex, as helm keeps it.
    pub fn content(&self, sha256: &str) -> Option<PathBuf> {
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|it| it.is_ascii_hexdigit());
        let sha256 = is_digest.then(|| sha256.to_ascii_lowercase())?;
        Some(self.content_cache.join(Path::new(sha256.get(..2)?)).join(format!("{sha256}.chart")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(set: &[(&str, &str)]) -> HelmHome {
        HelmHome::from_env(|name| set.iter().find(|it| it.0 == name).map(|it| it.1.into()))
    }

    #[test]
    fn files_are_where_helm_has_them() {
        let plain = home(&[("HOME", "/h")]);
        assert_eq!(plain.registry_config, Path::new("/h/.config/helm/registry/config.json"));
        assert_eq!(plain.repository_config, Path::new("/h/.config/helm/repositories.yaml"));
        assert_eq!(plain.index("my"), Path::new("/h/.cache/helm/repository/my-index.yaml"));
        assert_eq!(plain.docker_config, Path::new("/h/.docker/config.json"));
        let digest = "AB".repeat(32);
        let chart = format!("/h/.cache/helm/content/ab/{}.chart", digest.to_lowercase());
        assert_eq!(plain.content(&digest).unwrap(), Path::new(&chart));
        assert_eq!((plain.content("../x"), plain.content("")), (None, None));
        let xdg = home(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_CACHE_HOME", "/k")]);
        assert_eq!(xdg.repository_config, Path::new("/c/helm/repositories.yaml"));
        assert_eq!(xdg.content_cache, Path::new("/k/helm/content"));
        let own = home(&[("XDG_CONFIG_HOME", "/c"), ("HELM_CONFIG_HOME", "/own"), ("HELM_CACHE_HOME", "/cache")]);
        assert_eq!(own.registry_config, Path::new("/own/registry/config.json"));
        assert_eq!(own.repository_cache, Path::new("/cache/repository"));
        let each =
            home(&[("HELM_REPOSITORY_CONFIG", "/r.yaml"), ("HELM_CONTENT_CACHE", "/x"), ("DOCKER_CONFIG", "/d")]);
        assert_eq!(each.repository_config, Path::new("/r.yaml"));
        assert_eq!(
            (each.content_cache.as_path(), each.docker_config.as_path()),
            (Path::new("/x"), Path::new("/d/config.json"))
        );
    }
}
