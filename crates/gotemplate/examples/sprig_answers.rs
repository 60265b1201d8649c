//! Answers templates as the oracle of the Sprig tests does, to compare the two: `sprig_answers POOL IN OUT`.

#![allow(clippy::panic, reason = "a tool of the tests")]

#[path = "../tests/it/sprig/answer.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod answer;

use std::{fs, io::Write as _};

use weir_gotemplate::sprig::Zone;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, pool, input, output] = args.as_slice() else { panic!("usage: sprig_answers POOL IN OUT") };
    let zone = std::env::var("ORACLE_LOCAL").map_or(Zone::Utc, |name| Zone::named(&name).expect("a zone"));
    let functions = match std::env::var("ORACLE_RANDOM").as_deref() {
        Ok("fixed") => answer::functions(zone, answer::Fixed),
        _ => answer::functions(zone, answer::Counter::new()),
    };
    let pool = fs::read_to_string(pool).expect("the pool");
    let mut out = std::io::BufWriter::new(fs::File::create(output).expect("the output"));
    for line in fs::read_to_string(input).expect("the input").lines() {
        writeln!(out, "{}", answer::answer(&functions, &pool, line)).expect("the output");
    }
}
