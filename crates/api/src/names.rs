//! Names that tools and services agree on: labels, annotations, finalizers, field managers, reasons.

/// The finalizer of every reconciled kind but [`ARTIFACT_GENERATOR_FINALIZER`]'s.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// The finalizer of ArtifactGenerators.
pub const ARTIFACT_GENERATOR_FINALIZER: &str = "source.extensions.fluxcd.io/finalizer";

/// API groups.
pub mod group {
    /// Sources.
    pub const SOURCE: &str = "source.toolkit.fluxcd.io";
    /// Extensions of sources.
    pub const SOURCE_EXTENSIONS: &str = "source.extensions.fluxcd.io";
    /// Kustomizations.
    pub const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
    /// HelmReleases.
    pub const HELM: &str = "helm.toolkit.fluxcd.io";
    /// Image automation.
    pub const IMAGE: &str = "image.toolkit.fluxcd.io";
    /// Notifications.
    pub const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
}

/// Annotations.
pub mod annotation {
    /// Asks for a reconcile: its value, whatever it is, is echoed to `status.lastHandledReconcileAt`.
    pub const RECONCILE_REQUEST: &str = "reconcile.fluxcd.io/requestedAt";
    /// Asks for a forced release; must equal [`RECONCILE_REQUEST`].
    pub const FORCE_REQUEST: &str = "reconcile.fluxcd.io/forceAt";
    /// Asks for failure counters to be reset; must equal [`RECONCILE_REQUEST`].
    pub const RESET_REQUEST: &str = "reconcile.fluxcd.io/resetAt";
    /// Prefix of annotations that are copied into an object's events.
    pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

    /// How an object is applied: `Override`, `Merge`, `IfNotPresent` or `Ignore`.
    pub const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
    /// `disabled`: neither applied nor pruned.
    pub const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
    /// `enabled`: recreated when an immutable field changes.
    pub const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
    /// `disabled`: never pruned.
    pub const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
    /// `disabled`: variables are left as they are.
    pub const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
    /// `disabled`: left encrypted.
    pub const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";
    /// Event metadata of Kustomizations: the revision.
    pub const KUSTOMIZE_REVISION: &str = "kustomize.toolkit.fluxcd.io/revision";
    /// Event metadata of Kustomizations: the origin's revision.
    pub const KUSTOMIZE_ORIGIN_REVISION: &str = "kustomize.toolkit.fluxcd.io/originRevision";
    /// Event metadata of Kustomizations: for commit statuses only.
    pub const KUSTOMIZE_COMMIT_STATUS: &str = "kustomize.toolkit.fluxcd.io/commit_status";
    /// Event metadata of sources: the revision.
    pub const SOURCE_REVISION: &str = "source.toolkit.fluxcd.io/revision";
    /// Event metadata of sources: the artifact's digest.
    pub const SOURCE_DIGEST: &str = "source.toolkit.fluxcd.io/digest";

    /// Removed from applied objects: left behind by kubectl.
    pub const KUBECTL_LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
    /// Removed from applied objects: left behind by old Flux.
    pub const KUSTOMIZE_CHECKSUM: &str = "kustomize.toolkit.fluxcd.io/checksum";
    /// Removed from applied objects: left behind by Flux 1.
    pub const FLUX1_SYNC_CHECKSUM: &str = "fluxcd.io/sync-checksum";
}

/// Labels.
pub mod label {
    /// Which Kustomization applied an object: its name.
    pub const KUSTOMIZE_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
    /// Which Kustomization applied an object: its namespace.
    pub const KUSTOMIZE_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
    /// Which HelmRelease installed an object: its name.
    pub const HELM_NAME: &str = "helm.toolkit.fluxcd.io/name";
    /// Which HelmRelease installed an object: its namespace.
    pub const HELM_NAMESPACE: &str = "helm.toolkit.fluxcd.io/namespace";
    /// `Enabled` on a ConfigMap or Secret: consumers reconcile when it changes.
    pub const WATCH: &str = "reconcile.fluxcd.io/watch";
    /// The shard an object belongs to, by convention: no code reads it, the label is whichever `--watch-label-selector` names.
    /// Flux's guides have this one, some of its own help texts `sharding.fluxcd.io/shard`.
    pub const SHARD: &str = "sharding.fluxcd.io/key";
    /// Removed from applied objects: left behind by Flux 1.
    pub const FLUX1_SYNC_GC_MARK: &str = "fluxcd.io/sync-gc-mark";
    /// `flux` on everything the suite installs.
    pub const PART_OF: &str = "app.kubernetes.io/part-of";
}

/// Who writes: field managers of applied objects and of statuses.
pub mod manager {
    /// Owner of source statuses.
    pub const SOURCE: &str = "source-controller";
    /// Owner of objects applied by Kustomizations.
    pub const KUSTOMIZE: &str = "kustomize-controller";
    /// Owner of Kustomization statuses.
    pub const KUSTOMIZE_STATUS: &str = "gotk-kustomize-controller";
    /// Owner of released objects and of HelmRelease statuses.
    pub const HELM: &str = "helm-controller";
    /// Owner of notification statuses.
    pub const NOTIFICATION: &str = "notification-controller";
    /// Owner of ImageRepository and ImagePolicy statuses.
    pub const IMAGE_REFLECTOR: &str = "image-reflector-controller";
    /// Owner of ImageUpdateAutomation statuses.
    pub const IMAGE_AUTOMATION: &str = "image-automation-controller";
    /// Owner of what ArtifactGenerators make.
    pub const SOURCE_WATCHER: &str = "source-watcher";
}

/// Keys of our own, which Flux's tools ignore.
pub mod weir {
    /// Artifact metadata: address of the `Artifacts` service at the source.
    pub const GRPC: &str = "weir.dev/grpc";
    /// Artifact and event metadata: W3C trace context of the run that made it.
    pub const TRACEPARENT: &str = "weir.dev/traceparent";
    /// Artifact metadata: author of the commit.
    pub const COMMIT_AUTHOR: &str = "weir.dev/commit-author";
    /// Artifact metadata: first line of the commit's message.
    pub const COMMIT_MESSAGE: &str = "weir.dev/commit-message";
    /// Artifact metadata: time of the commit.
    pub const COMMIT_TIME: &str = "weir.dev/commit-time";
    /// Artifact and history metadata: how long the fetch took.
    pub const FETCH_DURATION: &str = "weir.dev/fetch-duration";
    /// History metadata: how long the build took.
    pub const BUILD_DURATION: &str = "weir.dev/build-duration";
    /// History metadata: how long the apply took.
    pub const APPLY_DURATION: &str = "weir.dev/apply-duration";
    /// History metadata: how long it took to become healthy.
    pub const HEALTH_DURATION: &str = "weir.dev/health-duration";
}

/// Types of conditions beside `Ready`, `Reconciling` and `Stalled`.
pub mod condition {
    /// The summary that every tool reads.
    pub const READY: &str = "Ready";
    /// Work is under way; present only while true.
    pub const RECONCILING: &str = "Reconciling";
    /// Nothing but a change can help; present only while true.
    pub const STALLED: &str = "Stalled";
    /// The health checks of a Kustomization.
    pub const HEALTHY: &str = "Healthy";
    /// A source's artifact is in the storage.
    pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
    /// A source's signature was checked.
    pub const SOURCE_VERIFIED: &str = "SourceVerified";
    /// A source's artifact is behind the upstream; bad.
    pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
    /// A source could not be fetched; bad.
    pub const FETCH_FAILED: &str = "FetchFailed";
    /// The storage failed; bad.
    pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
    /// An included GitRepository is not there; bad.
    pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
    /// A chart could not be built; bad.
    pub const BUILD_FAILED: &str = "BuildFailed";
    /// A Helm release is installed.
    pub const RELEASED: &str = "Released";
    /// A Helm release's tests passed.
    pub const TEST_SUCCESS: &str = "TestSuccess";
    /// A Helm release was undone after a failure.
    pub const REMEDIATED: &str = "Remediated";
    /// A Helm release's objects were changed by others.
    pub const DRIFTED: &str = "Drifted";
}

/// Reasons that several kinds share. Flux's tools match on them.
#[allow(missing_docs)] // each is the reason it names
pub mod reason {
    pub const SUCCEEDED: &str = "Succeeded";
    pub const FAILED: &str = "Failed";
    pub const PROGRESSING: &str = "Progressing";
    pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
    pub const SUSPENDED: &str = "Suspended";
    pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
    pub const INVALID_PATH: &str = "InvalidPath";
    pub const INVALID_URL: &str = "InvalidURL";
    pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
    pub const BUILD_FAILED: &str = "BuildFailed";
    pub const PRUNE_FAILED: &str = "PruneFailed";
    pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
    pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
    pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
    pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
    pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
    pub const FEATURE_GATE_DISABLED: &str = "FeatureGateDisabled";
    pub const ACCESS_DENIED: &str = "AccessDenied";
}

/// Feature gates, as `--feature-gates` spells them.
#[allow(missing_docs)] // each is the gate it names
pub mod feature {
    pub const CACHE_SECRETS_AND_CONFIG_MAPS: &str = "CacheSecretsAndConfigMaps";
    pub const OBJECT_LEVEL_WORKLOAD_IDENTITY: &str = "ObjectLevelWorkloadIdentity";
    pub const DISABLE_CONFIG_WATCHERS: &str = "DisableConfigWatchers";
    pub const DIRECT_SOURCE_FETCH: &str = "DirectSourceFetch";
    pub const EXTERNAL_ARTIFACT: &str = "ExternalArtifact";
    pub const ADDITIVE_CEL_DEPENDENCY_CHECK: &str = "AdditiveCELDependencyCheck";
    pub const CANCEL_HEALTH_CHECK_ON_NEW_REVISION: &str = "CancelHealthCheckOnNewRevision";
    pub const DISABLE_STATUS_POLLER_CACHE: &str = "DisableStatusPollerCache";
    pub const DISABLE_FAIL_FAST_BEHAVIOR: &str = "DisableFailFastBehavior";
    pub const STRICT_POST_BUILD_SUBSTITUTIONS: &str = "StrictPostBuildSubstitutions";
    pub const GROUP_CHANGE_LOG: &str = "GroupChangeLog";
    pub const MIGRATE_API_VERSION: &str = "MigrateAPIVersion";
}
