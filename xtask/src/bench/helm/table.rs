//! What was measured, as tables for docs/performance.md.

use std::cmp::Reverse;
use std::time::Duration;

use super::{Case, measure::Run};

type Row = (Case, [Run; 2]);

/// A line for every case.
pub fn each(title: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!(
        "| {title} | output MB | weir ms | helm ms | times faster | weir CPU ms | helm CPU ms | weir peak MiB | helm peak MiB | output |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    );
    for (case, [ours, theirs]) in rows {
        println!(
            "| {} | {:.2} | {:.1} | {:.0} | {:.0} | {:.1} | {:.0} | {:.1} | {:.0} | {} |",
            case.name,
            theirs.output.len() as f64 / 1e6,
            millis(ours.time),
            millis(theirs.time),
            ratio(theirs.time, ours.time),
            millis(ours.cpu),
            millis(theirs.cpu),
            mebibytes(ours.peak),
            mebibytes(theirs.peak),
            verdict(case, ours, theirs),
        );
    }
    println!();
}

/// A line for all cases, and one for those that make keys.
pub fn sums(rows: &[Row]) {
    println!(
        "| cases | n | weir s | helm s | times faster | weir median ms | helm median ms | times faster | weir CPU s | helm CPU s \
         | weir peak MiB, median / most | helm | of helm's, medians |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for (title, keys) in [("all but those that make keys", false), ("that make keys or certificates", true)] {
        let of: Vec<&Row> = rows.iter().filter(|(case, _)| case.makes_keys == keys).collect();
        if !of.is_empty() {
            sum(title, &of);
        }
    }
    println!();
    let same = rows.iter().filter(|(_, [ours, theirs])| ours.succeeded && ours.output == theirs.output).count();
    let refused = rows.iter().filter(|(_, [ours, _])| !ours.succeeded).count();
    println!("Of {} cases {same} print the same bytes, {refused} are refused by both.\n", rows.len());
}

fn sum(title: &str, rows: &[&Row]) {
    let side = |at: usize| rows.iter().filter_map(move |(_, runs)| runs.get(at));
    let total = |at: usize| side(at).map(|run| run.time).sum::<Duration>();
    let cpu = |at: usize| side(at).map(|run| run.cpu).sum::<Duration>();
    let median_time = |at: usize| median(side(at).map(|run| run.time).collect());
    let median_peak = |at: usize| median(side(at).map(|run| run.peak).collect());
    let most = |at: usize| side(at).map(|run| run.peak).max().unwrap_or(0);
    println!(
        "| {title} | {} | {:.2} | {:.1} | {:.1} | {:.1} | {:.0} | {:.1} | {:.2} | {:.1} | {:.1} / {:.0} | {:.0} / {:.0} | {:.2} |",
        rows.len(),
        total(0).as_secs_f64(),
        total(1).as_secs_f64(),
        ratio(total(1), total(0)),
        millis(median_time(0)),
        millis(median_time(1)),
        ratio(median_time(1), median_time(0)),
        cpu(0).as_secs_f64(),
        cpu(1).as_secs_f64(),
        mebibytes(median_peak(0)),
        mebibytes(most(0)),
        mebibytes(median_peak(1)),
        mebibytes(most(1)),
        median_peak(0) as f64 / median_peak(1).max(1) as f64,
    );
}

pub fn largest(rows: &[Row], count: usize) -> Vec<Row> {
    first(rows, count, |(_, [_, theirs])| theirs.output.len() as u128)
}

pub fn slowest(rows: &[Row], count: usize) -> Vec<Row> {
    first(rows, count, |(case, [ours, _])| if case.makes_keys { 0 } else { ours.time.as_micros() })
}

fn first(rows: &[Row], count: usize, by: impl Fn(&Row) -> u128) -> Vec<Row> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| Reverse(by(row)));
    sorted.truncate(count);
    sorted
}

fn verdict(case: &Case, ours: &Run, theirs: &Run) -> &'static str {
    let expected = case.expected.as_ref().and_then(|path| std::fs::read(path).ok());
    match ours.succeeded {
        false => "refused by both",
        true if ours.output == theirs.output || expected.is_some_and(|it| it == ours.output) => "identical",
        true => "different",
    }
}

fn median<T: Ord + Copy + Default>(mut all: Vec<T>) -> T {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64().max(1e-6)
}
