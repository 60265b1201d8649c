use std::fs;

use super::*;

fn payloads(recovery: &Recovery) -> Vec<String> {
    recovery.records.iter().map(|r| String::from_utf8(r.payload.clone()).unwrap()).collect()
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    segment::list(dir).unwrap().into_iter().map(|n| segment::path(dir, n)).collect()
}

#[tokio::test]
async fn what_was_acknowledged_is_read_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, recovery) = Journal::open(dir.path(), 64).unwrap();
    assert!(recovery.records.is_empty());
    let receipts: Vec<_> = (0..20).map(|n| journal.append(format!("record {n}").as_bytes())).collect();
    for receipt in receipts {
        receipt.wait().await.unwrap();
    }
    journal.note(b"noted");
    drop(journal);
    let (_journal, recovery) = Journal::open(dir.path(), 64).unwrap();
    let mut expected: Vec<String> = (0..20).map(|n| format!("record {n}")).collect();
    expected.push("noted".to_owned());
    assert_eq!(payloads(&recovery), expected);
    assert_eq!(recovery.damaged, 0);
}

#[tokio::test]
async fn a_kill_at_every_byte_leaves_a_journal_that_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), u64::MAX).unwrap();
    for n in 0..3 {
        journal.append(format!("record {n}").as_bytes()).wait().await.unwrap();
    }
    drop(journal);
    let whole = fs::read(&files(dir.path())[0]).unwrap();
    let one = whole.len() / 3;
    for cut in 0..=whole.len() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(segment::path(dir.path(), 1), &whole[..cut]).unwrap();
        let (journal, recovery) = Journal::open(dir.path(), u64::MAX).unwrap();
        assert_eq!(recovery.records.len(), cut / one, "cut at {cut}");
        journal.append(b"after").wait().await.unwrap();
        drop(journal);
        let (_journal, recovery) = Journal::open(dir.path(), u64::MAX).unwrap();
        assert_eq!(payloads(&recovery).last().map(String::as_str), Some("after"), "cut at {cut}");
        assert_eq!(recovery.records.len(), cut / one + 1);
    }
}

#[tokio::test]
async fn segments_close_at_their_size_and_old_ones_go() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), 40).unwrap();
    let mut segments = Vec::new();
    for n in 0..6 {
        segments.push(journal.append(format!("record number {n}").as_bytes()).wait().await.unwrap());
    }
    assert_eq!(segments, [1, 1, 2, 2, 3, 3]);
    journal.remove_before(3).wait().await.unwrap();
    assert_eq!(segment::list(dir.path()).unwrap(), [3]);
    journal.remove_before(4).wait().await.unwrap();
    assert_eq!(segment::list(dir.path()).unwrap(), [4], "the current one is closed first");
    assert_eq!(journal.append(b"x").wait().await.unwrap(), 4);
}

#[test]
fn a_second_process_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (_journal, _) = Journal::open(dir.path(), 64).unwrap();
    let error = Journal::open(dir.path(), 64).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
}

#[tokio::test]
async fn a_full_disk_refuses_and_keeps_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), 1).unwrap();
    journal.append(b"one").wait().await.unwrap();
    // The next segment cannot be made: its name is taken by a directory.
    fs::create_dir(segment::path(dir.path(), 2)).unwrap();
    let refused = journal.append(b"two").wait().await;
    assert!(matches!(refused, Err(JournalError::Write(_))), "{refused:?}");
    fs::remove_dir(segment::path(dir.path(), 2)).unwrap();
    journal.append(b"three").wait().await.unwrap();
    drop(journal);
    let (_journal, recovery) = Journal::open(dir.path(), 1).unwrap();
    assert_eq!(payloads(&recovery), ["one", "three"]);
}
