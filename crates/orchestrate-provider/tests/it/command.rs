//! Programs as providers, with small ones in the place of real ones.
#![cfg(unix)]

use std::{sync::Arc, time::Duration};

use orchestrate_core::{
    failure::{Billed, FailureClass},
    request::{Parameters, Request, Timeouts},
};
use orchestrate_provider::{
    AttemptError, Completion, Provider as _, Silent,
    command::{CommandProvider, Config, Output},
};

use crate::support::request;

/// Runs a script in the place of a program, with the model as its first argument.
async fn complete(
    script: &str,
    change: impl FnOnce(&mut Config, &mut Request),
) -> Result<Completion, AttemptError> {
    let command = ["/bin/sh", "-c", script, "program", "{model}"].map(str::to_owned).to_vec();
    let mut config = Config::new("mine", command, Output::Text);
    let mut request = request();
    change(&mut config, &mut request);
    let provider = CommandProvider::new(config).expect("sound");
    provider.complete(Arc::new(request), Arc::new(Silent)).await
}

#[tokio::test]
async fn the_prompt_goes_in_by_standard_input_and_the_text_comes_out() {
    let good = complete("echo \"model $1\"; cat; ls -A; pwd >&2", |_, _| {}).await.expect("a text");
    let expected = format!("model gpt-5-mini\nYou test.\n\n{}", request().user());
    // Whatever else is in its folder would stand at the end.
    assert_eq!(good.text, expected);
    assert!(good.usage.estimated && good.usage.output > 10);
}

#[tokio::test]
async fn nothing_of_a_prompt_or_model_reaches_a_shell_or_is_an_option() {
    let echo = ["/bin/echo", "--x", "{model}"].map(str::to_owned).to_vec();
    let named = |model: &'static str, command: Vec<String>| {
        complete("", move |config, request| {
            config.command = command;
            request.model.model = model.into();
        })
    };
    let good = named("$(id);`id`", echo.clone()).await.expect("a text");
    assert_eq!(good.text, "--x $(id);`id`");
    let error = named("--help", echo).await.expect_err("an option");
    assert_eq!((error.class(), error.billed), (FailureClass::BadRequest, Billed::No));
}

#[tokio::test]
async fn a_program_that_fails_says_why() {
    use FailureClass as C;
    for (script, class, message) in [
        ("echo no >&2; exit 3", C::Unavailable, "/bin/sh ended with code 3: no"),
        (
            "echo 'a\nb\nPlease log in.' >&2; exit 1",
            C::Credentials,
            "/bin/sh ended with code 1: a · b · Please log in.",
        ),
        (
            "echo 'Usage limit reached'; exit 1",
            C::QuotaExhausted,
            "/bin/sh ended with code 1: Usage limit reached",
        ),
        ("exit 1", C::Unavailable, "/bin/sh ended with code 1: it said nothing"),
        ("true", C::Empty, "/bin/sh printed no text"),
        ("kill -9 $$", C::StreamCut, "/bin/sh was ended by a signal"),
    ] {
        let error = complete(script, |_, _| {}).await.expect_err(script);
        assert_eq!((error.class(), error.failure.message.as_str()), (class, message));
        assert_eq!((error.billed, error.lost), (Billed::Assumed, class == C::StreamCut));
    }
    let gone =
        |config: &mut Config, _: &mut Request| config.command = vec!["no-such-program-7f3a".into()];
    let error = complete("", gone).await.expect_err("not there");
    assert_eq!((error.class(), error.billed), (C::NotFound, Billed::No));
}

#[tokio::test]
async fn when_time_is_up_everything_that_it_started_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    // A child that would outlive its parent, and holds the output open.
    let script =
        format!("sleep 600 & echo $! > '{0}.new'; mv '{0}.new' '{0}'; wait", pids.display());
    let error = complete(&script, |_, request| {
        request.timeouts = Timeouts { total_ms: Some(1_500), ..Timeouts::default() };
    });
    let error = error.await.expect_err("too late");
    assert_eq!((error.class(), error.lost), (FailureClass::Timeout, true));
    let pid = std::fs::read_to_string(&pids).expect("it had started");
    let gone = || {
        !std::path::Path::new(&format!("/proc/{}", pid.trim())).exists()
            || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
                .unwrap_or_default()
                .contains(") Z")
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !gone() && std::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert!(gone(), "{pid} is still there");
}

#[tokio::test]
async fn output_has_a_limit_and_ends_the_program_that_goes_beyond() {
    let limited = |config: &mut Config, _: &mut Request| config.output_limit = 10_000;
    let error = complete("yes", limited).await.expect_err("too much");
    assert_eq!(error.class(), FailureClass::Malformed);
    assert_eq!(error.failure.message, "/bin/sh printed more than 10000 bytes");
    // A flood of complaints is read and thrown away.
    let good = complete("yes | head -c 3000000 >&2; echo fine", |_, _| {}).await.expect("a text");
    assert_eq!(good.text, "fine");
}

#[tokio::test]
async fn a_prompt_that_nobody_reads_is_no_failure() {
    let long = |_: &mut Config, request: &mut Request| request.system = "x".repeat(4 << 20);
    assert_eq!(complete("echo fine", long).await.expect("a text").text, "fine");
}

#[tokio::test]
async fn what_a_program_cannot_be_told_is_refused_or_checked_afterwards() {
    let warm = |_: &mut Config, request: &mut Request| {
        request.parameters = Parameters { temperature: Some(0.5), ..Parameters::default() };
    };
    let error = complete("echo fine", warm).await.expect_err("no such setting");
    assert_eq!((error.class(), error.billed), (FailureClass::BadRequest, Billed::No));
    let seeded = |_: &mut Config, request: &mut Request| request.parameters.seed = Some(7);
    let error = complete("echo fine", seeded).await.expect_err("no such setting");
    assert_eq!(error.failure.message, "/bin/sh cannot be told a `seed`");
    let capped = |_: &mut Config, request: &mut Request| request.output_cap = Some(3);
    let error = complete("echo a text of more than three tokens", capped).await.expect_err("long");
    assert_eq!((error.class(), error.billed), (FailureClass::Truncated, Billed::Reported));
}
