//! A program that says of a document whether it is good: its exit status is the answer.

use std::time::Duration;

use tokio::time::timeout;

use super::process::run;
use crate::redact::Redactor;

/// Bytes of output that are read; of more the program is ended.
const OUTPUT_LIMIT: usize = 1 << 20;
/// Characters of it that are kept.
const KEPT: usize = 600;

/// Gives `document` to a program on its standard input. `Ok` has whether it ended with status 0, and the
/// last lines that it printed.
///
/// # Errors
/// Why it could not be run to its end, in words.
pub async fn judge(
    command: &[String],
    document: &str,
    patience: Duration,
    redactor: &Redactor,
) -> Result<(bool, String), String> {
    let [program, arguments @ ..] = command else { return Err("it names no program".into()) };
    let running = run(program, arguments, document.as_bytes().to_vec(), OUTPUT_LIMIT);
    let done = match timeout(patience, running).await {
        Err(_) => return Err(format!("`{program}` took longer than {} s", patience.as_secs())),
        Ok(Err(error)) => return Err(format!("`{program}` cannot be started: {error}")),
        Ok(Ok(done)) => done,
    };
    if done.too_much {
        return Err(format!("`{program}` printed more than 1 MiB"));
    }
    let Some(code) = done.status.code() else {
        return Err(format!("`{program}` was ended by a signal"));
    };
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    let lines: Vec<&str> =
        out.lines().chain(err.lines()).map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(5)..].join(" · ");
    let said = if last.is_empty() {
        format!("`{program}` ended with status {code} and said nothing")
    } else {
        redactor.excerpt(&last, KEPT)
    };
    Ok((code == 0, said))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    async fn judged(script: &str) -> Result<(bool, String), String> {
        judge(&shell(script), "the owner is Ada\n", Duration::from_secs(20), &Redactor::default())
            .await
    }

    #[tokio::test]
    async fn the_status_is_the_answer_and_the_last_lines_are_the_evidence() {
        assert_eq!(judged("grep -q owner && echo found").await, Ok((true, "found".into())));
        let failed = judged("grep -q price || { echo no price >&2; exit 3; }").await;
        assert_eq!(failed, Ok((false, "no price".into())));
        let mute = judged("exit 1").await.expect("it ran");
        assert_eq!(mute, (false, "`/bin/sh` ended with status 1 and said nothing".into()));
    }

    #[tokio::test]
    async fn what_did_not_run_to_its_end_judged_nothing() {
        let none = Redactor::default();
        let absent = judge(&["/no/such/program".into()], "", Duration::from_secs(20), &none).await;
        assert!(absent.expect_err("absent").contains("cannot be started"));
        let slow = judge(&shell("sleep 60"), "", Duration::from_millis(20), &none).await;
        assert!(slow.expect_err("slow").contains("took longer"));
        assert!(judged("kill -9 $$").await.expect_err("killed").contains("signal"));
        assert!(judged("yes").await.expect_err("endless").contains("1 MiB"));
    }
}
