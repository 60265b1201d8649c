//! Go's spelling of switches: `--flag=true` is `--flag`, and `--flag=false` is nothing at all.

use std::{collections::BTreeSet, ffi::OsString};

use clap::{ArgAction, Command, CommandFactory};

/// The arguments as this program spells them.
pub fn switches(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let (mut known, mut valued) = (BTreeSet::new(), BTreeSet::new());
    let mut out = Vec::new();
    let mut args = args.into_iter();
    for arg in args.by_ref() {
        if arg == "--" {
            out.push(arg);
            break;
        }
        let switch = arg.to_str().and_then(|it| it.strip_prefix("--")?.split_once('='));
        let said = switch.and_then(|(name, value)| Some((name.to_owned(), truth(value)?)));
        let Some((name, said)) = said else {
            out.push(arg);
            continue;
        };
        // Commands are put together when they are called; here all of them are needed, and only here.
        if known.is_empty() {
            let mut command = crate::Args::command();
            command.build();
            collect(&command, &mut known, &mut valued);
        }
        match known.contains(&name) && !valued.contains(&name) {
            true if said => out.push(format!("--{name}").into()),
            true => {}
            false => out.push(arg),
        }
    }
    // What follows `--` is no flag.
    out.extend(args);
    out
}

/// What Go takes for a boolean.
fn truth(value: &str) -> Option<bool> {
    match value {
        "true" | "True" | "TRUE" | "t" | "T" | "1" => Some(true),
        "false" | "False" | "FALSE" | "f" | "F" | "0" => Some(false),
        _ => None,
    }
}

/// Long names of switches, and of options that take values, of a command and those below it.
fn collect(command: &Command, known: &mut BTreeSet<String>, valued: &mut BTreeSet<String>) {
    for arg in command.get_arguments() {
        let into = if matches!(arg.get_action(), ArgAction::SetTrue) { &mut *known } else { &mut *valued };
        into.extend(arg.get_long_and_visible_aliases().unwrap_or_default().into_iter().map(str::to_owned));
    }
    command.get_subcommands().for_each(|it| collect(it, known, valued));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_may_be_spelled_as_go_spells_them() {
        let said = |text: &str| {
            let words = switches(text.split(' ').map(OsString::from));
            words.iter().map(|it| it.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        for (given, expected) in [
            ("weir template --include-crds=true x", "weir template --include-crds x"),
            ("weir template --include-crds=0 x", "weir template x"),
            ("weir template --include-crds=maybe x", "weir template --include-crds=maybe x"),
            ("weir template --set=true --set a=true x", "weir template --set=true --set a=true x"),
            ("weir template -- --include-crds=false", "weir template -- --include-crds=false"),
        ] {
            assert_eq!(said(given), expected);
        }
    }
}
