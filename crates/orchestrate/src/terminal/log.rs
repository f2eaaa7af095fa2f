//! Messages of the libraries, on standard error beside our own.

use std::{fmt, io};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Warnings of the libraries go to standard error; `ORCHESTRATE_LOG` asks for more.
pub(crate) fn log_to_stderr() {
    let filter =
        EnvFilter::try_from_env("ORCHESTRATE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogWriter)
        .with_ansi(false)
        .event_format(Line)
        .init();
}

/// A message as a line of talk. Whoever asks for more than warnings also wants to know their source.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match *event.metadata().level() {
            Level::ERROR => writer.write_str("error: ")?,
            Level::WARN => writer.write_str("warning: ")?,
            level => write!(writer, "{level} {}: ", event.metadata().target())?,
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Takes one message at a time: what it quotes may come from anywhere.
struct LogWriter;

impl io::Write for LogWriter {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        super::talk(&super::safe(&String::from_utf8_lossy(message)));
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
