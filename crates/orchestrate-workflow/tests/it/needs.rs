//! What a workflow lets cross an edge.

use orchestrate_core::plan::{Need, Plan};

use crate::{check, plan};

const STEPS: &str = "workflow: w\nsteps:\n  a: { persona: data-engineer }\n  b: { persona: data-engineer }\n  c: { persona: data-engineer }\n  r: { render: x }\n";

fn with(step: &str) -> String {
    format!("{STEPS}  d: {{ {step} }}\n")
}

/// What the edges of the last step say, those without a handoff in brackets.
fn edges(plan: &Plan) -> Vec<String> {
    let step = plan.steps().last().expect("a step");
    let told =
        |need: &Need| if need.handoff { need.label() } else { format!("[{}]", need.label()) };
    step.needs.iter().map(told).collect()
}

#[test]
fn names_and_maps_stand_beside_each_other_in_the_order_of_the_handoffs() {
    let list = "persona: data-engineer, needs: [{ step: c, pass: full, max_tokens: 4000 }, a, { step: b, pass: none }, { step: r }]";
    assert_eq!(
        edges(&plan(&with(list))),
        ["c (full, 4000 tokens at most)", "a", "[b (order only)]", "r"]
    );
    let one = "persona: data-engineer, needs: { step: a, pass: brief }";
    assert_eq!(edges(&plan(&with(one))), ["a (brief)"]);
}

#[test]
fn a_plan_says_nothing_of_what_a_workflow_leaves_unsaid() {
    let short = plan(&with("persona: data-engineer, needs: a"));
    let long = plan(&with("persona: data-engineer, needs: [{ step: a }]"));
    assert_eq!(short.digest(), long.digest());
    for other in ["pass: full", "pass: brief", "pass: none", "max_tokens: 32000"] {
        let step = format!("persona: data-engineer, needs: [{{ step: a, {other} }}]");
        assert_ne!(plan(&with(&step)).digest(), short.digest(), "{other}");
    }
}

#[test]
fn a_brief_is_asked_for_only_where_an_edge_can_use_it() {
    let wanted = |needs: &str| {
        plan(&with(&format!("persona: data-engineer, needs: {needs}"))).wants_brief(0)
    };
    assert!(wanted("a") && wanted("{ step: a, pass: brief }"));
    assert!(!wanted("{ step: a, pass: full }") && !wanted("{ step: a, pass: none }"));
    let template = "persona: data-engineer, needs: { step: a, pass: none }, prompt: '{{ steps.a.brief.risks }}'";
    assert!(plan(&with(template)).wants_brief(0), "the template takes it itself");
}

#[test]
fn needs_that_say_what_cannot_be() {
    check(
        &with(
            "persona: data-engineer, needs: [{ step: a, pass: breif }, { step: b, max_tokens: 0 }, { step: c, pass: none, max_tokens: 5 }, { pass: full }, { step: r, pass: brief, limit: 3 }, { step: e }]",
        ),
        "bad-value 7:57 `breif`
  `pass` is `full`, `brief` or `none`, not `breif`
  help: did you mean `brief`?
out-of-range 7:89 `0`
  `max_tokens` is a whole number from 1 to 1000000, not 0
  help: the nearest is `1`
inert-key 7:117 `max_tokens`
  `max_tokens` of a need that passes nothing
  help: remove it, or say what is passed: `pass: full` or `pass: brief`
missing-key 7:134 `{ pass: full }`
  a need without `step`
  help: write `needs: data`, `needs: [data, analysis]`, or `needs: [{ step: data, pass: brief }]`
bad-value 7:167 `brief`
  step `r` renders a template and has no brief
  help: leave `pass` out, or write `pass: full`
unknown-key 7:174 `limit`
  a need has no key `limit`
  help: known here: step, pass, max_tokens
unknown-step 7:194 `e`
  there is no step `e`
  help: known here: a, b, c, r, d
",
    );
    check(
        &with(
            "persona: data-engineer, needs: [{ step: a, pass: full }, { step: b, max_tokens: 9 }], prompt: '{{ steps.a.text }} {{ steps.b.text }}'",
        ),
        "inert-key 7:57 `full`
  `pass` does nothing: the template prints `a` itself, so it is not handed over again
  at 7:112 `a` printed here
  help: remove one of the two
inert-key 7:76 `max_tokens`
  `max_tokens` does nothing: the template prints `b` itself, so it is not handed over again
  at 7:131 `b` printed here
  help: remove one of the two
",
    );
    check(
        &with("render: '{{ steps.a.text }}', needs: { step: a, pass: brief }"),
        "inert-key 7:62 `brief`
  `pass` does nothing: the template prints `a` itself, so it is not handed over again
  at 7:26 `a` printed here
  help: remove one of the two
",
    );
    check(
        &with("render: x, needs: { step: a, pass: brief }"),
        "inert-key 7:43 `brief`
  `pass` does nothing in a step that only renders: it takes no handoffs
  help: write the step's name alone; the template says what it takes
",
    );
    check(
        &with("persona: data-engineer, needs: { step: r, pass: brief }"),
        "bad-value 7:56 `brief`
  step `r` renders a template and has no brief
  help: leave `pass` out, or write `pass: full`
",
    );
}
