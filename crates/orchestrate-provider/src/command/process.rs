//! One run of a program: text in, output and status out, and nothing left behind.

use std::{
    io,
    process::{ExitStatus, Stdio},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
};

/// Bytes of standard error that are kept, the last ones.
const STDERR_KEPT: usize = 16 * 1024;

/// What a program did.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// It printed more than it may, and was ended.
    pub(super) too_much: bool,
}

/// A program with everything that it has started; dropped before it has ended, all of it is ended.
struct Family {
    child: Child,
    ended: bool,
}

impl Family {
    /// Ends the program's process group. The program itself has not been waited for at this point, so its
    /// number cannot have gone to anybody else.
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            // It may have ended already.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if !self.ended {
            self.kill();
        }
    }
}

/// Runs a program to its end. Dropping the future ends the program and what it has started.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    input: Vec<u8>,
    output_limit: usize,
) -> io::Result<Done> {
    // Empty, so that no file of a project speaks to the program.
    let folder = tempfile::Builder::new().prefix("orchestrate-").tempdir()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut family = Family { child, ended: false };
    let write = async move {
        if let Some(mut stdin) = stdin {
            // A program that does not read to the end has its reasons.
            let _ = stdin.write_all(&input).await;
        }
    };
    let read = async {
        let stdout = head(stdout, output_limit);
        let stderr = tail(stderr, STDERR_KEPT);
        // What is printed beyond the limit ends the run at once, whatever else goes on.
        tokio::pin!(stderr);
        let mut kept = None;
        tokio::pin!(stdout);
        loop {
            tokio::select! {
                text = &mut stderr, if kept.is_none() => kept = Some(text),
                (text, too_much) = &mut stdout => {
                    if too_much {
                        return (text, kept.unwrap_or_default(), true);
                    }
                    let stderr = match kept {
                        Some(kept) => kept,
                        None => stderr.await,
                    };
                    return (text, stderr, false);
                }
            }
        }
    };
    tokio::pin!(write);
    tokio::pin!(read);
    let mut written = false;
    let (stdout, stderr, too_much) = loop {
        tokio::select! {
            () = &mut write, if !written => written = true,
            done = &mut read => break done,
        }
    };
    if too_much {
        family.kill();
    }
    let status = family.child.wait().await?;
    family.ended = true;
    Ok(Done { status, stdout, stderr, too_much })
}

/// Reads up to a limit, and says whether there was more.
async fn head(from: Option<impl AsyncRead + Unpin>, limit: usize) -> (Vec<u8>, bool) {
    let mut text = Vec::new();
    if let Some(from) = from {
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        // What was read before an error is what there is.
        let _ = from.take(most).read_to_end(&mut text).await;
    }
    let too_much = text.len() > limit;
    text.truncate(limit);
    (text, too_much)
}

/// Reads everything and keeps the last bytes.
async fn tail(from: Option<impl AsyncRead + Unpin>, limit: usize) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; 8 * 1024]);
    let Some(mut from) = from else { return kept };
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        if kept.len() > 2 * limit {
            kept.drain(..kept.len() - limit);
        }
    }
    kept.split_off(kept.len().saturating_sub(limit))
}
