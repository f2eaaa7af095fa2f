//! Steps in which a person decides.

use orchestrate_core::plan::{Action, ApprovalStep};

use crate::{check, plan};

fn with(step: &str) -> String {
    format!("workflow: w\nsteps:\n  a: {{ persona: data-engineer }}\n  go: {{ {step} }}\n")
}

fn approval(step: &str) -> ApprovalStep {
    match &plan(&with(step)).steps()[1].action {
        Action::Approve(approval) => approval.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_approval_has_a_question_and_perhaps_a_time() {
    let plain = approval("approve: 'Deploy {{ steps.a.text }}?', needs: a");
    assert_eq!(plain.question, "Deploy {{ steps.a.text }}?");
    assert_eq!(plain.expires_ms, None);
    for (written, millis) in
        [("30s", 30_000), ("1.5h", 5_400_000), ("24h", 86_400_000), ("7d", 604_800_000)]
    {
        let timed =
            approval(&format!("approve: Go?, needs: a, expires: {written}, on_expire: fail"));
        assert_eq!(timed.expires_ms, Some(millis), "{written}");
    }
}

#[test]
fn a_persona_gets_the_note_of_an_approval_as_its_handoff() {
    let text = with("approve: Go?, needs: a")
        + "  b: { persona: data-engineer, needs: [go, { step: a, pass: brief }] }\n";
    let plan = plan(&text);
    let needs = &plan.steps()[2].needs;
    assert!(needs[0].handoff && needs[1].handoff);
    assert!(!plan.wants_brief(1) && !plan.steps()[1].needs[0].handoff);
}

#[test]
fn approvals_that_cannot_be() {
    check(
        &with("approve: '', needs: a, expires: 2w"),
        "bad-value 4:18 `''`
  an approval without a question
  help: write what is to be approved: `approve: Deploy the model?`
bad-value 4:41 `2w`
  `expires` is a length of time, and `2w` is none
  help: write a number and its unit, `s`, `m`, `h` or `d`: `30m`, `24h`, `7d`
",
    );
    check(
        &with("approve: Go?, optional: true, model: openai:m, prompt: x, expires: 400d"),
        "key-not-for-step 4:23 `optional`
  an approval that the run goes on without approves nothing
  help: remove `optional`, or the approval
key-not-for-step 4:39 `model`
  `model` does nothing in a step that asks a person
  help: remove it: no model is called
key-not-for-step 4:56 `prompt`
  `prompt` does nothing in a step that asks a person
  help: remove it: no model is called
out-of-range 4:76 `400d`
  `expires` is between 1s and 365d, not `400d`
",
    );
    check(
        &with("approve: Go?, needs: { step: a, pass: full }, on_expire: approve"),
        "inert-key 4:47 `full`
  `pass` does nothing in a step that asks a person: it takes no handoffs
  help: write the step's name alone; the template says what it takes
bad-value 4:66 `approve`
  `on_expire` is `fail`, not `approve`
  help: only a person approves; where nobody decides in time, the step fails
",
    );
    check(
        &with("approve: Go?, on_expire: fail"),
        "inert-key 4:23 `on_expire`
  `on_expire` does nothing without `expires`
  help: add `expires: 24h`, or remove it
",
    );
    check(
        &with("approve: Go?, expires: 100ms, save: ../x"),
        "bad-value 4:32 `100ms`
  `expires` is a length of time, and `100ms` is none
  help: write a number and its unit, `s`, `m`, `h` or `d`: `30m`, `24h`, `7d`
unsafe-path 4:45 `../x`
  the path of `save` leaves the output folder
  help: write a file name, or folders and a file name: `design/data.md`
",
    );
    check(
        &with("approve: '{{ steps.b.text }} {{ inputs.x }}'"),
        "unknown-step 4:28 `b`
  there is no step `b`
  help: known here: a, go
unknown-input 4:48 `x`
  there is no input `x`
  help: add it to `inputs`
",
    );
    check(
        &with("persona: data-engineer, expires: 24h"),
        "key-not-for-step 4:33 `expires`
  `expires` does nothing in a step that asks no person
  help: it stands beside `approve`
",
    );
    check(
        &with("approve: Go?, persona: data-engineer"),
        "step-kind 4:9 `approve`
  step `go` has both `persona` and `approve`
  at 4:23 `persona` the other one
  help: a step has exactly one: `persona: name` asks a persona, `render: text` fills in a template, `approve: question` asks a person, `steps:` makes a group
",
    );
    check(
        &with("aprove: Go?"),
        "step-kind 4:3 `go`
  step `go` has neither `persona` nor `render` nor `approve` nor `steps`
  help: a step has exactly one: `persona: name` asks a persona, `render: text` fills in a template, `approve: question` asks a person, `steps:` makes a group
unknown-key 4:9 `aprove`
  step `go` has no key `aprove`
  help: did you mean `approve`?
",
    );
}
