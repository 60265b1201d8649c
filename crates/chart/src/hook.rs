//! Hooks: objects that run before or after something happens to a release.

use crate::manifest::ManifestHead;

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the event of that name")]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    /// As annotations and records name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
        }
    }

    /// By the name in an annotation.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            // Charts for Helm 2 say it so.
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }
}

/// A hook of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// `metadata.name`.
    pub name: String,
    /// `kind`.
    pub kind: String,
    /// The path of the template.
    pub path: String,
    /// The document.
    pub manifest: String,
    /// When it runs.
    pub events: Vec<HookEvent>,
    /// Lower ones run first.
    pub weight: i64,
    /// `before-hook-creation`, `hook-succeeded`, `hook-failed`; anything else has no effect.
    pub delete_policies: Vec<String>,
    /// `hook-succeeded`, `hook-failed`.
    pub output_log_policies: Vec<String>,
}

/// The annotation that makes a hook.
pub const HOOK_ANNOTATION: &str = "helm.sh/hook";

impl Hook {
    /// `None` for what is no hook, `Some(None)` for a hook of an event nobody knows.
    pub(crate) fn from_head(head: &ManifestHead, path: &str, document: &str) -> Option<Option<Self>> {
        let named = head.annotation(HOOK_ANNOTATION)?;
        let events = named.split(',').map(|it| HookEvent::parse(&it.trim().to_lowercase()));
        let Some(events) = events.collect::<Option<Vec<_>>>() else { return Some(None) };
        let list = |key: &str| -> Vec<String> {
            head.annotation(key)
                .map(|it| it.split(',').map(|it| it.trim().to_lowercase()).collect())
                .unwrap_or_default()
        };
        Some(Some(Self {
            name: head.name.clone(),
            kind: head.kind.clone(),
            path: path.to_owned(),
            manifest: document.to_owned(),
            events,
            weight: head.annotation("helm.sh/hook-weight").and_then(|it| it.parse().ok()).unwrap_or(0),
            delete_policies: list("helm.sh/hook-delete-policy"),
            output_log_policies: list("helm.sh/hook-output-log-policy"),
        }))
    }

    /// Whether it runs then.
    #[must_use]
    pub fn runs_at(&self, event: HookEvent) -> bool {
        self.events.contains(&event)
    }
}

/// The hooks of an event in the order in which they run: by weight, then by name.
#[must_use]
pub fn in_order(hooks: &[Hook], event: HookEvent) -> Vec<&Hook> {
    let mut out: Vec<&Hook> = hooks.iter().filter(|it| it.runs_at(event)).collect();
    out.sort_by(|a, b| a.weight.cmp(&b.weight).then_with(|| a.name.cmp(&b.name)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(annotations: &str) -> Option<Option<Hook>> {
        let text = format!("kind: Job\nmetadata:\n  name: j\n  annotations: {{{annotations}}}\n");
        Hook::from_head(&ManifestHead::read(&text).unwrap(), "a/templates/j.yaml", &text)
    }

    #[test]
    fn annotations_make_hooks() {
        assert_eq!(hook("a: b"), None);
        assert_eq!(hook("helm.sh/hook: nothing-known"), Some(None));
        let it = hook(
            "helm.sh/hook: 'Pre-Install, test-success', helm.sh/hook-weight: -5, helm.sh/hook-delete-policy: 'hook-succeeded,Before-Hook-Creation'",
        );
        let it = it.unwrap().unwrap();
        assert_eq!(it.events, [HookEvent::PreInstall, HookEvent::Test]);
        assert_eq!(it.weight, -5);
        assert_eq!(it.delete_policies, ["hook-succeeded", "before-hook-creation"]);
        assert_eq!(hook("helm.sh/hook: test, helm.sh/hook-weight: x").unwrap().unwrap().weight, 0);
    }

    #[test]
    fn hooks_run_by_weight_then_name() {
        let named =
            |name: &str, weight| Hook { name: name.into(), weight, ..hook("helm.sh/hook: test").unwrap().unwrap() };
        let hooks = [named("b", 1), named("a", 1), named("c", -1)];
        let names: Vec<_> = in_order(&hooks, HookEvent::Test).into_iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }
}
