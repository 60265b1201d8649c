//! From what happened to what the status says, step by step through the life of a source.

use jiff::Timestamp;
use serde_json::json;
use weir_api::{
    meta::{Artifact, ConditionStatus},
    names::condition,
    source::{OciRepository, OciRepositoryStatus},
};
use weir_artifact::store::StoreError;
use weir_reconcile::{Conclusion, ErrorKind, Failure, Outcome, Requeue, Severity, conditions::find};
use weir_runtime::Run;

use super::{
    Fetched, News, Source, SourceFailure, conclude,
    storage::{Failed, Kept, Stored},
};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

struct Fake;

#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
struct Trouble {
    text: &'static str,
    kind: ErrorKind,
    condition: Option<&'static str>,
    news: Option<News>,
}

impl Failure for Trouble {
    fn kind(&self) -> ErrorKind {
        self.kind
    }
    fn reason(&self) -> &'static str {
        "OCIArtifactPullFailed"
    }
}

impl SourceFailure for Trouble {
    fn condition(&self) -> Option<&'static str> {
        self.condition
    }
    fn news(&self) -> Option<&News> {
        self.news.as_ref()
    }
}

impl Source for Fake {
    type Object = OciRepository;
    type Error = Trouble;
    const CONDITIONS: &'static [(&'static str, bool)] = crate::ocirepository::OciRepositories::CONDITIONS;
    const LINK: Option<&'static str> = None;

    async fn fetch(&self, _: &OciRepository, _: Option<&Artifact>, _: &Run) -> Result<Fetched, Trouble> {
        Ok(Fetched::UpToDate)
    }
    fn stored_message(&self, artifact: &Artifact) -> String {
        format!("stored artifact for digest '{}'", artifact.revision)
    }
    fn event_message(&self, _: &OciRepository, artifact: &Artifact) -> String {
        format!("stored artifact with revision '{}'", artifact.revision)
    }
}

fn object(status: &OciRepositoryStatus) -> OciRepository {
    serde_json::from_value(json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
        "metadata": {"name": "app", "namespace": "ns", "generation": 3,
            "annotations": {"reconcile.fluxcd.io/requestedAt": "now"}},
        "spec": {"url": "oci://ghcr.io/acme/app", "interval": "10m"},
        "status": status,
    }))
    .unwrap()
}

fn artifact(n: u8) -> Artifact {
    Artifact {
        digest: format!("sha256:{n}"),
        last_update_time: NOW,
        metadata: None,
        path: "p".into(),
        revision: format!("v{n}@sha256:{n}"),
        size: Some(1),
        url: "http://h/p".into(),
    }
}

/// Number of the revision that was found, if one was.
fn trouble(kind: ErrorKind, condition: Option<&'static str>, found: Option<u8>) -> Failed<Trouble> {
    Failed::Fetch(Trouble { text: "registry said no", kind, condition, news: found.map(news) })
}

fn not_stored(source: StoreError, found: u8) -> Failed<Trouble> {
    Failed::Store { source, news: news(found) }
}

fn news(n: u8) -> News {
    News { revision: artifact(n).revision, said: format!("new revision 'v{n}'") }
}

fn run(before: &OciRepositoryStatus, attempt: Result<Kept, Failed<Trouble>>) -> Conclusion<OciRepositoryStatus> {
    let stored = Stored { artifact: before.artifact.clone(), url: before.url.clone(), events: Vec::new() };
    conclude::from(&Fake, &object(before), stored, attempt, NOW)
}

fn stored() -> OciRepositoryStatus {
    run(&OciRepositoryStatus::default(), Ok(new(1))).status
}

fn new(n: u8) -> Kept {
    Kept::New { artifact: Box::new(artifact(n)), url: Some("http://h/latest".into()), verified: None }
}

fn condition_of(status: &OciRepositoryStatus, type_: &str) -> Option<(ConditionStatus, String, String)> {
    find(&status.conditions, type_).map(|c| (c.status, c.reason.clone(), c.message.clone()))
}

fn types(status: &OciRepositoryStatus) -> Vec<&str> {
    let mut types: Vec<&str> = status.conditions.iter().map(|c| c.type_.as_str()).collect();
    types.sort_unstable();
    types
}

#[test]
fn a_new_artifact_is_stored_told_and_ready() {
    let done = run(&OciRepositoryStatus::default(), Ok(new(1)));
    assert_eq!(
        (done.outcome, done.requeue),
        (Outcome::Success, Requeue::Interval(std::time::Duration::from_secs(600)))
    );
    let message = "stored artifact for digest 'v1@sha256:1'".to_owned();
    let expected = Some((ConditionStatus::True, "Succeeded".to_owned(), message));
    assert_eq!(condition_of(&done.status, "Ready"), expected);
    assert_eq!(condition_of(&done.status, "ArtifactInStorage"), expected);
    assert_eq!(types(&done.status), ["ArtifactInStorage", "Ready"]);
    assert_eq!(done.status.observed_generation, Some(3));
    assert_eq!(done.status.last_handled_reconcile_at.as_deref(), Some("now"));
    assert_eq!(done.status.url.as_deref(), Some("http://h/latest"));
    let event = &done.events[0];
    assert_eq!((event.severity, event.reason.as_str()), (Severity::Info, "NewArtifact"));
    assert_eq!(event.metadata["revision"], "v1@sha256:1");
    assert_eq!(event.metadata["digest"], "sha256:1");
}

#[test]
fn nothing_new_changes_nothing_and_says_nothing() {
    let before = stored();
    let done = run(&before, Ok(Kept::UpToDate));
    assert!(done.events.is_empty());
    assert_eq!(done.status, before);
}

#[test]
fn a_failed_fetch_keeps_the_artifact_and_says_why() {
    let before = stored();
    let done = run(&before, Err(trouble(ErrorKind::Retry, Some(condition::FETCH_FAILED), Some(2))));
    assert_eq!((done.outcome, done.requeue), (Outcome::Failed, Requeue::Backoff));
    let expected = (ConditionStatus::False, "OCIArtifactPullFailed".to_owned(), "registry said no".to_owned());
    assert_eq!(condition_of(&done.status, "Ready"), Some(expected));
    assert_eq!(types(&done.status), ["ArtifactInStorage", "ArtifactOutdated", "FetchFailed", "Ready", "Reconciling"]);
    let retrying = condition_of(&done.status, "Reconciling").unwrap();
    assert_eq!(retrying.1, "ProgressingWithRetry");
    assert_eq!(condition_of(&done.status, "ArtifactOutdated").unwrap().1, "NewRevision");
    assert_eq!(done.status.artifact, before.artifact);
    assert_eq!(done.status.observed_generation, Some(3), "as it was");
    let event = &done.events[0];
    assert_eq!((event.severity, event.message.as_str()), (Severity::Error, "registry said no"));

    let recovered = run(&done.status, Ok(Kept::UpToDate));
    assert_eq!(types(&recovered.status), ["ArtifactInStorage", "Ready"]);
    assert_eq!(recovered.events[0].reason, "Succeeded", "the recovery is told although the artifact is the same");
}

#[test]
fn a_transient_error_does_not_advance_the_generation_and_a_stall_does() {
    let fresh = OciRepositoryStatus { observed_generation: Some(-1), ..OciRepositoryStatus::default() };
    let transient = run(&fresh, Err(trouble(ErrorKind::Retry, Some(condition::FETCH_FAILED), None)));
    assert_eq!(transient.status.observed_generation, Some(-1));
    let stalled = run(&fresh, Err(trouble(ErrorKind::Stall, Some(condition::FETCH_FAILED), None)));
    assert_eq!((stalled.outcome, stalled.requeue), (Outcome::Stalled, Requeue::Never));
    assert_eq!(stalled.status.observed_generation, Some(3));
    assert_eq!(types(&stalled.status), ["FetchFailed", "Ready", "Stalled"]);
    assert_eq!(condition_of(&stalled.status, "Ready").unwrap().0, ConditionStatus::False);
    let fixed = run(&stalled.status, Ok(new(1)));
    assert_eq!(types(&fixed.status), ["ArtifactInStorage", "Ready"]);
}

#[test]
fn a_refused_signature_outranks_what_is_stored() {
    let done = run(&stored(), Err(trouble(ErrorKind::Stall, Some(condition::SOURCE_VERIFIED), None)));
    assert_eq!(condition_of(&done.status, "SourceVerified").unwrap().0, ConditionStatus::False);
    let ready = condition_of(&done.status, "Ready").unwrap();
    assert_eq!((ready.0, ready.2.as_str()), (ConditionStatus::False, "registry said no"));
}

#[test]
fn a_failure_without_a_condition_shows_in_ready() {
    let failed = not_stored(StoreError::Lock(std::io::Error::other("busy")), 1);
    let done = run(&stored(), Err(failed));
    let ready = condition_of(&done.status, "Ready").unwrap();
    assert_eq!((ready.0, ready.2.as_str()), (ConditionStatus::False, "failed to acquire lock for artifact: busy"));
    assert!(find(&done.status.conditions, "StorageOperationFailed").is_none());
}

#[test]
fn a_lost_file_takes_its_condition_along() {
    let before = stored();
    let lost = Stored { artifact: None, url: None, events: Vec::new() };
    let failed = Err(trouble(ErrorKind::Retry, Some(condition::FETCH_FAILED), Some(2)));
    let done = conclude::from(&Fake, &object(&before), lost, failed, NOW);
    assert!(done.status.artifact.is_none() && done.status.url.is_none());
    assert_eq!(
        types(&done.status),
        ["FetchFailed", "Ready", "Reconciling"],
        "nothing is outdated when nothing is there"
    );
    let rebuilt = run(&done.status, Ok(new(1)));
    assert_eq!(rebuilt.events[0].reason, "NewArtifact");
}

#[test]
fn a_signature_that_is_no_longer_demanded_is_forgotten() {
    let refused = run(&stored(), Err(trouble(ErrorKind::Stall, Some(condition::SOURCE_VERIFIED), None))).status;
    let mut demanding = object(&refused);
    demanding.spec.verify = serde_json::from_value(json!({"provider": "cosign"})).unwrap();
    let there = || Stored { artifact: refused.artifact.clone(), url: None, events: Vec::new() };
    let failed = || Err(trouble(ErrorKind::Retry, Some(condition::FETCH_FAILED), None));
    let still = conclude::from(&Fake, &demanding, there(), failed(), NOW).status;
    assert_eq!(condition_of(&still, "SourceVerified").unwrap().0, ConditionStatus::False, "nothing else was found");

    let fetching = run(&refused, failed()).status;
    assert_eq!(condition_of(&fetching, "SourceVerified"), None);
    assert_eq!(condition_of(&fetching, "Ready").unwrap().1, "OCIArtifactPullFailed");
    let recovered = run(&refused, Ok(Kept::UpToDate)).status;
    assert_eq!(types(&recovered), ["ArtifactInStorage", "Ready"]);
    assert_eq!(condition_of(&recovered, "Ready").unwrap().0, ConditionStatus::True);
}

#[test]
fn what_cannot_be_stored_was_fetched_and_outdates_what_is_there() {
    let unreachable = run(&stored(), Err(trouble(ErrorKind::Retry, Some(condition::FETCH_FAILED), None))).status;
    let full = || StoreError::Directory(std::io::Error::other("disk full"));
    let failed = run(&unreachable, Err(not_stored(full(), 2))).status;
    let expected = ["ArtifactInStorage", "ArtifactOutdated", "Ready", "Reconciling", "StorageOperationFailed"];
    assert_eq!(types(&failed), expected, "no FetchFailed: the fetch works again");
    let outdated = condition_of(&failed, "ArtifactOutdated").unwrap();
    assert_eq!((outdated.1.as_str(), outdated.2.as_str()), ("NewRevision", "new revision 'v2'"));
    assert_eq!(condition_of(&failed, "Ready").unwrap().1, "DirectoryCreationFailed");
    assert_eq!(condition_of(&failed, "Reconciling").unwrap().2, "building artifact: new revision 'v2'");
    assert_eq!(types(&run(&failed, Ok(new(2))).status), ["ArtifactInStorage", "Ready"]);

    let pull = trouble(ErrorKind::Retry, Some(condition::FETCH_FAILED), Some(1));
    for failed in [not_stored(full(), 1), pull] {
        let same = run(&stored(), Err(failed)).status;
        assert_eq!(condition_of(&same, "ArtifactOutdated"), None, "the revision is there, made with older settings");
        assert_eq!(condition_of(&same, "Reconciling").unwrap().2, "reconciliation in progress");
    }
    let first = run(&OciRepositoryStatus::default(), Err(not_stored(full(), 1))).status;
    assert_eq!(condition_of(&first, "ArtifactOutdated"), None, "nothing is there");
}
