//! The kinds of the suite and every name people know them by.

use weir_api::names::group;

use crate::cluster::Resource;

/// What a kind is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Gives artifacts.
    Source,
    /// Applies to clusters.
    Applier,
    /// Automates images.
    Image,
    /// Tells others, or hears from them.
    Notification,
}

/// A kind of the suite.
#[derive(Debug)]
pub struct Kind {
    /// As in `kind:`.
    pub kind: &'static str,
    /// API group.
    pub group: &'static str,
    /// The version that is stored.
    pub version: &'static str,
    /// As in URLs.
    pub plural: &'static str,
    /// Short names of the CRD, and names that Flux's own command line uses.
    pub short: &'static [&'static str],
    /// What follows `source`, `image`, … in Flux's own command line.
    pub word: &'static str,
    /// What it is for.
    pub family: Family,
    /// Whether it has a status to wait for.
    pub has_status: bool,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.group == other.group
    }
}

impl Kind {
    /// In small letters.
    pub fn singular(&self) -> String {
        self.kind.to_ascii_lowercase()
    }

    /// For the cluster.
    pub fn resource(&self) -> Resource {
        Resource {
            group: self.group.into(),
            version: self.version.into(),
            kind: self.kind.into(),
            plural: self.plural.into(),
            namespaced: true,
            names: Vec::new(),
        }
    }

    fn is_called(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        name == self.singular()
            || name == self.plural
            || self.short.contains(&name.as_str())
            || name.strip_prefix(self.plural).is_some_and(|rest| rest.strip_prefix('.') == Some(self.group))
    }
}

const fn kind(
    kind: &'static str,
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    word: &'static str,
    family: Family,
) -> Kind {
    Kind { kind, group, version, plural, short, word, family, has_status: true }
}

/// All of them, in the order things flow.
pub static KINDS: [Kind; 15] = [
    kind("GitRepository", group::SOURCE, "v1", "gitrepositories", &["gitrepo"], "git", Family::Source),
    kind("OCIRepository", group::SOURCE, "v1", "ocirepositories", &["ocirepo"], "oci", Family::Source),
    kind("Bucket", group::SOURCE, "v1", "buckets", &[], "bucket", Family::Source),
    kind("HelmRepository", group::SOURCE, "v1", "helmrepositories", &["helmrepo"], "helm", Family::Source),
    kind("HelmChart", group::SOURCE, "v1", "helmcharts", &["hc"], "chart", Family::Source),
    kind(
        "ArtifactGenerator",
        group::SOURCE_EXTENSIONS,
        "v1beta1",
        "artifactgenerators",
        &["ag"],
        "generator",
        Family::Source,
    ),
    kind("ExternalArtifact", group::SOURCE, "v1", "externalartifacts", &["ea"], "external", Family::Source),
    kind("Kustomization", group::KUSTOMIZE, "v1", "kustomizations", &["ks"], "", Family::Applier),
    kind("HelmRelease", group::HELM, "v2", "helmreleases", &["hr"], "", Family::Applier),
    kind(
        "ImageRepository",
        group::IMAGE,
        "v1",
        "imagerepositories",
        &["imgrepo", "imagerepo"],
        "repository",
        Family::Image,
    ),
    kind("ImagePolicy", group::IMAGE, "v1", "imagepolicies", &["imgpol", "imagepol"], "policy", Family::Image),
    kind(
        "ImageUpdateAutomation",
        group::IMAGE,
        "v1",
        "imageupdateautomations",
        &["iua", "imgupd", "imgauto"],
        "update",
        Family::Image,
    ),
    kind("Receiver", group::NOTIFICATION, "v1", "receivers", &[], "", Family::Notification),
    Kind {
        has_status: false,
        ..kind("Alert", group::NOTIFICATION, "v1beta3", "alerts", &[], "", Family::Notification)
    },
    Kind {
        has_status: false,
        ..kind(
            "Provider",
            group::NOTIFICATION,
            "v1beta3",
            "providers",
            &["alert-provider", "alert-providers"],
            "",
            Family::Notification,
        )
    },
];

/// The kind with this `kind:` and group.
pub fn find(kind: &str, group: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.kind == kind && k.group == group)
}

/// The kind with this `kind:`, whatever its group.
pub fn by_kind(kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.kind == kind)
}

/// The kinds that a word stands for: one kind, a family, or all.
pub fn named(word: &str) -> Vec<&'static Kind> {
    let family = match word.to_ascii_lowercase().as_str() {
        "all" => return KINDS.iter().collect(),
        "source" | "sources" => Family::Source,
        "applier" | "appliers" => Family::Applier,
        "image" | "images" => Family::Image,
        "notification" | "notifications" => Family::Notification,
        _ => return KINDS.iter().filter(|kind| kind.is_called(word)).collect(),
    };
    KINDS.iter().filter(|kind| kind.family == family).collect()
}

/// The kind behind two words, as in `source git` or `images policy`.
pub fn two_words(first: &str, second: &str) -> Option<&'static Kind> {
    let family = match first.to_ascii_lowercase().as_str() {
        "source" | "sources" | "artifact" | "artifacts" => Family::Source,
        "image" | "images" => Family::Image,
        _ => return None,
    };
    let second = second.to_ascii_lowercase();
    KINDS.iter().find(|kind| {
        kind.family == family
            && !kind.word.is_empty()
            && (kind.word == second || second.strip_suffix('s') == Some(kind.word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(word: &str) -> Vec<&'static str> {
        named(word).iter().map(|kind| kind.kind).collect()
    }

    #[test]
    fn kinds_have_many_names() {
        for word in
            ["ks", "Kustomization", "kustomizations", "KUSTOMIZATION", "kustomizations.kustomize.toolkit.fluxcd.io"]
        {
            assert_eq!(names(word), ["Kustomization"], "{word}");
        }
        assert_eq!(names("alert-providers"), ["Provider"]);
        assert_eq!(names("appliers"), ["Kustomization", "HelmRelease"]);
        assert_eq!(names("all").len(), 15);
        assert!(names("kustomizations.kustomize.example.com").is_empty());
        assert!(names("pods").is_empty());
    }

    #[test]
    fn two_words_as_flux_has_them() {
        for (first, second, kind) in [
            ("source", "git", "GitRepository"),
            ("sources", "chart", "HelmChart"),
            ("image", "policy", "ImagePolicy"),
            ("artifacts", "generators", "ArtifactGenerator"),
        ] {
            assert_eq!(two_words(first, second).map(|k| k.kind), Some(kind));
        }
        assert!(two_words("source", "apps").is_none());
        assert!(two_words("ks", "git").is_none());
    }

    #[test]
    fn the_table_agrees_with_the_crds() {
        for crd in weir_api::crds() {
            let kind =
                find(crd["spec"]["names"]["kind"].as_str().unwrap(), crd["spec"]["group"].as_str().unwrap()).unwrap();
            assert_eq!(kind.plural, crd["spec"]["names"]["plural"]);
            assert_eq!(kind.version, crd["spec"]["versions"][0]["name"]);
            for short in crd["spec"]["names"]["shortNames"].as_array().into_iter().flatten() {
                assert!(kind.short.contains(&short.as_str().unwrap()), "{}: {short}", kind.kind);
            }
            let status = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status").is_some();
            assert_eq!(kind.has_status, status, "{}", kind.kind);
        }
    }
}
