//! Pushing artifacts over the registry's HTTP API.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{PASSWORD, Registry, RegistryOptions, USER};
use crate::background;
use crate::pki::Authority;

/// One layer of an artifact.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// What is pushed under a tag.
#[derive(Clone, Debug)]
pub struct Image {
    /// Media type of the config, whose content is `{}`.
    pub config_type: String,
    /// The layers.
    pub layers: Vec<Layer>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

impl Image {
    /// Files as `flux push artifact` packs them.
    pub fn of_files(files: &[(&str, &str)]) -> Result<Self> {
        let layer = Layer { media_type: "application/vnd.cncf.flux.content.v1.tar+gzip".into(), data: tar_gz(files)? };
        Ok(Self {
            config_type: "application/vnd.cncf.flux.config.v1+json".into(),
            layers: vec![layer],
            annotations: BTreeMap::from([
                ("org.opencontainers.image.created".into(), "2026-01-01T00:00:00Z".into()),
                ("org.opencontainers.image.source".into(), "https://git.example.test/app".into()),
                (
                    "org.opencontainers.image.revision".into(),
                    "main@sha1:0000000000000000000000000000000000000001".into(),
                ),
            ]),
        })
    }
}

/// A gzipped tar archive of text files.
pub fn tar_gz(files: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(text.len())?);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, path, text.as_bytes())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

pub(super) fn client(authority: &Authority, options: RegistryOptions) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder().no_proxy();
    if options.tls || options.client_tls {
        builder = builder.tls_certs_only([reqwest::Certificate::from_pem(authority.pem().as_bytes())?]);
    }
    if options.client_tls {
        let identity = authority.client("testkit")?;
        builder = builder
            .identity(reqwest::Identity::from_pem(format!("{}{}", identity.key, identity.certificate).as_bytes())?);
    }
    Ok(builder.build()?)
}

impl Registry {
    /// Pushes files as Flux's CLI does and returns the manifest's digest.
    pub async fn push_files(&self, repository: &str, tag: &str, files: &[(&str, &str)]) -> Result<String> {
        self.push(repository, tag, &Image::of_files(files)?).await
    }

    /// Pushes `image` and returns the digest of its manifest.
    pub async fn push(&self, repository: &str, tag: &str, image: &Image) -> Result<String> {
        let pusher = Pusher { http: self.http.clone(), base: self.base(repository), auth: self.options.auth };
        let (image, tag) = (image.clone(), tag.to_owned());
        background::run(async move { pusher.image(&image, &tag).await }).await
    }

    fn base(&self, repository: &str) -> String {
        let scheme = if self.options.tls || self.options.client_tls { "https" } else { "http" };
        format!("{scheme}://{}/v2/{repository}", self.port.address())
    }
}

struct Pusher {
    http: reqwest::Client,
    base: String,
    auth: bool,
}

impl Pusher {
    async fn image(&self, image: &Image, tag: &str) -> Result<String> {
        let config = self.blob(b"{}").await?;
        let mut layers = Vec::new();
        for layer in &image.layers {
            let (digest, size) = self.blob(&layer.data).await?;
            layers.push(json!({"mediaType": layer.media_type, "digest": digest, "size": size}));
        }
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2, "mediaType": media_type,
            "config": {"mediaType": image.config_type, "digest": config.0, "size": config.1},
            "layers": layers, "annotations": image.annotations,
        }))?;
        let digest = digest_of(&manifest);
        let reply = self
            .signed(self.http.put(format!("{}/manifests/{tag}", self.base)))
            .header("content-type", media_type)
            .body(manifest)
            .send()
            .await?;
        ensure!(reply.status() == 201, "the registry refused the manifest: {}", reply.status());
        Ok(digest)
    }

    async fn blob(&self, data: &[u8]) -> Result<(String, usize)> {
        let digest = digest_of(data);
        let reply = self.signed(self.http.post(format!("{}/blobs/uploads/", self.base))).send().await?;
        ensure!(reply.status() == 202, "the registry refused an upload: {}", reply.status());
        let location =
            reply.headers().get("location").and_then(|value| value.to_str().ok()).context("no upload location")?;
        let target = reqwest::Url::parse(&self.base)?.join(location)?;
        let reply = self.signed(self.http.put(target).query(&[("digest", &digest)])).body(data.to_vec()).send().await?;
        ensure!(reply.status() == 201, "the registry refused a blob: {}", reply.status());
        Ok((digest, data.len()))
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        if self.auth { request.basic_auth(USER, Some(PASSWORD)) } else { request }
    }
}

fn digest_of(data: &[u8]) -> String {
    let hex: String = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
