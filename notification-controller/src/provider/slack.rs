//! Slack: its API (`chat.postMessage`) with a token, or an incoming webhook.

use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use weir_proto::WireEvent;

use super::{
    http::{Judge, Post, PostError},
    settings::{Settings, SettingsError},
};
use crate::event::object_label;

/// The path of the API method, which answers 200 whatever happened.
const API_PATH: &str = "/api/chat.postMessage";

#[derive(Serialize)]
struct Payload<'a> {
    channel: &'a str,
    username: &'a str,
    icon_url: &'a str,
    icon_emoji: &'a str,
    attachments: [Attachment<'a>; 1],
}

#[derive(Serialize)]
struct Attachment<'a> {
    fallback: String,
    color: &'a str,
    author_name: &'a str,
    text: &'a str,
    mrkdwn_in: [&'a str; 1],
    fields: Vec<Field<'a>>,
}

#[derive(Serialize)]
struct Field<'a> {
    title: &'a str,
    value: &'a str,
    short: bool,
}

/// The request for an event.
///
/// # Errors
/// When the settings make no sense.
pub fn request(settings: &Settings, event: &WireEvent) -> Result<Post, SettingsError> {
    let url = settings.url()?;
    let mut headers = HeaderMap::new();
    if let Some(token) = settings.token_text() {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value = value.map_err(|_| SettingsError::Header("token"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let judge = (url.path() == API_PATH).then_some(judge as Judge);
    Ok(Post { url, headers, body: body(settings, event), judge })
}

fn body(settings: &Settings, event: &WireEvent) -> Vec<u8> {
    let label = object_label(&event.involved_object);
    let first_line = event.message.lines().next().unwrap_or_default();
    let attachment = Attachment {
        fallback: format!("{label}: {first_line}"),
        color: if event.severity == "error" { "danger" } else { "good" },
        author_name: &label,
        text: &event.message,
        mrkdwn_in: ["text"],
        fields: event.metadata.iter().map(|(title, value)| Field { title, value, short: false }).collect(),
    };
    let username = if settings.username.is_empty() { &event.reporting_controller } else { &settings.username };
    let payload =
        Payload { channel: &settings.channel, username, icon_url: "", icon_emoji: "", attachments: [attachment] };
    serde_json::to_vec(&payload).expect("messages have string keys only")
}

/// What the API says of a message that it answered with 200.
fn judge(body: &[u8]) -> Result<(), PostError> {
    #[derive(Deserialize)]
    struct Answer {
        ok: bool,
        #[serde(default)]
        error: String,
    }
    // It answered 200: most likely it has the message, and who tries for hours fills the channel.
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| PostError::Refused { what: "unable to unmarshal response body".to_owned(), transient: false })?;
    if answer.ok {
        return Ok(());
    }
    let transient = ["ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"];
    let transient = transient.contains(&answer.error.as_str());
    Err(PostError::Refused { what: format!("Slack responded with error: {}", answer.error), transient })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use weir_runtime::redact::Secret;

    use super::*;
    use crate::event::tests::sample;

    fn settings(address: &str) -> Settings {
        Settings {
            address: Secret::new(address.to_owned()),
            token: Some(Secret::new(b"xoxb-123\n".to_vec())),
            channel: "ops".to_owned(),
            ..Settings::default()
        }
    }

    #[test]
    fn a_message_looks_as_flux_sends_it() {
        let mut event = sample(&[("revision", "main@sha1:1"), ("env", "prod")]);
        event.severity = "error".to_owned();
        event.message = "first\nsecond".to_owned();
        let post = request(&settings("https://slack.com/api/chat.postMessage"), &event).unwrap();
        assert_eq!(post.headers["authorization"], "Bearer xoxb-123");
        assert!(post.judge.is_some());
        let body: Value = serde_json::from_slice(&post.body).unwrap();
        assert_eq!(
            body,
            json!({
                "channel": "ops", "username": "kustomize-controller", "icon_url": "", "icon_emoji": "",
                "attachments": [{
                    "fallback": "kustomization/web.apps: first", "color": "danger",
                    "author_name": "kustomization/web.apps", "text": "first\nsecond", "mrkdwn_in": ["text"],
                    "fields": [
                        {"title": "env", "value": "prod", "short": false},
                        {"title": "revision", "value": "main@sha1:1", "short": false},
                    ],
                }],
            })
        );
    }

    #[test]
    fn webhooks_are_not_judged_and_names_can_be_set() {
        let mut settings = settings("https://hooks.slack.com/services/T0/B0/x");
        settings.token = None;
        settings.username = "bot".to_owned();
        let post = request(&settings, &sample(&[])).unwrap();
        assert!(post.judge.is_none() && post.headers.is_empty());
        let body: Value = serde_json::from_slice(&post.body).unwrap();
        assert_eq!((&body["username"], &body["attachments"][0]["color"]), (&json!("bot"), &json!("good")));
        assert_eq!(body["attachments"][0]["fields"], json!([]));
    }

    #[test]
    fn the_api_is_taken_at_its_word() {
        assert!(judge(br#"{"ok":true}"#).is_ok());
        let refused = judge(br#"{"ok":false,"error":"channel_not_found"}"#).unwrap_err();
        assert_eq!(refused.to_string(), "request failed: Slack responded with error: channel_not_found");
        assert!(refused.is_permanent());
        assert!(!judge(br#"{"ok":false,"error":"ratelimited"}"#).unwrap_err().is_permanent());
        assert!(judge(b"<html>").unwrap_err().is_permanent());
    }
}
