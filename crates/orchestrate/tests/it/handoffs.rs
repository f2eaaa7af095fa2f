//! What a workflow lets cross an edge, as it is sent.

use orchestrate_testkit::reply::Answer;
use serde_json::Value;

use crate::support::{Place, Server};

fn workflow(needs: &str) -> String {
    format!(
        "workflow: two\ninputs: {{ task: string }}\nsteps:\n  data: {{ persona: data-engineer }}\n  ops: {{ persona: mlops-engineer, needs: {needs} }}\n"
    )
}

const RUN: [&str; 6] = ["run", "two.yaml", "--task", "events", "--model", "openai:m"];

#[test]
fn a_whole_document_that_does_not_fit_fails_the_step_before_it_is_sent() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write("two.yaml", workflow("{ step: data, pass: full, max_tokens: 10 }"));
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert_eq!(server.count(), 1);
    let told = "10 are allowed for it, and the workflow asks for all of it (`pass: full`)";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("raise `max_tokens` of this need"), "{}", outcome.stderr);
}

#[test]
fn another_form_is_another_question_and_the_same_form_is_not() {
    let server = Server::echo();
    let place = Place::beside(&server);
    for (needs, count) in [
        ("data", 2),
        ("{ step: data, pass: full }", 2),
        ("{ step: data, pass: brief }", 3),
        ("{ step: data, pass: none }", 4),
    ] {
        place.write("two.yaml", workflow(needs));
        let outcome = place.run(&RUN);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        assert_eq!(server.count(), count, "{needs}");
    }
}

#[test]
fn what_was_handed_on_is_looked_for_in_what_came_of_it() {
    let server = Server::start(|request| {
        let first = !request.message("user").contains("handoff from");
        let text = if first {
            "Plan.\n\n```brief\n{\"figures\": [{\"name\": \"recall\", \"value\": \"0.82\"}], \
             \"constraints\": [\"No personal data leaves the region\", \"<b>Ship\\u001b[2J</b> by spring\"]}\n```\n"
                .to_owned()
        } else {
            "Recall is now 0.79. No personal data leaves the region.\n\n```brief\n{\"risks\": [\"late\"]}\n```\n"
                .to_owned()
        };
        Answer::new(text).reply_to(request)
    });
    let place = Place::beside(&server);
    place.write("two.yaml", workflow("data"));
    let outcome = place.run(&[&RUN[..], &["--output", "out"]].concat());
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let told: Value =
        serde_json::from_str(&place.good(&["runs", "show", "--format", "json"])).unwrap();
    let entries = told["coverage"][0]["entries"].as_array().unwrap();
    let findings: Vec<&str> =
        entries.iter().map(|entry| entry["finding"].as_str().unwrap()).collect();
    assert_eq!(findings, ["changed", "kept", "not_mentioned"], "{entries:#?}");
    assert_eq!((&entries[0]["was"], &entries[0]["now"]), (&"0.82".into(), &"0.79".into()));
    let report = place.read("out/report.md");
    let (_, section) = report.split_once("## Handed on\n").unwrap();
    assert!(section.contains("- `data` → `ops`: 1 of 3 found"), "{section}");
    assert!(section.contains("changed figure: was 0.82, now 0.79"), "{section}");
    assert!(section.contains("constraint not mentioned: \\<b\\>Ship"), "{section}");
    assert!(!report.contains('\u{1b}'));
}

#[test]
fn hidden_characters_of_a_brief_reach_no_later_prompt_and_are_counted() {
    let server = Server::start(|request| {
        let text = "Pl\u{200b}an.\n\n```brief\n{\"risks\": [\"la\\u001b[31mte \\u200b\\udb40\\udc41\"], \
             \"figures\": [{\"name\": \"rows\", \"value\": \"4\\u200b\", \"unit\": \"\\u2060M\"}]}\n```\n";
        Answer::new(text).reply_to(request)
    });
    let place = Place::beside(&server);
    place.write(
        "hidden.yaml",
        "workflow: hidden\ninputs: { task: string }\nsteps:\n  \
         data: { persona: data-engineer }\n  \
         parts: { persona: data-scientist-stats, for_each: [a, b], prompt: 'Part {{ item }}' }\n  \
         ops: { persona: mlops-engineer, needs: { step: data, pass: brief } }\n  \
         call: { workflow: ./called.yaml, needs: [data, parts], with: { b: '{{ steps.data.brief.risks }} {{ steps.parts.items }}' } }\n",
    );
    place.write(
        "called.yaml",
        "workflow: called\ninputs: { b: string }\nsteps:\n  a: { persona: ml-engineer, prompt: 'Read {{ inputs.b }}' }\noutputs: { a: '{{ steps.a.text }}' }\n",
    );
    let outcome = place.run(&["run", "hidden.yaml", "--task", "x", "--model", "openai:m"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    for request in &requests {
        let asked = request.message("user");
        for c in ['\u{1b}', '\u{200b}', '\u{2060}', '\u{e0041}'] {
            assert!(!asked.contains(c), "{asked}");
            assert!(!asked.contains(&format!("{:04x}", u32::from(c))), "{asked}");
        }
    }
    let told = place.good(&["runs", "show"]);
    // One in the document, and five in the brief.
    let note = "6 invisible characters were removed from the handoff from `data`";
    assert!(told.contains(note), "{told}");
}
