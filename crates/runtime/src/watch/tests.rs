//! The protocol's edges, played by a scripted server: a real one shows them only when it is old or restarted.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use kube::Config;
use serde_json::{Value, json};

use super::*;

/// One expected request: a part of its query, and the answer.
type Script = Arc<Mutex<VecDeque<(&'static str, u16, String)>>>;

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let next = script.lock().unwrap().pop_front();
    match next {
        Some((part, code, body)) => {
            assert!(query.contains(part), "expected {part} in {query}");
            (axum::http::StatusCode::from_u16(code).unwrap(), body).into_response()
        }
        None => std::future::pending().await,
    }
}

fn object(name: &str, version: u32) -> Value {
    json!({"metadata": {"name": name, "namespace": "ns", "uid": name, "resourceVersion": version.to_string()}})
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

fn page(names: &[&str], token: &str) -> String {
    let items: Vec<_> = names.iter().map(|name| object(name, 3)).collect();
    json!({"metadata": {"resourceVersion": "5", "continue": token}, "items": items}).to_string()
}

/// Plays the script to a watch and returns what it made of it, once all of it is used.
async fn play(script: Vec<(&'static str, u16, String)>, expected: usize) -> Vec<String> {
    let script: Script = Arc::new(Mutex::new(script.into()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, Router::new().fallback(answer).with_state(script)).into_future());
    let mut config = Config::new(format!("http://{addr}").parse().unwrap());
    config.default_retry = false;
    let client = Client::try_from(config).unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let task = tokio::spawn(run(client, Query::kind("", "v1", "Secret"), move |event| {
        let text = match event {
            Event::Start => "start".to_owned(),
            Event::Synced => "synced".to_owned(),
            Event::Listed(raw) => format!("listed {}", raw.meta.name),
            Event::Changed(raw) => format!("changed {}", raw.meta.name),
            Event::Gone(raw) => format!("gone {}", raw.meta.name),
        };
        let _ = sender.send(text);
    }));
    let mut out = Vec::new();
    while out.len() < expected {
        let next = tokio::time::timeout(Duration::from_secs(20), receiver.recv()).await;
        out.push(next.unwrap_or_else(|_| panic!("nothing after {out:?}")).unwrap());
    }
    task.abort();
    out
}

#[tokio::test]
async fn a_server_that_does_not_stream_lists_is_read_in_pages() {
    let watch = event("MODIFIED", &object("b", 6)) + &event("DELETED", &object("a", 7));
    let script = vec![
        ("sendInitialEvents=true", 422, "{}".to_owned()),
        ("limit=500", 200, page(&["a", "b"], "more")),
        ("continue=more", 200, page(&["c"], "")),
        ("resourceVersion=5", 200, watch),
        ("resourceVersion=7", 200, String::new()),
    ];
    let seen = play(script, 7).await;
    assert_eq!(seen, ["start", "listed a", "listed b", "listed c", "synced", "changed b", "gone a"]);
}

#[tokio::test]
async fn a_watch_that_is_too_old_lists_again() {
    let end = json!({"metadata": {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}});
    let first = event("ADDED", &object("a", 1)) + &event("BOOKMARK", &end) + &event("ADDED", &object("b", 10));
    let gone = json!({"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"});
    let script = vec![
        ("sendInitialEvents=true", 200, first),
        ("resourceVersion=10", 200, event("ERROR", &gone)),
        ("sendInitialEvents=true", 200, event("ADDED", &object("b", 10)) + &event("BOOKMARK", &end)),
        ("resourceVersion=9", 410, gone.to_string()),
        ("sendInitialEvents=true", 200, event("BOOKMARK", &end)),
    ];
    let seen = play(script, 9).await;
    assert_eq!(seen, ["start", "listed a", "synced", "changed b", "start", "listed b", "synced", "start", "synced"]);
}

#[tokio::test]
async fn a_broken_answer_is_tried_again_from_where_it_was() {
    let end = json!({"metadata": {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}});
    let script = vec![
        ("sendInitialEvents=true", 200, event("BOOKMARK", &end)),
        ("resourceVersion=9", 500, "the server is unwell".to_owned()),
        ("resourceVersion=9", 200, "this is no event\n".to_owned()),
        ("resourceVersion=9", 200, event("MODIFIED", &object("a", 12))),
    ];
    assert_eq!(play(script, 3).await, ["start", "synced", "changed a"]);
}

#[tokio::test]
async fn a_secondary_finds_what_it_missed() {
    let end = json!({"metadata": {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}});
    let script: Script = Arc::new(Mutex::new(VecDeque::from([
        (
            "sendInitialEvents",
            200,
            event("ADDED", &object("a", 1)) + &event("ADDED", &object("b", 1)) + &event("BOOKMARK", &end),
        ),
        ("resourceVersion=9", 410, "{}".to_owned()),
        ("sendInitialEvents", 200, event("ADDED", &object("b", 1)) + &event("BOOKMARK", &end)),
    ])));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, Router::new().fallback(answer).with_state(script)).into_future());
    let client = Client::try_from(Config::new(format!("http://{addr}").parse().unwrap())).unwrap();
    let (sender, mut moved) = tokio::sync::mpsc::unbounded_channel();
    let (picture, task) = secondary(
        client,
        Query::kind("", "v1", "Secret"),
        |raw| Some(raw.meta.resource_version.clone()),
        move |m: Moved<'_, String>| {
            let _ = sender.send(format!("{} {:?} {:?} {}", m.key.name, m.old, m.new, m.initial));
        },
    );
    tokio::spawn(task);
    picture.synced().await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(tokio::time::timeout(Duration::from_secs(20), moved.recv()).await.unwrap().unwrap());
    }
    assert_eq!(seen, [r#"a None Some("1") true"#, r#"b None Some("1") true"#, r#"a Some("1") None false"#]);
    assert_eq!(picture.all().len(), 1);
}
