//! `--record` and `--replay`: what is written, what answers, what is told of a call that is not there, and
//! that a replay asks nobody and passes for nothing else.

use std::fs;

use orchestrate_testkit::reply::{Answer, Reply};

use crate::support::{KEY, Place, Server, TASK, answer, files_below, who, without_run_header};

const MAIN_JOB: [&str; 4] = ["run", "end-to-end-ml", "--task", TASK];

/// The main job with further words.
fn job<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&MAIN_JOB[..], more].concat()
}

/// Files of the cassette, by name.
fn names(place: &Place) -> Vec<String> {
    let found = files_below(&place.work().join("tape"));
    let mut names: Vec<String> =
        found.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap().into()).collect();
    names.sort();
    names
}

/// Another machine with the same project: no key, no address, no runs.
fn elsewhere(place: &Place) -> Place {
    let other = Place::new();
    let work = place.work();
    for (path, content) in files_below(&work) {
        other.write(path.strip_prefix(&work).unwrap().to_str().unwrap(), content);
    }
    other
}

/// The text without the identities of calls, in which the server's port is.
fn unnamed(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let shown = |word: &str| {
        let name = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let name = name.trim_end_matches(".md").rsplit('-').next().unwrap_or_default();
        // The ids of runs are longer.
        let named = matches!(name.len(), 8 | 12) && name.chars().all(is_digit) && word.len() < 32;
        if named { word.replace(name, "[IDENTITY]") } else { word.to_owned() }
    };
    text.split_inclusive([' ', '\n', ':']).map(shown).collect()
}

#[test]
fn what_was_recorded_answers_on_a_machine_without_key_config_and_network() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let live = place.run(&job(&["--model", "openai:m", "--record", "tape", "--output", "live"]));
    assert_eq!(live.code, Some(0), "{}", live.stderr);
    assert!(live.stderr.ends_with("recorded 5 new, in tape\n"), "{}", live.stderr);
    assert_eq!(names(&place).len(), 6, "{:?}", names(&place));

    let other = elsewhere(&place);
    drop(server);
    let replayed = other.run(&job(&["--replay", "tape", "--output", "out"]));
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    let (notice, result) = replayed.stdout.split_once("\n\n").expect("a notice");
    insta::assert_snapshot!(notice, @"> **Replay: no model was called.** Every answer comes from the cassette `tape`, as it was recorded.");
    assert_eq!(result, live.stdout, "the same answers make the same result");
    insta::assert_snapshot!(replayed.stderr, @r"
    run [RUN]  end-to-end-ml  5 steps  replay of tape: no model is called
    [0/5] start   data  data-engineer
    [1/5] ok      data  data-engineer  [TIME]
    [1/5] start   analysis  data-scientist-stats
    [2/5] ok      analysis  data-scientist-stats  [TIME]
    [2/5] start   model  ml-engineer-pytorch
    [3/5] ok      model  ml-engineer-pytorch  [TIME]
    [3/5] start   operations  mlops-engineer
    [4/5] ok      operations  mlops-engineer  [TIME]
    [4/5] start   report  data-viz-specialist
    [5/5] ok      report  data-viz-specialist  [TIME]

    steps   5 of 5 finished
    calls   none: replayed from the cassette `tape`, no model was called
    time    [TIME]
    status  complete
    handed  [COVERAGE]
    written to [ROOT]/repo/out
    next: orchestrate run end-to-end-ml … without --replay has it answered by a model
    ");
    let report = other.read("out/report.md");
    assert!(report.starts_with(notice), "{report}");
    let below = |report: &str| without_run_header(report).split_once("# end").unwrap().1.to_owned();
    assert_eq!(below(&report), below(&place.read("live/report.md")));
    assert!(other.read("out/REPLAY.md").starts_with("# No model was called\n"));
    assert!(other.run(&["runs", "list"]).stdout.contains("5/5  (replay) Predict"));
    assert!(other.run(&["runs", "show"]).stdout.contains("replayed from the cassette `tape`"));
    let shown = other.json(&["runs", "show", "--format", "json"]);
    assert_eq!((&shown["replay"]["cassette"], &shown["calls"]), (&"tape".into(), &0.into()));
    assert_eq!(shown["steps"][0]["source"], "replay");
    let listed = other.json(&["runs", "list", "--format", "json"]);
    assert_eq!(listed["runs"][0]["replay"]["cassette"], "tape");
    let lines = other.good(&job(&["--replay", "tape", "--format", "jsonl"]));
    assert!(lines.lines().next().unwrap().contains(r#""replay":"tape""#), "{lines}");
    assert!(lines.lines().any(|line| line.contains("run_created") && line.contains("\"replay\"")));
}

#[test]
fn a_cassette_tells_nothing_of_key_time_and_place_and_stays_as_it_is_when_it_is_recorded_again() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&job(&["--model", "openai:m", "--record", "tape"]));
    let first = files_below(&place.work().join("tape"));
    for (path, content) in &first {
        let text = String::from_utf8(content.clone()).unwrap();
        assert!(!text.contains(KEY) && !text.contains("T12:"), "{}", path.display());
        assert!(!text.contains(place.root().to_str().unwrap()), "{text}");
    }
    let again = place.run(&job(&["--model", "openai:m", "--record", "tape"]));
    assert!(again.stderr.ends_with("recorded 5 as before, in tape\n"), "{}", again.stderr);
    assert_eq!(files_below(&place.work().join("tape")), first);
    assert_eq!(server.count(), 5, "what is recorded again is not bought again");
    fs::remove_file(place.work().join("tape").join(&names(&place)[0])).unwrap();
    let mended = place.run(&["resume", "--record", "tape"]);
    assert_eq!(mended.code, Some(2), "a complete run has nothing to resume: {}", mended.stderr);
    let mended = place.run(&job(&["--model", "openai:m", "--record", "tape", "--format", "json"]));
    assert!(mended.stderr.ends_with("recorded 1 new, 4 as before, in tape\n"), "{}", mended.stderr);
    assert_eq!(files_below(&place.work().join("tape")), first);
}

#[test]
fn a_miss_is_told_with_the_nearest_call_and_so_is_every_other_in_the_same_run() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&job(&["--model", "openai:m", "--record", "tape"]));
    let other = elsewhere(&place);
    let workflow = other.good(&["workflows", "show", "end-to-end-ml", "--source"]);
    let changed = workflow
        .replace("spoils everything", "ruins everything")
        .replace("Explore the problem", "Study the problem");
    assert_ne!(changed, workflow);
    other.write("workflows/end-to-end-ml.yaml", &changed);
    let replay = job(&["--replay", "tape", "--progress", "quiet"]);
    insta::assert_snapshot!(unnamed(&other.refused(&replay)), @r"
    exit 12
    error: run [RUN] failed: step `data`: not in the cassette: `data#draft.1` ([IDENTITY]) was not recorded; nearest: data-[IDENTITY].md
    help: the prompt, line 4: recorded “…e a mistake in them spoils everything after you:”, now “…e a mistake in them ruins everything after you:”
    help: the same command with --record in the place of --replay asks the model for what is missing, and records it
    error: `data#draft.1` ([IDENTITY]) was not recorded; nearest: data-[IDENTITY].md
    help: the prompt, line 4: recorded “…e a mistake in them spoils everything after you:”, now “…e a mistake in them ruins everything after you:”
    error: `analysis#draft.1` ([IDENTITY]) was not recorded; nearest: analysis-[IDENTITY].md
    help: the prompt, line 1: recorded “Explore the problem and engineer the features, on the tables that the…”, now “Study the problem and engineer the features, on the tables that the d…”
    ");
    let other_model = job(&["--replay", "tape", "--progress", "quiet", "--model", "openai:other"]);
    insta::assert_snapshot!(unnamed(&other.refused(&other_model)), @r"
    exit 12
    error: run [RUN] failed: step `data`: not in the cassette: `data#draft.1` ([IDENTITY]) was not recorded; nearest: data-[IDENTITY].md
    help: model: recorded m, now other; the prompt, line 4: recorded “…e a mistake in them spoils everything after you:”, now “…e a mistake in them ruins everything after you:”
    help: the same command with --record in the place of --replay asks the model for what is missing, and records it
    error: `data#draft.1` ([IDENTITY]) was not recorded; nearest: data-[IDENTITY].md
    help: model: recorded m, now other; the prompt, line 4: recorded “…e a mistake in them spoils everything after you:”, now “…e a mistake in them ruins everything after you:”
    error: `analysis#draft.1` ([IDENTITY]) was not recorded; nearest: analysis-[IDENTITY].md
    help: model: recorded m, now other; the prompt, line 1: recorded “Explore the problem and engineer the features, on the tables that the…”, now “Study the problem and engineer the features, on the tables that the d…”
    error: `model#draft.1` ([IDENTITY]) was not recorded; nearest: model-[IDENTITY].md
    help: model: recorded m, now other
    error: `operations#draft.1` ([IDENTITY]) was not recorded; nearest: operations-[IDENTITY].md
    help: model: recorded m, now other
    error: `report#draft.1` ([IDENTITY]) was not recorded; nearest: report-[IDENTITY].md
    help: model: recorded m, now other
    ");
    let shown = other.json(&["runs", "show", "--format", "json"]);
    assert_eq!(shown["not_recorded"][0], "data#draft.1");
    assert_eq!(shown["steps"][0]["failure"]["class"], "not_recorded");
    // The run goes on as a replay, and never as anything else.
    let resumed = other
        .with("OPENAI_BASE_URL", &server.base_url())
        .with("OPENAI_API_KEY", KEY)
        .run(&["resume"]);
    assert_eq!((resumed.code, server.count()), (Some(12), 5), "{}", resumed.stderr);
}

#[test]
fn a_replay_asks_nobody_and_its_answers_serve_no_other_run() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&job(&["--model", "openai:m", "--record", "tape"]));
    let other =
        elsewhere(&place).with("OPENAI_BASE_URL", &server.base_url()).with("OPENAI_API_KEY", KEY);
    other.good(&job(&["--replay", "tape"]));
    assert_eq!(server.count(), 5);
    other.good(&job(&["--model", "openai:m"]));
    assert_eq!(server.count(), 10, "a replay's answers were bought by somebody else");
    other.good(&job(&["--replay", "tape"]));
    other.good(&job(&["--model", "openai:m"]));
    assert_eq!(server.count(), 10, "and they hide none that were bought here");
    let cost = other.json(&["runs", "cost", "--format", "json"]);
    assert_eq!(cost["total"]["calls"], 5, "a replay costs nothing: {cost}");
}

#[test]
fn a_rerun_of_a_replay_stays_one_until_a_model_is_named() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&job(&["--model", "openai:m", "--record", "tape"]));
    place.good(&job(&["--replay", "tape"]));
    let run = place.run_ids().pop().unwrap();
    let replayed = place.run(&["rerun", &run]);
    assert!(
        replayed.stdout.starts_with("> **Replay: no model was called.**"),
        "{}",
        replayed.stderr
    );
    let missed = place.run(&["rerun", &run, "report", "-m", "shorter"]);
    assert_eq!(missed.code, Some(12), "{}", missed.stderr);
    assert!(missed.stderr.contains("the remark: not recorded, and there now"), "{}", missed.stderr);
    let args = ["rerun", &run, "report", "-m", "shorter", "--record", "tape"];
    insta::assert_snapshot!(place.refused(&args), @r"
    exit 2
    error: a replay asks no model, so that there is nothing to record
    help: name a model with --model, or leave --record out
    ");
    let live = place.run(&[&args[..], &["--model", "openai:m"]].concat());
    assert!(live.stderr.ends_with("recorded 1 new, 4 as before, in tape\n"), "{}", live.stderr);
    assert_eq!(server.count(), 6);
    assert_eq!(place.run(&["rerun", &run, "report", "-m", "shorter"]).code, Some(0));
}

#[test]
fn models_are_named_as_they_were_when_they_were_recorded() {
    let server = Server::echo();
    let place = Place::new();
    place.configure(&format!(
        "[models]\ndefault = \"lab:big\"\nfast = \"lab:small\"\n[providers.lab]\nbase_url = \"{}\"\napi_key = \"{KEY}\"\n",
        server.base_url()
    ));
    let workflow = "workflow: two\ninputs: { task: string }\nsteps:\n  a: { persona: data-engineer, model: fast, prompt: Begin. }\n  b: { persona: mlops-engineer, needs: a, prompt: Go on. }\n";
    place.write("workflows/two.yaml", workflow);
    place.good(&["run", "two", "--task", "t", "--record", "tape"]);
    let other = elsewhere(&place);
    other.good(&["run", "two", "--task", "t", "--replay", "tape"]);
    other.write("workflows/two.yaml", workflow.replace("model: fast", "model: strong"));
    insta::assert_snapshot!(other.refused(&["run", "two", "--task", "t", "--replay", "tape"]), @r"
    exit 3
    error: the cassette knows no model `strong`
    help: it knows fast; or write `provider:model`
    ");
    other.write("workflows/two.yaml", workflow.replace("model: fast", "model: lab:huge"));
    let missed =
        other.refused(&["run", "two", "--task", "t", "--replay", "tape", "--progress", "quiet"]);
    assert!(missed.contains("help: model: recorded small, now huge\n"), "{missed}");
    // One model for every step, asked for by its alias.
    other.write("workflows/two.yaml", workflow);
    place.good(&["run", "two", "--task", "t", "--model", "fast", "--record", "tape"]);
    let other = elsewhere(&place);
    other.good(&["run", "two", "--task", "t", "--replay", "tape"]);
    other.good(&["run", "two", "--task", "t", "--replay", "tape", "--model", "fast"]);
}

#[test]
fn an_answer_that_was_no_good_one_is_not_recorded_and_what_was_good_is() {
    let server = Server::start(|request| match who(request).as_str() {
        "data-scientist-stats" => {
            Answer { finish: "content_filter".into(), ..Answer::new("No.") }.reply_to(request)
        }
        "mlops-engineer" => Reply::error(400, "bad_request", "no"),
        _ => answer("Done.", "d").reply_to(request),
    });
    let place = Place::beside(&server);
    let failed = place.run(&job(&["--model", "openai:m", "--record", "tape"]));
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(failed.stderr.ends_with("recorded 1 new, in tape\n"), "{}", failed.stderr);
    let replayed = place.run(&job(&["--replay", "tape"]));
    assert_eq!(replayed.code, Some(12), "{}", replayed.stderr);
    assert!(replayed.stderr.contains("[1/5] ok      data"), "{}", replayed.stderr);
}

#[test]
fn a_value_that_had_to_be_repaired_is_found_as_wanting_again_and_repaired_again() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let score = if first { "\"much\"" } else { "7" };
        Answer::new(format!(
            "{{\"output\": {{\"score\": {score}}}, \"brief\": {{\"decisions\": [{{\"id\": \"D1\", \"decision\": \"Go\"}}]}}}}"
        ))
        .reply_to(request)
    });
    let place = Place::beside(&server);
    place.write(
        "workflows/scored.yaml",
        "workflow: scored\ninputs: { task: string }\nsteps:\n  score:\n    persona: ml-engineer\n    prompt: Score it.\n    output: { type: object, properties: { score: { type: integer } }, required: [score], additionalProperties: false }\noutputs: { score: \"{{ steps.score.output.score }}\" }\n",
    );
    let run = ["run", "scored", "--task", "t"];
    place.good(&[&run[..], &["--model", "openai:m", "--record", "tape"]].concat());
    let replayed = elsewhere(&place).run(&[&run[..], &["--replay", "tape"]].concat());
    assert!(replayed.stderr.contains("repair  score"), "{}", replayed.stderr);
    assert_eq!(replayed.stdout.lines().last(), Some("7"));
    assert_eq!(server.count(), 2);
}

#[test]
fn what_a_persona_is_asked_alone_is_recorded_and_replayed_too_and_so_is_the_choice_by_a_model() {
    let server = Server::start(|request| match who(request).as_str() {
        "data-engineer" => answer("Use Postgres.", "d").reply_to(request),
        _ => Answer::new("data-engineer").reply_to(request),
    });
    let place = Place::beside(&server);
    let ask = ["ask", "Keep it alive", "--with-model"];
    let live = place.run(&[&ask[..], &["-m", "openai:m", "--record", "tape"]].concat());
    assert_eq!(live.code, Some(0), "{}", live.stderr);
    let replayed = elsewhere(&place).run(&[&ask[..], &["--replay", "tape"]].concat());
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    assert!(replayed.stdout.contains("Use Postgres."), "{}", replayed.stdout);
    assert_eq!(server.count(), 2);
}

#[test]
fn a_cassette_that_cannot_be_used_is_refused_before_anything_is_run() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&job(&["--model", "openai:m", "--record", "tape"]));
    insta::assert_snapshot!(place.refused(&job(&["--replay", "none"])), @r"
    exit 2
    error: reading the cassette `none`: No such file or directory (os error [N])
    help: record one first: the same command with --record in the place of --replay
    ");
    fs::create_dir(place.work().join("empty")).unwrap();
    place.write("empty/README.md", "not a call");
    insta::assert_snapshot!(place.refused(&job(&["--replay", "empty"])), @r"
    exit 2
    error: the cassette `empty` holds no recorded call
    help: is it the right folder? `--record DIR` fills it, and --replay reads DIR itself
    ");
    insta::assert_snapshot!(place.refused(&job(&["--replay", ""])), @r"
    exit 2
    error: a value is required for '--replay <DIR>' but none was supplied

    For more information, try '--help'.
    ");
    let names = names(&place);
    for (file, from, to) in [
        (&names[0], "An", "A \u{1b}[31mn"),
        (&names[1], "verdict: good", "verdict: \u{1b}[31mfine"),
        (&names[2], "\"cassette\"", "\"\u{1b}[31m\""),
    ] {
        let path = format!("tape/{file}");
        let text = place.read(&path);
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "{path}");
        place.write(&path, changed);
    }
    let told = place.refused(&job(&["--replay", "tape"]));
    assert!(!told.contains('\u{1b}'), "{told}");
    insta::assert_snapshot!(unnamed(&told), @r"
    exit 3
    error: tape/analysis-[IDENTITY].md:3: something of the call was changed: its identity is [IDENTITY], not [IDENTITY]
    help: take the file back as it was, or remove it and record the call again
    error: tape/data-[IDENTITY].md:12: `\u{1b}[31mfine` is no value for `verdict`
    error: tape/end-to-end-ml.models.json:2: control character (\u0000-\u001F) found while parsing a string
    ");
    let recording = place.refused(&job(&["--model", "openai:m", "--record", "tape"]));
    assert_eq!(recording, told, "nothing is recorded over a cassette that is damaged");
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let place = Place::new();
    for more in [
        &["--replay", "a", "--record", "b"][..],
        &["--replay", "a", "--offline"],
        &["--record", "a", "--offline"],
        &["--replay", "a", "--fresh"],
    ] {
        let outcome = place.run(&job(more));
        assert_eq!(outcome.code, Some(2), "{more:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("cannot be used with"), "{}", outcome.stderr);
    }
}

#[test]
fn a_call_that_another_model_answered_takes_the_same_way_in_a_replay() {
    let server = Server::start(|request| {
        let down = request.model() == "down" && who(request) != "data-viz-specialist";
        if down {
            Reply::error(503, "unavailable", "not now").header("retry-after", "7200")
        } else {
            answer(&format!("By {}.", request.model()), "d").reply_to(request)
        }
    });
    let place = Place::beside(&server);
    place.write(
        "orchestrate.toml",
        "[models]\ndefault = [\"openai:down\", \"openai:up\"]\nfast = [\"openai:down\", \"openai:other\"]\n",
    );
    place.write(
        "workflows/two.yaml",
        "workflow: two\ninputs: { task: string }\nsteps:\n  data: { persona: data-engineer, prompt: Begin. }\n  stats: { persona: data-scientist-stats, needs: data, model: fast, prompt: Go on. }\n  items: { persona: ml-engineer, needs: stats, for_each: [a, b, c, d, e, f], prompt: 'On {{ item }}.' }\n  report: { persona: data-viz-specialist, needs: items, prompt: Report. }\n",
    );
    let run = ["run", "two", "--task", "t"];
    let live = place.run(&[&run[..], &["--record", "tape"]].concat());
    assert_eq!(live.code, Some(0), "{}", live.stderr);
    let told = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(told["steps"][0]["model"], "openai:up");
    let before = server.count();

    let other = elsewhere(&place);
    fs::remove_file(other.work().join("orchestrate.toml")).unwrap();
    let replayed = other.run(&[&run[..], &["--replay", "tape"]].concat());
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    assert!(
        replayed
            .stderr
            .contains("instead data  openai:up is asked, not openai:down: provider unavailable"),
        "{}",
        replayed.stderr
    );
    assert!(
        replayed.stderr.contains("instead stats  openai:other is asked"),
        "{}",
        replayed.stderr
    );
    let (_, result) = replayed.stdout.split_once("\n\n").expect("a notice");
    assert_eq!(result, live.stdout);
    let again = other.json(&["runs", "show", "--format", "json"]);
    assert_eq!(again["steps"][0]["fallbacks"][0]["from"], "openai:down");
    assert_eq!(server.count(), before);

    // What was not recorded is missing, whichever model would have been asked.
    let missed = other.run(&["run", "two", "--task", "another", "--replay", "tape"]);
    assert_eq!(missed.code, Some(12), "{}", missed.stderr);
    assert_eq!(missed.stderr.matches("error: `data#draft.1`").count(), 1, "{}", missed.stderr);
    assert!(missed.stderr.contains("was not recorded; nearest: data-"), "{}", missed.stderr);
}
