//! Conditions, fans-out and groups, from the outside: the paths taken, kills, resumes and what is shown.

use orchestrate_testkit::{behaviour, reply::Reply, server::SeenRequest};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Place, Server, answer, who};

const BOOK: &str = "\
workflow: book
inputs: { task: string, topics: { type: list }, deep: { type: boolean, default: false } }
concurrency: 2
steps:
  facts: { persona: data-engineer, prompt: The facts. }
  extra: { persona: redis-caching, needs: facts, if: inputs.deep, prompt: More. }
  chapters:
    needs: facts
    for_each: inputs.topics
    as: topic
    max_parallel: 2
    join: settled
    steps:
      outline: { persona: ml-engineer-jax, prompt: 'Outline {{ topic }}' }
      parts:
        needs: outline
        for_each: [first, second]
        as: part
        persona: ml-engineer
        prompt: 'The {{ part }} part of {{ topic }}'
  report:
    persona: data-viz-specialist
    needs: [chapters, extra]
    when: any
    prompt: '{% for c in steps.chapters.items %}{{ c.index }} is {{ c.status }}. {% endfor %}'
outputs:
  report: '{{ steps.report.text }}'
  chapters: '{{ steps.chapters.items | length }} chapters, extra {{ steps.extra.status }}'
";

const RUN: [&str; 14] = [
    "run",
    "book",
    "--task",
    "t",
    "-i",
    "topics=sea",
    "-i",
    "topics=sky",
    "-i",
    "topics=sun",
    "--model",
    "openai:m",
    "--output",
    "out",
];

fn place(server: &Server) -> Place {
    let place = Place::beside(server);
    place.write("workflows/book.yaml", BOOK);
    place
}

/// Echoes, and refuses what `bad` says.
fn refusing(
    bad: impl Fn(&SeenRequest) -> bool + Send + Sync + 'static,
) -> impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static {
    let echo = behaviour::echo();
    move |request| {
        if bad(request) { Reply::error(400, "bad", "refused by the script") } else { echo(request) }
    }
}

/// Whether a request is about these words: they stand in what its user asks.
fn about(request: &SeenRequest, words: &[&str]) -> bool {
    let last = request.message("user").rsplit("Outline").next().unwrap_or_default().to_owned();
    words.iter().all(|word| last.contains(word))
}

fn step<'j>(run: &'j Value, id: &str) -> &'j Value {
    let steps = run["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["step"] == id).unwrap_or_else(|| panic!("no step {id}"))
}

#[test]
fn a_skipped_step_and_nested_items_are_told_everywhere() {
    let server = Server::echo();
    let place = place(&server);
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    // facts, 3 outlines, 6 parts, report.
    assert_eq!(server.count(), 11);
    assert!(
        outcome.stderr.contains("skipped extra: `if: inputs.deep` is false"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stdout.contains("3 chapters, extra skipped"), "{}", outcome.stdout);
    let report =
        server.requests().into_iter().find(|request| who(request) == "data-viz-specialist");
    let report = report.expect("the report was asked for").message("user").to_owned();
    assert!(report.contains("0 is succeeded. 1 is succeeded. 2 is succeeded."), "{report}");
    assert!(
        report.contains("Not available: it was skipped: `if: inputs.deep` is false"),
        "{report}"
    );

    let shown = place.good(&["runs", "show"]);
    assert!(shown.contains("3/3 items"), "{shown}");
    assert!(shown.contains("6/6 items"), "{shown}");
    assert!(shown.contains("└ `if: inputs.deep` is false"), "{shown}");
    let run: Value =
        serde_json::from_str(&place.good(&["runs", "show", "--format", "json"])).expect("JSON");
    assert_eq!(step(&run, "extra")["state"], "skipped");
    let parts = step(&run, "chapters/parts");
    assert_eq!(parts["items"]["succeeded"], 6);
    assert_eq!(parts["instances"][5]["step"], "chapters[2]/parts[1]");
    let document = place.read("out/report.md");
    assert!(document.contains("## Skipped\n\n"), "{document}");
    assert!(document.contains("chapters[1]: sky"), "{document}");
    for file in ["out/3-chapters.md", "out/4-chapters-outline/0.md", "out/5-chapters-parts/2-1.md"]
    {
        assert!(!place.read(file).is_empty(), "{file}");
    }
    assert!(!place.work().join("out/2-extra.md").exists());

    // Asked again, nothing is paid for again.
    place.good(&RUN);
    assert_eq!(server.count(), 11);
    // With one topic more, in front, only what is new is asked for.
    let mut longer = RUN.to_vec();
    longer.splice(4..4, ["-i", "topics=air"]);
    place.good(&longer);
    assert_eq!(server.count(), 11 + 3 + 1, "an outline, two parts, and the report");
}

#[test]
fn items_that_fail_are_kept_as_such_where_they_may() {
    let server = Server::start(refusing(|request| {
        about(request, &["sky"]) && who(request) == "ml-engineer-jax"
    }));
    let place = place(&server);
    let mut arguments = RUN.to_vec();
    arguments.push("--fail-on-partial");
    let outcome = place.run(&arguments);
    assert_eq!(outcome.code, Some(5), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("complete; 1 of 3 items of `chapters` failed"),
        "{}",
        outcome.stderr
    );
    let shown = place.good(&["runs", "show"]);
    assert!(shown.contains("3/3 items, 1 failed"), "{shown}");
    assert!(shown.contains("└ chapters[1]: failed inside"), "{shown}");
    let document = place.read("out/report.md");
    assert!(
        document.contains(
            "## Items that failed\n\n- `chapters[1]`: failed inside: `chapters[1]/outline` failed"
        ),
        "{document}"
    );
    assert!(
        place.read("out/3-chapters.md").contains("Not available: failed inside"),
        "the failure is marked"
    );
}

#[test]
fn a_run_that_is_killed_within_its_items_goes_on_with_the_missing_ones() {
    let undisturbed = Server::echo();
    let first = place(&undisturbed);
    let expected = first.good(&RUN);
    for lines in 2..16 {
        let server = Server::echo();
        let place = place(&server);
        let mut running = place.start(&RUN);
        running.hear_lines(lines);
        running.signal_if_running(Signal::KILL);
        let killed = running.finish().code.is_none();
        let before = server.count();
        if killed {
            let resumed = place.run(&["resume"]);
            assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
            assert_eq!(resumed.stdout, expected, "after {lines} lines");
        }
        // Two calls can have been in flight.
        assert!(server.count() <= 11 + 2, "{} calls, {before} before the kill", server.count());
    }
}

#[test]
fn a_failed_run_keeps_its_items_and_decides_anew_what_rests_on_the_failure() {
    const WORKFLOW: &str = "\
workflow: w
inputs: { task: string }
concurrency: 1
steps:
  files: { persona: data-engineer, for_each: [one, two, three], prompt: 'Look at {{ item }}' }
  report: { persona: data-viz-specialist, needs: files }
  note: { persona: redis-caching, needs: report, when: always, prompt: 'It is {{ steps.report.status }}.' }
";
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let still = broken.clone();
    let server = Server::start(refusing(move |request| {
        still.load(std::sync::atomic::Ordering::SeqCst)
            && request.message("user").contains("Look at two")
    }));
    let place = Place::beside(&server);
    place.write("workflows/w.yaml", WORKFLOW);
    let outcome = place.run(&["run", "w", "--task", "t", "--model", "openai:m"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert_eq!(server.asked(), ["data-engineer", "data-engineer", "redis-caching"]);
    let noted = server.requests()[2].message("user").to_owned();
    assert!(noted.contains("It is failed."), "{noted}");
    assert!(
        noted.contains("Not available: it did not run, because a step before it failed"),
        "{noted}"
    );

    broken.store(false, std::sync::atomic::Ordering::SeqCst);
    let resumed = place.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("anew    note"), "{}", resumed.stderr);
    let asked = server.asked();
    assert_eq!(
        asked[3..],
        ["data-engineer", "data-engineer", "data-viz-specialist", "redis-caching"]
    );
    assert!(server.requests()[6].message("user").contains("It is succeeded."));
}

#[test]
fn a_condition_without_an_answer_fails_the_step_or_the_run_before_it_begins() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "workflows/w.yaml",
        "workflow: w\ninputs: { task: string }\nsteps:\n  a: { persona: data-engineer, if: inputs.task | length }\n",
    );
    let outcome = place.run(&["run", "w", "--task", "t", "--model", "openai:m"]);
    assert_eq!(outcome.code, Some(3));
    assert!(outcome.stderr.contains("neither true nor false"), "{}", outcome.stderr);
    assert_eq!(server.count(), 0);
    place.write(
        "workflows/w.yaml",
        "workflow: w\ninputs: { task: string }\nsteps:\n  a: { persona: data-engineer }\n  b: { persona: redis-caching, needs: a, if: steps.a.text | length }\n",
    );
    let outcome = place.run(&["run", "w", "--task", "t", "--model", "openai:m"]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("neither true nor false"), "{}", outcome.stderr);
    assert_eq!(server.count(), 1);
}

#[test]
fn a_list_is_found_in_an_answer() {
    let server = Server::start(|request| {
        let answer = match who(request).as_str() {
            "data-engineer" => answer("```json\n[\"red\", \"green\"]\n```", "Two colours"),
            _ => answer("Fine.", "Yes"),
        };
        answer.reply_to(request)
    });
    let place = Place::beside(&server);
    place.write(
        "workflows/w.yaml",
        "\
workflow: w
inputs: { task: string }
steps:
  list: { persona: data-engineer }
  each: { persona: redis-caching, needs: list, for_each: steps.list.text | fromjson, as: colour }
",
    );
    place.good(&["run", "w", "--task", "t", "--model", "openai:m"]);
    let asked: Vec<String> =
        server.requests().iter().map(|request| request.message("user").to_owned()).collect();
    assert_eq!(asked.len(), 3);
    for colour in ["red", "green"] {
        assert!(
            asked[1..].iter().any(
                |user| user.contains("the item `colour` of this step") && user.contains(colour)
            )
        );
    }
}

#[test]
fn plan_and_graph_show_conditions_and_fans_out() {
    let place = Place::new();
    place.write("workflows/book.yaml", BOOK);
    let plan = place.good(&[
        "plan",
        "book",
        "--task",
        "t",
        "-i",
        "topics=a",
        "-i",
        "topics=b",
        "--offline",
    ]);
    for part in [
        "└ if: inputs.deep",
        "└ for each topic of inputs.topics, 2 at a time, join: settled",
        "└ runs 4 times",
        "└ when: any",
    ] {
        assert!(plan.contains(part), "no `{part}` in {plan}");
    }
    let plan = place.json(&[
        "plan",
        "book",
        "--task",
        "t",
        "-i",
        "topics=a",
        "--offline",
        "--format",
        "json",
    ]);
    let parts = plan["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|step| step["step"] == "chapters/parts");
    assert_eq!(parts.expect("a step")["times"], 2);
    let graph = place.good(&["graph", "book"]);
    assert!(graph.contains("if: inputs.deep") || graph.contains("if#58; inputs.deep"), "{graph}");
    assert!(graph.contains("for each topic"), "{graph}");
    place.good(&["validate", "book"]);
    assert!(place.good(&["workflows", "show", "book"]).contains("for each part of 2 values"));
}

#[test]
fn an_item_can_be_reworked_and_a_fan_out_as_a_whole_cannot() {
    let server = Server::echo();
    let place = place(&server);
    place.good(&RUN);
    let id = place.run_ids().remove(0);
    let refused = place.refused(&["rerun", &id, "chapters", "-m", "shorter"]);
    assert!(
        refused.contains("name an item, for example `chapters[0]`")
            || refused.contains("name one of its steps"),
        "{refused}"
    );
    let before = server.count();
    place.good(&["rerun", &id, "chapters[1]/outline", "-m", "shorter"]);
    // The outline, its two parts, and the report.
    assert!((2..=4).contains(&(server.count() - before)), "{}", server.count() - before);
    let reworked = &server.requests()[usize::try_from(before).expect("few")];
    assert!(reworked.message("user").contains("shorter"));
}

#[test]
fn offline_makes_a_worksheet_for_each_item() {
    let place = Place::new();
    place.write("workflows/book.yaml", BOOK);
    let text = place.good(&[
        "run",
        "book",
        "--task",
        "t",
        "-i",
        "topics=a",
        "-i",
        "topics=b",
        "--offline",
        "--output",
        "out",
    ]);
    assert!(text.contains("2 chapters"), "{text}");
    assert!(!place.read("out/5-chapters-parts/1-1.md").is_empty());
}

#[test]
fn ten_thousand_items_are_made_and_not_told_one_by_one() {
    let place = Place::new();
    place.write(
        "workflows/many.yaml",
        "\
workflow: many
concurrency: 1000
steps:
  all: { for_each: range(10000), as: number, join: settled, render: 'Number {{ number }}.' }
outputs:
  all: '{{ steps.all.items | length }} items, the last is {{ steps.all.items[9999].text }}'
",
    );
    let outcome = place.run(&["run", "many", "--offline"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("10000 items, the last is Number 9999."), "{}", outcome.stdout);
    assert!(outcome.stderr.lines().count() < 60, "{}", outcome.stderr);
    let shown = place.good(&["runs", "show"]);
    assert!(shown.contains("10000/10000 items"), "{shown}");
    assert!(shown.lines().count() < 30, "{shown}");
}

#[test]
fn the_command_that_reworks_names_a_document_that_a_remark_can_speak_of() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w\nsteps:\n  each: { persona: ml-engineer, for_each: [sea, sky], prompt: 'On {{ item }}' }\n  all: { render: '{{ steps.each.text }}', needs: each }\n",
    );
    let outcome = place.run(&["run", "w.yaml", "--model", "openai:m"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let run = &place.run_ids()[0];
    let next = format!("next: orchestrate rerun {run} 'each[1]' -m ");
    assert!(outcome.stderr.contains(&next), "{}", outcome.stderr);
    place.good(&["rerun", run, "each[1]", "-m", "Name the figures"]);
    assert_eq!(server.count(), 3);
}

#[test]
fn a_cap_on_calls_that_suffices_counts_the_items_that_are_left() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w\nsteps:\n  each: { persona: ml-engineer, for_each: [a, b, c, d, e], max_parallel: 1, prompt: 'On {{ item }}' }\n  all: { persona: data-engineer, needs: each }\n",
    );
    let outcome = place.run(&["run", "w.yaml", "--model", "openai:m", "--max-calls", "2"]);
    assert_eq!(outcome.code, Some(8), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--max-calls 6 or more"), "{}", outcome.stderr);
    place.good(&["resume", "--max-calls", "6"]);
    assert_eq!(server.count(), 6);
}
