//! Steps that call another workflow, from the outside: what is asked, kills and resumes, and what is shown.

use orchestrate_testkit::{behaviour, reply::Reply, server::SeenRequest};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Place, Server, who};

const MAIN: &str = "\
workflow: main
inputs: { task: string, depth: { type: integer, default: 2 } }
concurrency: 2
steps:
  data: { persona: data-engineer, prompt: The facts. }
  review:
    workflow: ./parts/review.yaml
    needs: data
    with: { document: '{{ steps.data.text }}', depth: '{{ inputs.depth }}' }
  each:
    workflow: ./parts/review.yaml
    for_each: [sea, sky]
    as: topic
    needs: review
    with: { task: 'On {{ topic }}', document: '{{ steps.review.output.verdict }}' }
  report:
    persona: data-viz-specialist
    needs: [review, each]
    prompt: 'Of {{ steps.each.output | length }}: {{ steps.review.output.verdict }}'
outputs:
  report: '{{ steps.report.text }}'
  note: '{{ steps.review.output.note }}'
";

const REVIEW: &str = "\
workflow: review
inputs: { task: string, document: string, depth: { type: integer, default: 1 } }
defaults: { temperature: 0.5 }
steps:
  read: { persona: ml-engineer-jax, prompt: 'At depth {{ inputs.depth }}: {{ inputs.document }}', save: notes.md }
  judge: { persona: ml-engineer, needs: read, prompt: 'Judge it.' }
outputs:
  verdict: '{{ steps.judge.text }}'
  note: 'depth {{ inputs.depth }}'
";

const RUN: [&str; 8] = ["run", "main", "--task", "Build", "--model", "openai:m", "--output", "out"];

fn place(server: &Server) -> Place {
    let place = Place::beside(server);
    place.write("workflows/main.yaml", MAIN);
    place.write("workflows/parts/review.yaml", REVIEW);
    place
}

fn step<'j>(run: &'j Value, id: &str) -> &'j Value {
    let steps = run["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["step"] == id).unwrap_or_else(|| panic!("no step {id}"))
}

fn asked_of(server: &Server, persona: &str) -> Vec<String> {
    let requests = server.requests().into_iter().filter(|request| who(request) == persona);
    requests.map(|request| request.message("user").to_owned()).collect()
}

#[test]
fn a_called_workflow_works_in_a_scope_of_its_own_and_gives_back_its_outputs() {
    let server = Server::echo();
    let place = place(&server);
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    // data, three times read and judge, report.
    assert_eq!(server.count(), 8);
    assert!(outcome.stdout.contains("depth 2"), "{}", outcome.stdout);

    let read = asked_of(&server, "ml-engineer-jax");
    let own = read.iter().find(|asked| asked.contains("At depth 2:")).expect("the first call");
    assert!(own.contains("the task, from the user"), "{own}");
    assert!(own.contains("the input `document`, made with step `data`"), "{own}");
    let of_item = read.iter().find(|asked| asked.contains("On sea")).expect("the first item");
    assert!(of_item.contains("At depth 1:"), "a default of the called workflow: {of_item}");
    assert!(!of_item.contains("from the user"), "{of_item}");
    assert!(
        of_item.contains("the task, from the workflow around this one, made with item `topic`"),
        "{of_item}"
    );
    for asked in asked_of(&server, "ml-engineer") {
        assert!(!asked.contains("The facts."), "only its own needs: {asked}");
    }
    let report = asked_of(&server, "data-viz-specialist");
    assert!(report[0].contains("Of 2:"), "{}", report[0]);

    let run: Value =
        serde_json::from_str(&place.good(&["runs", "show", "--format", "json"])).expect("JSON");
    assert_eq!(step(&run, "review")["state"], "succeeded");
    assert_eq!(step(&run, "review/judge")["state"], "succeeded");
    assert_eq!(step(&run, "each/judge")["instances"][1]["step"], "each[1]/judge");
    for file in ["out/review/notes.md", "out/each/notes-0.md", "out/each/notes-1.md"] {
        assert!(!place.read(file).is_empty(), "{file}");
    }
    assert!(place.good(&["runs", "show"]).contains("review/judge"));

    // Asked again, nothing is paid for again.
    place.good(&RUN);
    assert_eq!(server.count(), 8);
    // A remark on one step of the called workflow is answered by it and by what rests on it.
    let id = place.run_ids().pop().expect("a run");
    place.good(&["rerun", &id, "review/judge", "-m", "Be harsher"]);
    let judged = asked_of(&server, "ml-engineer");
    assert!(judged.iter().any(|asked| asked.contains("Be harsher")), "{judged:?}");
}

#[test]
fn a_run_killed_inside_a_called_workflow_goes_on_there() {
    let server = Server::holding("ml-engineer");
    let place = place(&server);
    let running = place.start(&RUN);
    server.wait_until_held();
    running.kill();
    server.release();
    let before = server.count();
    assert_eq!(before, 3, "data, read, and judge in flight");
    // What the files say now does not count: the plan is that of the journal.
    place.write("workflows/parts/review.yaml", "workflow: review\nsteps: {}\n");
    let outcome = place.run(&["resume"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(server.count(), 8 + 1, "only the call in flight is made again");
}

#[test]
fn a_failure_inside_a_called_workflow_is_that_of_its_step() {
    let echo = behaviour::echo();
    let server = Server::start(move |request: &SeenRequest| {
        if who(request) == "ml-engineer" {
            Reply::error(400, "bad", "refused by the script")
        } else {
            echo(request)
        }
    });
    let place = place(&server);
    let optional = MAIN.replace("  review:\n", "  review:\n    optional: true\n");
    let optional =
        optional.replace("for_each: [sea, sky]", "for_each: [sea, sky]\n    join: settled");
    let optional = optional.replace("{{ steps.review.output.verdict }}", "{{ steps.review.text }}");
    let optional = optional.replace("{{ steps.review.output.note }}", "{{ steps.review.status }}");
    place.write("workflows/main.yaml", optional);
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("failed"), "{}", outcome.stdout);
    let shown = place.good(&["runs", "show"]);
    assert!(shown.contains("`review/judge` failed"), "{shown}");
}

#[test]
fn a_value_of_the_wrong_kind_fails_the_step_before_anything_in_it_is_asked() {
    let server = Server::echo();
    let place = place(&server);
    place.write(
        "workflows/main.yaml",
        MAIN.replace("'{{ inputs.depth }}'", "'{{ steps.data.persona }}'"),
    );
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert_eq!(server.count(), 1);
    assert!(
        outcome.stderr.contains(
            "input `depth` of `review` is of type integer: must be a whole number of 64 bits, not a \
             text; it got the text `data-engineer`"
        ),
        "{}",
        outcome.stderr
    );
}

#[test]
fn plan_graph_and_validate_know_what_is_called() {
    let server = Server::echo();
    let place = place(&server);
    let plan =
        place.json(&["plan", "main", "--task", "t", "--model", "openai:m", "--format", "json"]);
    let steps = plan["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 8, "{plan}");
    assert_eq!(plan["calls"]["at_least"].as_u64(), Some(3), "{plan}");
    for format in ["text", "mermaid", "dot", "svg"] {
        let drawn = place.good(&["graph", "main", "--format", format]);
        assert!(drawn.contains("workflow review"), "{format}: {drawn}");
        assert!(drawn.contains("review/judge"), "{format}: {drawn}");
    }
    assert!(place.good(&["workflows", "show", "main"]).contains("the workflow review"));
    place.good(&["validate", "main"]);
    place.write("workflows/parts/review.yaml", REVIEW.replace("ml-engineer-jax", "ml-enginer-jax"));
    let refused = place.run(&["validate", "main"]).stderr;
    assert!(refused.contains("workflows/parts/review.yaml:5:20"), "{refused}");
    assert!(refused.contains("called here"), "{refused}");
    // No way out of the folder, by a path or by a link.
    place.write("elsewhere.yaml", REVIEW);
    std::fs::remove_file(place.work().join("workflows/parts/review.yaml")).expect("removed");
    std::os::unix::fs::symlink(
        "../../elsewhere.yaml",
        place.work().join("workflows/parts/review.yaml"),
    )
    .expect("a link");
    let refused = place.run(&["validate", "main"]).stderr;
    assert!(refused.contains("outside the workflow's folder"), "{refused}");
    assert_eq!(server.count(), 0);
}

#[test]
fn an_interrupted_fan_out_of_calls_is_resumed_where_it_was() {
    let server = Server::holding("ml-engineer-jax");
    let place = place(&server);
    place.write(
        "workflows/main.yaml",
        "\
workflow: main
inputs: { task: string }
concurrency: 2
steps:
  each:
    workflow: ./parts/review.yaml
    for_each: [sea, sky]
    as: topic
    with: { task: 'On {{ topic }}', document: '{{ topic }}' }
  report: { persona: data-viz-specialist, needs: each }
",
    );
    let mut running = place.start(&RUN);
    server.wait_until_held();
    running.signal(Signal::INT);
    running.wait_for("stopping");
    server.release();
    assert_eq!(running.finish().code, Some(130));
    let outcome = place.run(&["resume"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    // Read and judged twice, and the report.
    assert_eq!(server.count(), 5);
}

#[test]
fn a_test_file_gives_replies_to_the_steps_of_a_called_workflow() {
    let server = Server::echo();
    let place = place(&server);
    place.write(
        "workflows/main.test.yaml",
        "\
inputs: { task: Build }
replies:
  data: The facts.
  review/read: Read.
  review/judge: Judged.
  'each[0]/read': One.
  'each[0]/judge': One judged.
  'each[1]/read': Two.
  'each[1]/judge': Two judged.
  report: Done.
tests:
  all of it:
    expect:
      calls: 8
      steps:
        review/read: { prompt: { contains: 'At depth 2:' } }
        report: { prompt: { contains: Judged. } }
      outputs: { report: Done., note: depth 2 }
",
    );
    let said = place.good(&["test"]);
    assert!(said.ends_with("1 test: 1 ok\n"), "{said}");
    place.write("workflows/main.test.yaml", "replies: { review/reed: x }\ntests: { one: {} }\n");
    let outcome = place.run(&["test"]);
    assert!(outcome.stderr.contains("did you mean `review/read`?"), "{}", outcome.stderr);
    assert_eq!(server.count(), 0);
}

#[test]
fn the_workflows_of_the_guide_run() {
    let guide = include_str!("../../../../docs/src/guide/sub-workflows.md");
    let mut blocks = guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let place = Place::new();
    place.write("workflows/launch.yaml", blocks.next().expect("the calling one"));
    place.write("workflows/parts/review.yaml", blocks.next().expect("the called one"));
    assert_eq!(place.good(&["validate", "launch"]), "ok       launch: 5 steps\n");
    let result = place.json(&["run", "launch", "--task", "t", "--offline", "--format", "json"]);
    assert_eq!(result["status"], "succeeded", "{result}");
}
