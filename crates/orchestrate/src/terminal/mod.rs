//! Everything that is printed: results to standard output, all talk to standard error.

pub(crate) mod approval;
pub(crate) mod closing;
pub(crate) mod progress;
pub(crate) mod result;

mod diagnostics;
mod escape;
mod lines;
mod log;
mod rows;
mod secrets;

use std::{
    io::{BufRead as _, ErrorKind, IsTerminal, Read as _, Write},
    process::ExitCode,
    sync::OnceLock,
};

use anstyle::{AnsiColor, Style};

use orchestrate_engine::{config::Config, home::Home};

use crate::exit::{CliError, Exit};

pub(crate) use diagnostics::{diagnostic_json, diagnostics, diagnostics_as_result};
use escape::{in_ci, safe, safe_json};
pub(crate) use log::log_to_stderr;
pub(crate) use secrets::{keep, panics_are_redacted};

/// The longest answer to a question, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// Prints data. Hidden characters are made visible, and in CI log commands lose their power.
pub(crate) fn out(text: &str) {
    put(&safe(text));
}

/// Prints bytes as they are where a file or a program gets them: there every one of them counts. On a
/// terminal, and in a CI job's log, they are made safe like all others, with a warning where that changes
/// something.
pub(crate) fn out_exactly(bytes: &[u8]) {
    let stdout = std::io::stdout();
    let is_read = stdout.is_terminal() || (in_ci() && !is_a_file(&stdout));
    let text = String::from_utf8_lossy(bytes);
    if secrets::found(&text) {
        return put(&safe(&text));
    }
    let shown = safe(&text);
    if is_read && shown.as_bytes() != bytes {
        out(&shown);
        warn(
            "characters that a terminal would obey are shown otherwise",
            &["--to FILE writes every byte as it is".to_owned()],
        );
        return;
    }
    let mut stdout = stdout.lock();
    kept(stdout.write_all(bytes).and_then(|()| stdout.flush()));
}

fn is_a_file(stdout: &std::io::Stdout) -> bool {
    use std::os::fd::AsFd as _;
    let handle = stdout.as_fd().try_clone_to_owned().map(std::fs::File::from);
    handle.and_then(|file| file.metadata()).is_ok_and(|found| found.is_file())
}

/// Prints one JSON document.
pub(crate) fn out_json(value: &serde_json::Value) {
    let text = serde_json::to_string_pretty(value).expect("a JSON value can be written");
    out_json_line(&text);
}

/// Prints JSON text.
fn out_json_line(text: &str) {
    put(&format!("{}\n", safe_json(text)));
}

/// Says something to whoever is watching.
pub(crate) fn say(text: &str) {
    talk(&format!("{}\n", safe(text)));
}

/// Whether there is somebody to ask: standard input and standard error are a terminal, and not a CI job's.
pub(crate) fn can_ask() -> bool {
    !in_ci() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line; `None` for an empty one and at the end of the input.
pub(crate) fn ask(question: &str) -> Option<String> {
    talk(&safe(question));
    let mut answer = String::new();
    // A person's line; what is longer was pasted by mistake.
    let mut input = std::io::stdin().lock().take(MAX_ANSWER);
    match input.read_line(&mut answer) {
        Ok(_) if !answer.trim().is_empty() => Some(answer.trim().to_owned()),
        Ok(_) | Err(_) => None,
    }
}

/// Prints a warning.
pub(crate) fn warn(message: &str, help: &[String]) {
    talk(&format!("{WARNING}warning{WARNING:#}: {}\n", safe(message)));
    for line in help {
        talk(&format!("{HELP}help{HELP:#}: {}\n", safe(line)));
    }
}

/// Prints an error with everything that belongs to it.
pub(crate) fn error(error: &CliError) {
    if !error.diagnostics.is_empty() {
        diagnostics(&error.diagnostics);
    }
    for (message, help) in &error.more {
        talk(&format!("{ERROR}error{ERROR:#}: {}\n", safe(message)));
        if let Some(help) = help {
            talk(&format!("{HELP}help{HELP:#}: {}\n", safe(help)));
        }
    }
    let mistakes = error
        .diagnostics
        .iter()
        .filter(|found| found.severity == orchestrate_core::diagnostic::Severity::Error)
        .count()
        + error.more.len();
    if !error.diagnostics.is_empty() && mistakes > 1 {
        let outcome = if error.stopped_a_run { "; nothing was run" } else { "" };
        talk(&format!("{ERROR}error{ERROR:#}: {mistakes} mistakes{outcome}\n"));
    }
    if !error.message.is_empty() {
        talk(&format!("{ERROR}error{ERROR:#}: {}\n", safe(&error.message)));
    }
    for line in &error.help {
        // Indented lines belong to the one before.
        if line.starts_with(' ') {
            talk(&format!("    {}\n", safe(line)));
        } else {
            talk(&format!("{HELP}help{HELP:#}: {}\n", safe(line)));
        }
    }
}

/// Prints what is wrong with a command line, or the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr()
        && let Ok(home) = Home::locate(None)
    {
        // It quotes the command line, and nobody has read the configuration yet.
        keep(&Config::secrets_of(&home));
    }
    let shown = safe(&text);
    if error.use_stderr() && (shown != text || secrets::found(&text)) {
        // It quotes the command line, which a script may have put together from anything.
        talk(&shown);
    } else {
        // A closed pipe is nobody's mistake.
        let _ = error.print();
    }
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// Columns for standard output: its terminal's, else that of standard error; 100 where there is none.
pub(crate) fn width() -> usize {
    columns(&[console::Term::stdout(), console::Term::stderr()])
}

/// Columns for standard error.
pub(crate) fn width_of_talk() -> usize {
    columns(&[console::Term::stderr(), console::Term::stdout()])
}

/// Columns as `COLUMNS` says, else those of the first that is a terminal.
fn columns(streams: &[console::Term; 2]) -> usize {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || {
        let terminal = streams.iter().find(|stream| stream.is_term())?;
        terminal.size_checked().map(|(_, columns)| usize::from(columns))
    };
    set.or_else(asked).filter(|&columns| columns >= 20).unwrap_or(100)
}

/// Less room than this beside a name is too little for text.
const NARROW: usize = 30;

/// A row of a list: a name in its column, then text wrapped beside it, or below it where there is little room.
pub(crate) fn row(name: &str, column: usize, text: &str) -> String {
    row_within(width(), name, column, text)
}

fn row_within(width: usize, name: &str, column: usize, text: &str) -> String {
    let indent = column + 2;
    if text.is_empty() {
        return format!("{name}\n");
    }
    if width < indent + NARROW {
        return format!("{name}\n    {}\n", wrapped(text, width.saturating_sub(4), 4));
    }
    format!("{name:column$}  {}\n", wrapped(text, width - indent, indent))
}

/// Words in lines of `room` columns; all but the first begin with `indent` spaces. A longer word has a line of
/// its own.
fn wrapped(text: &str, room: usize, indent: usize) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            shown.push('\n');
            shown.push_str(&" ".repeat(indent));
            used = 0;
        } else if used > 0 {
            shown.push(' ');
            used += 1;
        }
        shown.push_str(word);
        used += length;
    }
    shown
}

/// Lines of a table for a terminal that may be too narrow for it: what does not fit goes on, indented, in the
/// next line. What a file or a program gets stays in one line.
pub(crate) fn fitted(text: &str) -> String {
    let is_shown = std::io::stdout().is_terminal() || std::env::var_os("COLUMNS").is_some();
    if is_shown { fitted_within(width(), text) } else { text.to_owned() }
}

fn fitted_within(width: usize, text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    for line in text.lines() {
        let indent = line.chars().take_while(|&c| c == ' ').count();
        // Where the first column past the width begins, and the last gap before it.
        let over = line.char_indices().nth(width).map(|(at, c)| if c == ' ' { at + 1 } else { at });
        let gap = over.and_then(|over| line[..over].rfind(' ').filter(|&gap| gap > indent));
        match gap {
            Some(gap) => {
                let rest = wrapped(&line[gap..], width.saturating_sub(indent + 4), indent + 4);
                shown.push_str(line[..gap].trim_end());
                shown.push('\n');
                shown.push_str(&" ".repeat(indent + 4));
                shown.push_str(&rest);
            }
            None => shown.push_str(line),
        }
        shown.push('\n');
    }
    shown
}

/// Whether standard error is a terminal that can be drawn on. A CI job's is read as a log.
fn can_draw() -> bool {
    !in_ci()
        && std::io::stderr().is_terminal()
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Why standard output could not be written to.
static LOST: OnceLock<std::io::Error> = OnceLock::new();

/// Writes to standard output. Whoever has closed it wants no more of it.
fn put(text: &str) {
    let text = &secrets::redacted(text);
    let mut stdout = anstream::stdout().lock();
    kept(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// Remembers why standard output could not be written to.
fn kept(written: std::io::Result<()>) {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            // The first reason is the one to tell.
            let _ = LOST.set(error);
        }
        Ok(()) | Err(_) => {}
    }
}

/// An error where a part of the result could not be written, to a disk that is full for one.
pub(crate) fn lost() -> Option<CliError> {
    let error = LOST.get()?;
    Some(
        CliError::new(Exit::RunFailed, format!("writing standard output: {error}"))
            .help("what was run is recorded: `orchestrate runs show --result` prints it again"),
    )
}

/// Writes to standard error text that was made safe before.
fn talk(text: &str) {
    let text = &secrets::redacted(text);
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
}

/// Whether a diagnostic is shown with colour on this stream.
fn styled(stream: &impl anstream::stream::RawStream) -> bool {
    anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_laid_out_for_the_width_there_is() {
        let text = "from raw data to a deployed and monitored model";
        assert_eq!(
            row_within(60, "end-to-end-ml", 20, text),
            "end-to-end-ml         from raw data to a deployed and\n                      monitored model\n"
        );
        assert_eq!(
            row_within(40, "end-to-end-ml", 20, text),
            "end-to-end-ml\n    from raw data to a deployed and\n    monitored model\n"
        );
        assert_eq!(row_within(40, "bare", 20, ""), "bare\n");
    }

    #[test]
    fn a_table_that_is_too_wide_goes_on_in_the_next_line() {
        let table = "Stage 1\n  data        data-engineer         openai:gpt-5-mini  ≈99 tokens\n";
        assert_eq!(fitted_within(100, table), table);
        assert_eq!(
            fitted_within(40, table),
            "Stage 1\n  data        data-engineer\n      openai:gpt-5-mini ≈99 tokens\n"
        );
        assert_eq!(fitted_within(20, "≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈\n"), "≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈≈\n");
    }
}
