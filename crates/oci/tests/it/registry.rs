//! The real thing.

use weir_oci::{ClientCertificate, Keychain, Kind, OciError, Selector, Target, TransportOptions};
use weir_testkit::{
    Registry, RegistryOptions,
    registry::{Image, Layer, PASSWORD, USER},
};

use super::{blob, digest, insecure, keychain, session, tag, text};

#[tokio::test]
async fn a_tag_becomes_a_digest_a_manifest_and_a_layer() {
    let registry = Registry::start().await.unwrap();
    let mut image = Image::of_files(&[("deploy/app.yaml", "a: 1\n")]).unwrap();
    image.layers.push(Layer { media_type: "application/x-other".into(), data: b"other".to_vec() });
    let pushed = registry.push("apps/app", "v1", &image).await.unwrap();
    // On loopback plain HTTP is tried although the spec does not say insecure, as Flux does.
    let session = session(&registry.url("apps/app"), TransportOptions::default(), Keychain::anonymous());
    let target = session.pick(&tag("v1")).await.unwrap();
    let digest = session.digest(&target).await.unwrap();
    assert_eq!((digest.as_str(), target.revision(&digest)), (pushed.as_str(), format!("v1@{pushed}")));
    let manifest = session.manifest(&digest).await.unwrap();
    assert_eq!(manifest.annotations()["org.opencontainers.image.source"], "https://git.example.test/app");
    assert_eq!(blob(&session, manifest.layer(None).unwrap()).await.unwrap(), image.layers[0].data);
    assert_eq!(blob(&session, manifest.layer(Some("application/x-other")).unwrap()).await.unwrap(), b"other");
    let by_digest = session.pick(&Selector::Digest(pushed.clone())).await.unwrap();
    assert_eq!(by_digest, Target::Digest(pushed.clone()));
    assert_eq!(session.digest(&by_digest).await.unwrap(), pushed);
}

#[tokio::test]
async fn the_highest_version_is_found_among_the_tags() {
    let registry = Registry::start().await.unwrap();
    for tag in ["1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1", "latest"] {
        registry.push_files("apps/app", tag, &[("v", tag)]).await.unwrap();
    }
    let session = session(&registry.url("apps/app"), insecure(), Keychain::anonymous());
    let select = async |range: &str, filter: Option<&str>| {
        let selector =
            Selector::Semver { range: range.to_owned(), filter: filter.map(str::to_owned), underscore_is_plus: false };
        session.pick(&selector).await.map(|target| target.as_str().to_owned()).map_err(|error| error.to_string())
    };
    assert_eq!(select("1.x", None).await.unwrap(), "1.10.0");
    assert_eq!(select(">=1.0.0-0", None).await.unwrap(), "2.0.0-rc.1");
    assert_eq!(select("1.x", Some(r"^1\.[0-9]\.")).await.unwrap(), "1.2.0");
    assert_eq!(select(">3", None).await.unwrap_err(), "no match found for semver: >3");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let registry = Registry::start().await.unwrap();
    registry.push_files("apps/app", "v1", &[("a", "b")]).await.unwrap();
    let app = session(&registry.url("apps/app"), insecure(), Keychain::anonymous());
    let missing = digest(&app, "v2").await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound);
    assert!(missing.to_string().contains("/v2/apps/app/manifests/v2: not found"), "{missing}");
    let nowhere = format!("sha256:{}", "0".repeat(64));
    assert_eq!(app.manifest(&nowhere).await.unwrap_err().kind(), Kind::NotFound);
    let other = session(&registry.url("apps/none"), insecure(), Keychain::anonymous());
    assert_eq!(digest(&other, "v1").await.unwrap_err().kind(), Kind::NotFound);
    let closed = session("oci://127.0.0.1:1/apps/app", insecure(), Keychain::anonymous());
    let down = digest(&closed, "v1").await.unwrap_err();
    assert_eq!(down.kind(), Kind::Transport);
    assert!(text(&down).contains("https://127.0.0.1:1/v2/: cannot connect"), "{}", text(&down));
}

#[tokio::test]
async fn passwords_are_asked_for_and_errors_name_the_secret() {
    let registry = Registry::with(RegistryOptions { auth: true, ..RegistryOptions::default() }).await.unwrap();
    let pushed = registry.push_files("apps/app", "v1", &[("a", "b")]).await.unwrap();
    let (url, host) = (registry.url("apps/app"), registry.address());
    let good = session(&url, insecure(), keychain(&host, USER, PASSWORD));
    assert_eq!(digest(&good, "v1").await.unwrap(), pushed);
    let manifest = good.manifest(&pushed).await.unwrap();
    assert!(!blob(&good, manifest.layer(None).unwrap()).await.unwrap().is_empty());

    let wrong = session(&url, insecure(), keychain(&host, USER, "canary-password"));
    let refused = digest(&wrong, "v1").await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Authentication);
    let shown = format!("{} {refused:?}", text(&refused));
    assert!(shown.contains("401") && shown.contains("secret 'ns/pull'") && !shown.contains("canary"), "{shown}");

    let elsewhere = session(&url, insecure(), keychain("ghcr.io", USER, PASSWORD));
    let shown = text(&digest(&elsewhere, "v1").await.unwrap_err());
    assert!(shown.contains(&format!("secret 'ns/pull' holds no credentials for {host}")), "{shown}");
    let nobody = session(&url, insecure(), Keychain::anonymous());
    let shown = text(&digest(&nobody, "v1").await.unwrap_err());
    assert!(shown.contains("no credentials were given") && shown.contains("spec.secretRef"), "{shown}");
}

#[tokio::test]
async fn certificates_are_checked_unless_told_otherwise() {
    let registry = Registry::with(RegistryOptions { tls: true, ..RegistryOptions::default() }).await.unwrap();
    let pushed = registry.push_files("apps/app", "v1", &[("a", "b")]).await.unwrap();
    let url = registry.url("apps/app");
    let trusting = TransportOptions { ca: Some(registry.ca().as_bytes().to_vec()), ..TransportOptions::default() };
    assert_eq!(digest(&session(&url, trusting, Keychain::anonymous()), "v1").await.unwrap(), pushed);
    assert_eq!(digest(&session(&url, insecure(), Keychain::anonymous()), "v1").await.unwrap(), pushed);
    let strict = digest(&session(&url, TransportOptions::default(), Keychain::anonymous()), "v1").await.unwrap_err();
    assert_eq!(strict.kind(), Kind::Transport);
    assert!(text(&strict).contains("spec.certSecretRef"), "{}", text(&strict));
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let registry = Registry::with(RegistryOptions { client_tls: true, ..RegistryOptions::default() }).await.unwrap();
    let pushed = registry.push_files("apps/app", "v1", &[("a", "b")]).await.unwrap();
    let identity = registry.client().unwrap();
    let ca = Some(registry.ca().as_bytes().to_vec());
    let pair = ClientCertificate {
        certificate: identity.certificate.clone().into_bytes(),
        key: identity.key.clone().into_bytes(),
    };
    let known = TransportOptions { ca: ca.clone(), client_certificate: Some(pair), ..TransportOptions::default() };
    let url = registry.url("apps/app");
    assert_eq!(digest(&session(&url, known, Keychain::anonymous()), "v1").await.unwrap(), pushed);
    let unknown = TransportOptions { ca, ..TransportOptions::default() };
    assert!(digest(&session(&url, unknown, Keychain::anonymous()), "v1").await.is_err());
}

#[tokio::test]
async fn a_layer_that_is_not_what_it_says_is_refused() {
    let registry = Registry::start().await.unwrap();
    let image = Image::of_files(&[("a", "b")]).unwrap();
    let pushed = registry.push("apps/app", "v1", &image).await.unwrap();
    let session = session(&registry.url("apps/app"), insecure(), Keychain::anonymous());
    let layer = session.manifest(&pushed).await.unwrap().layer(None).unwrap().clone();
    for size in [layer.size - 1, layer.size + 1] {
        let lying = weir_oci::Layer { size, ..layer.clone() };
        let error = blob(&session, &lying).await.unwrap_err();
        assert!(matches!(error, OciError::Mismatch { .. }), "{error}");
    }
    let huge = weir_oci::Layer { size: 2 << 20, ..layer.clone() };
    assert_eq!(blob(&session, &huge).await.unwrap_err().kind(), Kind::Limit);
    let strange = weir_oci::Layer { digest: "../../x".into(), ..layer };
    assert_eq!(blob(&session, &strange).await.unwrap_err().kind(), Kind::Spec);
}
