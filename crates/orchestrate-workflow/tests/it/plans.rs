//! Sound files and the plans they become.

use orchestrate_core::{
    diagnostic::Source,
    plan::{Action, InputKind, Otherwise, PersonaChoice, PersonaStep, Plan},
};
use orchestrate_workflow::headline;

use crate::{compiled, plan, shown};

const END_TO_END: &str = r#"
workflow: end-to-end-ml
summary: From raw data to a deployed, monitored, reported model.
inputs:
  task:      { type: string, required: true, help: What to build }
  framework: { type: string, enum: [auto, pytorch, tensorflow, jax], default: auto }
concurrency: 4
defaults: { model: fast, temperature: 0.2, timeout: { idle: 90s, total: 10m } }
steps:
  data:
    persona: data-engineer
    prompt: Set up the data infrastructure and pipelines for the task.
  analysis:
    persona: data-scientist-stats
    needs: data
    prompt: Explore.
  model:
    persona:
      choose: { pytorch: ml-engineer-pytorch, tensorflow: ml-engineer-tensorflow, jax: ml-engineer-jax }
      by: inputs.framework
      otherwise: match
    needs: analysis
    timeout: 2m
    temperature: 1
  operations: { persona: mlops-engineer, needs: model, prompt: Operate., optional: true }
  report:
    persona: data-viz-specialist
    needs: [model, operations]
    prompt: "Report on {{ steps.model.text }}"
    save: reports/final.md
  page:
    render: "{{ steps.report.text }}"
    needs: report
outputs:
  report: "{{ steps.report.text }}"
"#;

fn persona_step<'p>(plan: &'p Plan, id: &str) -> &'p PersonaStep {
    match &plan.step(&id.into()).expect("the step").action {
        Action::Persona(step) => step,
        Action::Render(_) | Action::Approve(_) | Action::Group => panic!("{id} asks no persona"),
    }
}

fn needs(plan: &Plan, id: &str) -> Vec<(String, bool)> {
    let step = plan.step(&id.into()).expect("the step");
    step.needs.iter().map(|need| (need.step.to_string(), need.handoff)).collect()
}

#[test]
fn the_documented_example_compiles() {
    let plan = plan(END_TO_END);
    assert_eq!(plan.workflow(), "end-to-end-ml");
    assert_eq!(plan.stages(), [[0], [1], [2], [3], [4], [5]]);
    assert_eq!(plan.concurrency(), Some(4));
    let framework = &plan.inputs()["framework"];
    assert!(matches!(&framework.kind, InputKind::Enum(words) if words.len() == 4));
    assert!(!framework.required && plan.inputs()["task"].required);
    let PersonaChoice::Choose { cases, by, otherwise } = &persona_step(&plan, "model").persona
    else {
        panic!("a choice")
    };
    assert_eq!((cases.len(), by.as_str(), otherwise), (3, "inputs.framework", &Otherwise::Match));
    assert_eq!(plan.outputs()["report"], "{{ steps.report.text }}");
}

#[test]
fn defaults_hold_where_a_step_says_nothing() {
    let plan = plan(END_TO_END);
    let (data, model) = (persona_step(&plan, "data"), persona_step(&plan, "model"));
    assert_eq!(data.model.as_deref(), Some("fast"));
    assert_eq!((data.parameters.temperature, model.parameters.temperature), (Some(0.2), Some(1.0)));
    assert_eq!((data.timeouts.total_ms, data.timeouts.idle_ms), (Some(600_000), Some(90_000)));
    assert_eq!((model.timeouts.total_ms, model.timeouts.idle_ms), (Some(120_000), Some(90_000)));
}

#[test]
fn a_need_hands_over_by_itself_unless_its_text_is_printed() {
    let plan = plan(END_TO_END);
    assert_eq!(needs(&plan, "report"), [("model".into(), false), ("operations".into(), true)]);
    assert_eq!(needs(&plan, "page"), [("report".into(), false)], "nothing is asked of a model");
}

#[test]
fn looking_at_a_text_is_not_printing_it() {
    let file = |prompt: &str| {
        format!(
            "workflow: w\nsteps:\n  a: {{ persona: data-engineer }}\n  b:\n    persona: data-engineer\n    \
             needs: a\n    prompt: '{prompt}'\n"
        )
    };
    for looks in [
        "{% if steps.a.text %}x{% endif %}",
        "{{ steps.a.text | length }}",
        "{{ 1 if steps.a.text == \"x\" else 2 }}",
        "{{ steps.a.brief }}",
    ] {
        assert_eq!(needs(&plan(&file(looks)), "b"), [("a".into(), true)], "{looks}");
    }
    for prints in ["{{ steps[\"a\"].text | trim }}", "{% set t = steps.a.text %}{{ t }}"] {
        assert_eq!(needs(&plan(&file(prints)), "b"), [("a".into(), false)], "{prints}");
    }
}

#[test]
fn a_reference_is_an_edge_without_a_handoff_even_where_nobody_declared_it() {
    let (plan, problems) = compiled(
        "workflow: w\nsteps:\n  a: { persona: data-engineer }\n  \
         b: { persona: { choose: { x: data-engineer }, by: steps.a.text } }\n",
    );
    assert!(shown(&problems).starts_with("undeclared-need 4:59 `a`"), "{}", shown(&problems));
    assert_eq!(needs(&plan.expect("a warning is no error"), "b"), [("a".into(), false)]);
}

#[test]
fn anchors_repeat_what_they_name() {
    let plan = plan(
        "workflow: w\nsteps:\n  a: { persona: data-engineer, prompt: &p 'Do {% raw %}{{ it }}{% endraw %}.' }\n  \
         b: { persona: mlops-engineer, prompt: *p }\n",
    );
    assert_eq!(persona_step(&plan, "a").prompt, persona_step(&plan, "b").prompt);
}

#[test]
fn the_smallest_useful_file_has_three_lines_and_words_of_yaml_1_1_are_text() {
    let plan = plan("workflow: on\nsteps:\n  no: { persona: data-engineer, prompt: off }\n");
    assert_eq!(plan.workflow(), "on");
    assert_eq!(persona_step(&plan, "no").prompt.as_deref(), Some("off"));
}

#[test]
fn a_headline_is_read_of_a_broken_file_too() {
    let read = |text: &str| headline(&Source::new("w.yaml", text));
    let (name, summary) = read(END_TO_END);
    assert_eq!(name.as_deref(), Some("end-to-end-ml"));
    assert_eq!(summary.as_deref(), Some("From raw data to a deployed, monitored, reported model."));
    let broken =
        "steps: { a: { workflow: inner }, b: [summary, x] }\nworkflow: w\nsummary: s\n\tx: [\n";
    assert_eq!(read(broken).0.as_deref(), Some("w"));
    assert_eq!(read("- workflow: x\n"), (None, None));
}
