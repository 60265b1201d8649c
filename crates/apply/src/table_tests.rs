use super::*;

const US: &str = "us";

fn owner() -> Owner {
    Owner { namespace: "ns".into(), name: "app".into() }
}

fn kind() -> GroupKind {
    GroupKind::new("", "ConfigMap")
}

fn object(name: &str) -> ObjectRef {
    ObjectRef { group: String::new(), kind: "ConfigMap".into(), namespace: "ns".into(), name: name.into() }
}

/// An object at a version, with a state that its fingerprint follows.
fn at(name: &str, version: u64, state: i64) -> Metadata {
    Metadata {
        name: name.into(),
        namespace: "ns".into(),
        uid: "u".into(),
        resource_version: version.to_string(),
        generation: Some(state),
        ..Metadata::default()
    }
}

fn seen(meta: &Metadata) -> Seen<'_> {
    Seen { meta, print: meta.fingerprint(US), clean: meta.annotations.is_empty() }
}

fn observe(table: &mut Table, meta: &Metadata) -> Option<Wake> {
    table.observe(&kind(), &owner(), seen(meta)).map(|(_, wake)| wake)
}

fn expect(table: &mut Table, meta: &Metadata) {
    table.expect(&owner(), &object(&meta.name), meta.version(), meta.fingerprint(US));
}

#[test]
fn our_own_write_is_no_drift_whichever_comes_first() {
    let mut t = Table::default();
    expect(&mut t, &at("a", 5, 1));
    assert_eq!(observe(&mut t, &at("a", 5, 1)), None);
    t.begin(&owner());
    assert_eq!(observe(&mut t, &at("a", 7, 2)), None, "the watch was faster than the answer");
    expect(&mut t, &at("a", 7, 2));
    assert_eq!(t.finish(&owner(), Attention::None), None);
    assert!(t.drifted(&owner()).is_empty() && t.holds(&owner(), &object("a")));
}

#[test]
fn anothers_write_is_drift_at_once_or_at_the_end_of_a_run() {
    let mut t = Table::default();
    expect(&mut t, &at("a", 5, 1));
    assert_eq!(observe(&mut t, &at("a", 6, 1)), None, "nothing of ours moved");
    assert_eq!(observe(&mut t, &at("a", 7, 2)), Some(Wake::Drift));
    assert_eq!(t.drifted(&owner()), [object("a")]);
    t.begin(&owner());
    expect(&mut t, &at("a", 8, 3));
    assert_eq!(observe(&mut t, &at("a", 9, 4)), None);
    assert_eq!(t.finish(&owner(), Attention::None), Some(Wake::Drift));
    t.begin(&owner());
    assert_eq!(t.finish(&owner(), Attention::None), None, "a run that could not help is not repeated at once");
    assert!(!t.holds(&owner(), &object("a")));
}

#[test]
fn drift_between_our_answer_and_its_registration_is_found() {
    let mut t = Table::default();
    assert_eq!(observe(&mut t, &at("a", 5, 1)), None);
    assert_eq!(observe(&mut t, &at("a", 6, 2)), None);
    t.begin(&owner());
    expect(&mut t, &at("a", 5, 1));
    assert_eq!(t.finish(&owner(), Attention::None), Some(Wake::Drift));
}

#[test]
fn a_change_that_is_undone_is_no_drift_any_more() {
    let mut t = Table::default();
    expect(&mut t, &at("a", 5, 1));
    assert_eq!(observe(&mut t, &at("a", 6, 2)), Some(Wake::Drift));
    observe(&mut t, &at("a", 7, 1));
    assert!(t.drifted(&owner()).is_empty());
}

#[test]
fn what_is_deleted_is_drift_unless_we_let_it_go() {
    let mut t = Table::default();
    expect(&mut t, &at("a", 5, 1));
    expect(&mut t, &at("b", 6, 1));
    observe(&mut t, &at("a", 5, 1));
    observe(&mut t, &at("b", 6, 1));
    assert_eq!(t.vanish(&kind(), "ns", "a", 9), Some((owner(), Wake::Drift)));
    t.forget(&owner(), &object("b"));
    assert_eq!(t.vanish(&kind(), "ns", "b", 10), None);
    assert_eq!(t.drifted(&owner()), [object("a")]);
    expect(&mut t, &at("a", 11, 1));
    assert_eq!(t.vanish(&kind(), "ns", "a", 9), None, "an old deletion, of what was there before");
    assert!(t.drifted(&owner()).is_empty());
}

#[test]
fn what_another_owner_took_over_is_not_forgotten_with_the_old_one() {
    let mut t = Table::default();
    let other = Owner { namespace: "ns".into(), name: "other".into() };
    let object = object("a");
    expect(&mut t, &at("a", 5, 1));
    let taken = at("a", 6, 2);
    t.expect(&other, &object, taken.version(), taken.fingerprint(US));
    t.forget(&owner(), &object);
    assert!(t.holds(&other, &object));
    let moved = at("a", 7, 3);
    let alarm = t.observe(&kind(), &other, seen(&moved));
    assert_eq!(alarm, Some((other, Wake::Drift)), "the new owner still hears of it");
}

#[test]
fn a_listing_finds_what_went_while_nobody_looked() {
    let mut t = Table::default();
    for name in ["a", "b"] {
        expect(&mut t, &at(name, 5, 1));
        observe(&mut t, &at(name, 5, 1));
    }
    t.listing(&kind());
    observe(&mut t, &at("b", 5, 1));
    expect(&mut t, &at("c", 9, 1));
    let alarms = t.listed(&kind(), 8);
    assert_eq!(alarms, [(owner(), Wake::Drift)], "a is gone; c was written after the listing");
    assert_eq!(t.drifted(&owner()), [object("a")]);
}

#[test]
fn who_waits_is_woken_by_others_writes_and_told_which() {
    let mut t = Table::default();
    t.begin(&owner());
    t.attend(&owner());
    expect(&mut t, &at("a", 5, 1));
    assert_eq!(observe(&mut t, &at("a", 5, 1)), None);
    assert_eq!(t.finish(&owner(), Attention::Wake), None, "our own write is no news");
    assert_eq!(observe(&mut t, &at("a", 6, 1)), Some(Wake::Health));
    assert_eq!(t.take_touched(&owner()), [object("a")]);
    t.begin(&owner());
    assert_eq!(observe(&mut t, &at("a", 7, 1)), None);
    assert_eq!(t.finish(&owner(), Attention::Wake), Some(Wake::Health), "written during the run");
    assert_eq!(t.touch(&owner(), &object("other")), Some((owner(), Wake::Health)));
    assert_eq!(t.take_touched(&owner()).len(), 2);
    t.finish(&owner(), Attention::None);
    assert_eq!(observe(&mut t, &at("a", 8, 1)), None);
}

#[test]
fn who_only_takes_notes_is_not_woken() {
    let mut t = Table::default();
    expect(&mut t, &at("a", 5, 1));
    t.begin(&owner());
    assert_eq!(t.finish(&owner(), Attention::Note), None);
    assert_eq!(observe(&mut t, &at("a", 6, 1)), None);
    assert_eq!(t.take_touched(&owner()), [object("a")]);
    assert!(t.take_touched(&owner()).is_empty());
}

#[test]
fn invented_owners_are_not_kept() {
    let mut t = Table::default();
    t.begin(&owner());
    expect(&mut t, &at("ours", 1, 1));
    for n in 0..20_000u64 {
        let invented = Owner { namespace: "ns".into(), name: format!("invented-{n}") };
        let meta = at("theirs", 2 * n + 2, 1);
        t.observe(&kind(), &invented, seen(&meta));
        t.vanish(&kind(), "ns", "theirs", 2 * n + 3);
    }
    assert!(t.owners.len() <= 2 * FIRST_SWEEP && t.owner_ids.len() <= t.owners.len(), "{}", t.owners.len());
    assert!(t.holds(&owner(), &object("ours")));
    assert_eq!(t.finish(&owner(), Attention::None), None);
    assert_eq!(observe(&mut t, &at("ours", 50_000, 2)), Some(Wake::Drift), "who is there is still told");
    t.drop_owner(&owner());
    assert!(!t.holds(&owner(), &object("ours")));
}

#[test]
fn a_row_is_small() {
    assert!(std::mem::size_of::<Row>() <= 80, "{}", std::mem::size_of::<Row>());
}

#[test]
fn an_object_is_applied_without_a_look_only_as_it_was_seen_clean_and_is_there() {
    let mut t = Table::default();
    assert_eq!(t.glimpse(&object("a")), None);
    expect(&mut t, &at("a", 5, 1));
    assert_eq!(t.glimpse(&object("a")), Some(Glimpse { version: 0, clean: false }), "not seen yet");
    observe(&mut t, &at("a", 6, 2));
    assert_eq!(t.glimpse(&object("a")), Some(Glimpse { version: 6, clean: true }));
    let mut dirty = at("a", 7, 3);
    dirty.annotations.insert("x".into(), "y".into());
    observe(&mut t, &dirty);
    assert_eq!(t.glimpse(&object("a")), Some(Glimpse { version: 7, clean: false }));
    observe(&mut t, &at("a", 8, 4));
    t.vanish(&kind(), "ns", "a", 9);
    assert_eq!(t.glimpse(&object("a")), Some(Glimpse { version: 9, clean: false }), "it is gone");
}

#[test]
fn kinds_that_specs_only_name_are_not_kept() {
    let mut t = Table::default();
    t.begin(&owner());
    t.finish(&owner(), Attention::Wake);
    let named = |n: u32| ObjectRef { kind: format!("Kind{n}"), ..object("other") };
    for n in 0..100_000 {
        assert_eq!(t.touch(&owner(), &named(n)), Some((owner(), Wake::Health)));
    }
    assert!(t.kinds.is_empty());
    assert_eq!(t.take_touched(&owner()).len(), 100_000, "an owner names no more than its spec holds");
    assert_eq!(t.finish(&owner(), Attention::None), None);
    assert_eq!(t.touch(&owner(), &named(1)), None, "nobody waits");
    assert!(t.take_touched(&owner()).is_empty());
}

#[test]
fn our_own_write_is_nothing_to_look_at_again_also_when_the_watch_was_faster() {
    let mut t = Table::default();
    t.begin(&owner());
    t.attend(&owner());
    observe(&mut t, &at("a", 5, 1));
    observe(&mut t, &at("b", 6, 1));
    observe(&mut t, &at("b", 8, 1));
    expect(&mut t, &at("a", 5, 1));
    expect(&mut t, &at("b", 6, 1));
    assert_eq!(t.take_touched(&owner()), [object("b")], "only what was written after us");
}
