//! What the terminal can do, and progress on it.

use std::io::{BufWriter, IsTerminal, Write};

use crate::{error::Error, text};

/// What a piece of text means; a colour on terminals that have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// As it should be.
    Good,
    /// On its way, or worth a look.
    Warn,
    /// Not as it should be.
    Bad,
    /// Less important.
    Dim,
    /// A heading.
    Strong,
}

/// How to render: with or without colours, and how wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours.
    pub colour: bool,
    /// Columns of the terminal; none when it is not one, and then nothing is wrapped.
    pub width: Option<usize>,
}

impl Style {
    /// No colours, no wrapping.
    #[cfg(test)]
    pub const fn plain() -> Self {
        Self { colour: false, width: None }
    }

    /// `text` in the colour of its tone.
    pub fn paint(self, text: &str, tone: Tone) -> String {
        let code = match tone {
            _ if !self.colour || text.is_empty() => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// How to render on stdout.
pub fn stdout_style() -> Style {
    let stdout = std::io::stdout();
    style(stdout.is_terminal(), rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col))
}

/// How to render on stderr.
pub fn stderr_style() -> Style {
    let stderr = std::io::stderr();
    style(stderr.is_terminal(), rustix::termios::tcgetwinsize(&stderr).ok().map(|size| size.ws_col))
}

fn style(terminal: bool, columns: Option<u16>) -> Style {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    Style {
        colour: terminal && !no_colour && !dumb,
        width: columns.filter(|&columns| terminal && columns > 0).map(usize::from),
    }
}

/// Prints to stdout. A reader that went away is no error: the rest was not wanted.
pub fn print(text: &str) -> Result<(), Error> {
    print_all(&[text])
}

/// As [`print`], text in pieces.
pub fn print_all(pieces: &[impl AsRef<str>]) -> Result<(), Error> {
    let mut out = BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let written = pieces.iter().try_for_each(|it| out.write_all(it.as_ref().as_bytes()));
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(source) => Err(Error::Io { action: "write to stdout".into(), source }),
        Ok(()) => Ok(()),
    }
}

/// What is going on, on stderr: one line that changes on a terminal, a line for each change elsewhere.
pub struct Progress {
    style: Style,
    live: bool,
    shown: String,
    turn: usize,
}

impl Progress {
    /// Nothing is shown yet.
    pub fn new() -> Self {
        let live = std::io::stderr().is_terminal();
        Self { style: stderr_style(), live, shown: String::new(), turn: 0 }
    }

    /// A step that begins or is over, which stays on the screen.
    pub fn step(&mut self, mark: &str, tone: Tone, message: &str) {
        self.clear();
        eprintln!("{} {}", self.style.paint(mark, tone), text::clean(message));
    }

    /// What is being waited for; on a terminal with a sign of life and the time it has taken.
    pub fn wait(&mut self, message: &str, seconds: i64) {
        const FRAMES: [char; 4] = ['◐', '◓', '◑', '◒'];
        let message = text::clean(message);
        if self.live {
            self.turn += 1;
            let frame = FRAMES.get(self.turn % FRAMES.len()).copied().unwrap_or('◐');
            // Without wrapping, a long message stays one line that can be overwritten.
            eprint!("\r\u{1b}[K\u{1b}[?7l{frame} {message} ({})\u{1b}[?7h", text::span(seconds));
            let _ = std::io::stderr().flush();
            self.shown = message;
        } else if self.shown != message {
            eprintln!("◎ {message}");
            self.shown = message;
        }
    }

    /// Removes the line that changes.
    pub fn clear(&mut self) {
        if self.live && !self.shown.is_empty() {
            eprint!("\r\u{1b}[K");
            let _ = std::io::stderr().flush();
            self.shown.clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_when_asked_for() {
        let colour = Style { colour: true, width: None };
        assert_eq!(colour.paint("x", Tone::Bad), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(colour.paint("x", Tone::Plain), "x");
        assert_eq!(colour.paint("", Tone::Bad), "");
        assert_eq!(Style::plain().paint("x", Tone::Bad), "x");
    }

    #[test]
    fn no_terminal_no_width() {
        assert_eq!(style(false, Some(80)), Style::plain());
        assert_eq!(style(true, Some(0)).width, None);
        assert_eq!(style(true, Some(80)).width, Some(80));
    }
}
