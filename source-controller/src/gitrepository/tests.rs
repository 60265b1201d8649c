use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn object(spec: Value, status: Value) -> GitRepository {
    let mut whole = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "app", "namespace": "ns", "generation": 2},
        "spec": {"url": "https://git.example.com/acme/app", "interval": "1m"},
        "status": status,
    });
    for (key, value) in spec.as_object().unwrap() {
        whole["spec"][key] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

fn artifact(digest: &str, message: &str) -> Artifact {
    Artifact {
        digest: digest.into(),
        last_update_time: jiff::Timestamp::UNIX_EPOCH,
        metadata: Some(BTreeMap::from([("weir.dev/commit-message".to_owned(), message.to_owned())])),
        path: "p".into(),
        revision: format!("main@sha1:{SHA}"),
        size: None,
        url: "u".into(),
    }
}

/// Kind, reason, condition and text of what a spec fails with before anything is fetched.
fn refused(spec: Value) -> (ErrorKind, &'static str, &'static str, String) {
    let object = object(spec, json!({}));
    let error = plan::supported(&object).and_then(|()| plan::remote(&object).map(drop)).unwrap_err();
    (error.kind(), error.reason(), error.condition().unwrap(), weir_reconcile::describe(&error))
}

#[test]
fn what_is_not_supported_fails_closed() {
    let secret = json!({"name": "s"});
    for (spec, reason, condition, text) in [
        (
            json!({"provider": "azure"}),
            "InvalidProviderConfiguration",
            "FetchFailed",
            "provider 'azure' is not supported yet",
        ),
        (json!({"provider": "aws"}), "InvalidProviderConfiguration", "FetchFailed", "provider 'aws'"),
        (
            json!({"provider": "github", "secretRef": secret}),
            "InvalidProviderConfiguration",
            "FetchFailed",
            "provider 'github'",
        ),
        (
            json!({"provider": "github"}),
            "InvalidProviderConfiguration",
            "FetchFailed",
            "secretRef with github app data must be specified when provider is set to github",
        ),
        (json!({"verify": {"secretRef": secret}}), "VerificationError", "SourceVerified", "spec.verify"),
        (json!({"include": [{"repository": secret}]}), "GitOperationFailed", "FetchFailed", "spec.include"),
        (json!({"recurseSubmodules": true}), "GitOperationFailed", "FetchFailed", "spec.recurseSubmodules"),
        (json!({"sparseCheckout": ["a"]}), "GitOperationFailed", "FetchFailed", "spec.sparseCheckout"),
        (json!({"url": "https://u:s3cret@"}), "URLInvalid", "FetchFailed", "failed to parse url"),
    ] {
        let got = refused(spec.clone());
        assert_eq!((got.0, got.1, got.2), (ErrorKind::Stall, reason, condition), "{spec}");
        assert!(got.3.contains(text) && !got.3.contains("s3cret"), "{}", got.3);
    }
    assert!(plan::supported(&object(json!({"provider": "generic"}), json!({}))).is_ok());
}

#[test]
fn a_stored_revision_counts_only_with_the_same_settings() {
    let known = |spec, status| plan::known(&object(spec, status), Some(&artifact("d", ""))).map(|r| r.to_string());
    assert_eq!(known(json!({}), json!({})), Some(format!("main@sha1:{SHA}")));
    assert_eq!(known(json!({"ignore": "*.md"}), json!({"observedIgnore": "*.md"})), Some(format!("main@sha1:{SHA}")));
    for (spec, status) in [
        (json!({"ignore": "*.md"}), json!({})),
        (json!({}), json!({"observedIgnore": "*.md"})),
        (json!({}), json!({"observedRecurseSubmodules": true})),
        (json!({}), json!({"observedSparseCheckout": ["a"]})),
        (json!({}), json!({"observedInclude": [{"repository": {"name": "x"}}]})),
        (json!({}), json!({"sourceVerificationMode": "HEAD"})),
    ] {
        assert_eq!(known(spec, status), None);
    }
    assert_eq!(plan::known(&object(json!({}), json!({})), None), None);
}

#[test]
fn the_event_names_the_commit_by_its_subject() {
    let fresh = object(json!({}), json!({}));
    assert_eq!(plan::event_message(&fresh, &artifact("d", "fix it")), "stored artifact for commit 'fix it'");
    let long = "x".repeat(60);
    let expected = format!("stored artifact for commit '{}...'", "x".repeat(50));
    assert_eq!(plan::event_message(&fresh, &artifact("d", &long)), expected);
    // Recovered, nothing new.
    let status = json!({"artifact": serde_json::to_value(artifact("d", "fix it")).unwrap()});
    let before = object(json!({}), status);
    let expected = format!("stored artifact for commit 'main@sha1:{SHA}'");
    assert_eq!(plan::event_message(&before, &artifact("d", "fix it")), expected);
}

#[test]
fn references_are_all_that_can_rotate() {
    let spec = json!({"secretRef": {"name": "a"}, "proxySecretRef": {"name": "b"},
        "verify": {"secretRef": {"name": "c"}}, "serviceAccountName": "d"});
    let expected =
        [Reference::secret("a"), Reference::secret("b"), Reference::secret("c"), Reference::service_account("d")];
    assert_eq!(object(spec, json!({})).references(), expected.into_iter().collect());
}

#[test]
fn observed_fields_are_those_of_the_spec() {
    let object = object(json!({"ignore": "*.md"}), json!({"sourceVerificationMode": "HEAD", "observedIgnore": "x"}));
    let mut status = object.status();
    status.observe(&object);
    assert_eq!((status.observed_ignore.as_deref(), status.source_verification_mode), (Some("*.md"), None));
}

#[test]
fn failures_show_as_flux_shows_them() {
    let git = || weir_git::Error::NotFound { host: "h".into() };
    for (error, reason, condition) in [
        (Error::Checkout { url: "u".into(), source: git() }, "GitOperationFailed", "FetchFailed"),
        (Error::Empty, "EmptyGitRepository", "FetchFailed"),
        (Error::Auth(git()), "AuthenticationFailed", "FetchFailed"),
        (Error::Encrypted { name: "ns/s".into() }, "AuthenticationFailed", "FetchFailed"),
        (Error::GithubApp { name: "ns/s".into() }, "InvalidProviderConfiguration", "FetchFailed"),
    ] {
        assert_eq!((error.kind(), error.reason(), error.condition()), (ErrorKind::Retry, reason, Some(condition)));
    }
    let text = weir_reconcile::describe(&Error::Checkout { url: "u".into(), source: git() });
    assert!(
        text.starts_with("failed to checkout and determine revision: unable to clone 'u': repository not found on h"),
        "{text}"
    );
}
