//! The scripted server as a process of its own, for crash tests and benchmarks: prints
//! `listening http://127.0.0.1:PORT`, answers with `echo`, and ends with its standard input.
//!
//! `scripted-server [--delay-ms N] [--log FILE] [--max-seconds N]`

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};
use orchestrate_testkit::{
    behaviour::echo_after,
    reply::Reply,
    server::{Recording, ScriptedServer, SeenRequest},
};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

struct Options {
    delay: Duration,
    log: Option<Mutex<File>>,
    max: Duration,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = read_options(std::env::args().skip(1))?;
    let max = options.max;
    let server = ScriptedServer::start_recording(logged(options), Recording::Counts).await?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening {}", server.url())?;
    stdout.flush()?;
    tokio::select! {
        () = end_of_input() => {}
        () = tokio::time::sleep(max) => {}
    }
    // tokio would wait for the blocking read of standard input, which may never return.
    std::process::exit(0)
}

fn read_options(mut args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options { delay: Duration::ZERO, log: None, max: Duration::from_hours(1) };
    while let Some(flag) = args.next() {
        let value = args.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--delay-ms" => options.delay = Duration::from_millis(value.parse()?),
            "--max-seconds" => options.max = Duration::from_secs(value.parse()?),
            "--log" => {
                let file = OpenOptions::new().create(true).append(true).open(&value);
                options.log = Some(Mutex::new(file.with_context(|| format!("open {value}"))?));
            }
            _ => bail!("unknown option {flag}; known are --delay-ms, --log and --max-seconds"),
        }
    }
    Ok(options)
}

/// [`echo_after`] that first writes a line per request, so that what a killed client had sent is on record.
fn logged(options: Options) -> impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static {
    let echo = echo_after(options.delay);
    move |request| {
        if let Some(log) = &options.log {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let line = json!({
                "time": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
                "model": request.model(),
                "sha": format!("{:016x}", request.messages_hash()),
                "n": request.number,
            });
            let mut file = log.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
                return Reply::error(500, "log_failed", &error.to_string());
            }
        }
        echo(request)
    }
}

async fn end_of_input() {
    let (mut stdin, mut buffer) = (tokio::io::stdin(), [0; 256]);
    while matches!(stdin.read(&mut buffer).await, Ok(read) if read > 0) {}
}
