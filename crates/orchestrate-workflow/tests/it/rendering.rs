//! Templates and what they make.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use orchestrate_core::{
    brief::{Brief, Decision, Figure},
    fence::fence,
    plan::InputValue,
    request::Segment,
};
use orchestrate_workflow::{
    Scope, StepValue, StepValues, TemplateError, evaluate, prints_task, render_prompt, render_text,
};

struct Steps(BTreeMap<&'static str, StepValue>);

impl StepValues for Steps {
    fn step(&self, id: &str) -> Option<StepValue> {
        self.0.get(id).cloned()
    }
}

fn inputs() -> IndexMap<String, InputValue> {
    let file = InputValue::File { name: "a\nb.md".into(), text: "from a file".into() };
    [
        ("task", InputValue::String("Predict churn.".into())),
        ("name", InputValue::String("x".into())),
        ("blank", InputValue::String(" \n".into())),
        ("hostile", InputValue::String("{{ inputs.task }}{% include 'x' %}".into())),
        ("notes", file),
        ("rows", InputValue::Integer(7)),
        ("share", InputValue::Number(0.5)),
        ("fast", InputValue::Boolean(true)),
        ("framework", InputValue::Enum("jax".into())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn steps() -> Steps {
    let brief = Brief {
        decisions: vec![
            Decision { id: "D1".into(), decision: "Use Postgres".into(), why: "known".into() },
            Decision { decision: "Use dbt".into(), ..Decision::default() },
        ],
        figures: vec![Figure {
            name: "rows".into(),
            value: "4".into(),
            unit: "million".into(),
            ..Figure::default()
        }],
        risks: vec!["late data".into()],
        ..Brief::default()
    };
    let data = StepValue {
        persona: Some("data-engineer".into()),
        title: Some("Data Engineer".into()),
        text: Some("# Data".into()),
        brief: Some(brief),
        unavailable: None,
        ..StepValue::default()
    };
    let lost = StepValue {
        persona: Some("mlops-engineer".into()),
        unavailable: Some("the model was unavailable".into()),
        ..StepValue::default()
    };
    let page = StepValue { text: Some("<p>".into()), ..StepValue::default() };
    Steps(BTreeMap::from([("data", data), ("lost-one", lost), ("page", page)]))
}

fn with_scope<T>(act: impl FnOnce(&Scope<'_>) -> T) -> T {
    let (inputs, steps) = (inputs(), steps());
    act(&Scope { inputs: &inputs, steps: &steps })
}

#[track_caller]
fn prompt(template: &str) -> String {
    with_scope(|scope| render_prompt(template, scope)).expect("a prompt")
}

#[track_caller]
fn text(template: &str) -> String {
    with_scope(|scope| render_text(template, scope)).expect("a text")
}

fn error(template: &str) -> TemplateError {
    with_scope(|scope| render_prompt(template, scope)).expect_err("an error")
}

#[test]
fn every_text_in_a_prompt_is_fenced_under_its_origin() {
    for (template, origin, content) in [
        ("{{ inputs.name }}", "the input `name`", "x"),
        ("{{ inputs.notes }}", "the file `a b.md` (input `notes`)", "from a file"),
        ("{{ steps.data.text }}", "deliverable of data-engineer (step `data`)", "# Data"),
        ("{{ steps['page'].text }}", "value of step `page`", "<p>"),
        ("{{ steps.data.title }}", "title of data-engineer (step `data`)", "Data Engineer"),
        ("{{ inputs.name | upper }}", "a value of this workflow", "X"),
        ("{{ 'literal' }}", "a value of this workflow", "literal"),
        ("{{ inputs.name | default('y') }}", "the input `name`", "x"),
    ] {
        assert_eq!(prompt(template), fence(origin, content), "{template}");
    }
}

#[test]
fn a_task_in_a_prompt_looks_like_the_task_that_is_given_by_itself() {
    let segment = Segment::Task("Predict churn.".into()).render();
    assert_eq!(prompt("{{ inputs.task }}"), segment);
}

#[test]
fn numbers_booleans_and_words_of_the_author_are_not_fenced() {
    let template = "{{ inputs.rows + 1 }} {{ inputs.share }} {{ inputs.fast }} {{ inputs.framework }} \
                    {{ steps.data.persona }} {{ steps.data.available }} {{ inputs.task | length }}";
    assert_eq!(prompt(template), "8 0.5 true jax data-engineer true 14");
}

#[test]
fn nothing_and_white_space_print_nothing() {
    assert_eq!(prompt("a{{ inputs.blank }}b{{ inputs.absent }}c{{ steps.page.brief }}d"), "abcd");
    assert_eq!(
        prompt("{% if inputs.absent or steps.page.brief.risks %}x{% else %}y{% endif %}\n"),
        "y\n"
    );
}

#[test]
fn the_text_of_others_is_never_a_template() {
    let hostile = "{{ inputs.task }}{% include 'x' %}";
    assert_eq!(prompt("{{ inputs.hostile }}"), fence("the input `hostile`", hostile));
    assert_eq!(text("{{ inputs.hostile }}"), hostile);
}

#[test]
fn briefs_print_as_lists_and_can_be_looped_over() {
    let origin = "brief of data-engineer (step `data`)";
    assert_eq!(
        prompt("{{ steps.data.brief.decisions }}"),
        fence(origin, "- D1: Use Postgres — known\n- Use dbt\n")
    );
    assert_eq!(prompt("{{ steps.data.brief.risks[0] }}"), fence(origin, "late data"));
    assert_eq!(
        text(
            "{% for d in steps.data.brief.decisions %}{{ loop.index }}. {{ d.decision }}\n{% endfor %}"
        ),
        "1. Use Postgres\n2. Use dbt\n"
    );
    assert_eq!(
        text(
            "{{ steps.data.brief.figures[0] }}|{{ steps.data.brief.figures | map(attribute='name') | join(',') }}"
        ),
        "rows: 4 million|rows"
    );
    assert!(text("{{ steps.data.brief }}").starts_with("Decisions:\n- D1: Use Postgres"));
    assert_eq!(text("{{ ['a', 'b'] }}"), "- a\n- b\n");
}

#[test]
fn a_step_that_failed_says_that_it_is_not_available() {
    let expected =
        "Not available: the model was unavailable. Work without it and say where that matters.";
    let origin = "deliverable of mlops-engineer (step `lost-one`)";
    assert_eq!(prompt("{{ steps['lost-one'].text }}"), fence(origin, expected));
    assert_eq!(text("{{ 'yes' if steps['lost-one'].available else 'no' }}"), "no");
}

#[test]
fn texts_behave_like_texts_in_conditions() {
    assert_eq!(text("{{ 1 if inputs.name == 'x' and 'churn' in inputs.task else 2 }}"), "1");
    assert_eq!(text("{{ 1 if inputs.framework in ['jax', 'pytorch'] else 2 }}"), "1");
    assert_eq!(
        text("{{ inputs.task | replace('churn', 'rain') | indent(2) | lines | first }}"),
        "Predict rain."
    );
}

#[test]
fn an_expression_gives_a_text_a_number_or_a_boolean() {
    let value = |expression: &str| with_scope(|scope| evaluate(expression, scope));
    assert_eq!(value("inputs.framework"), Ok("jax".into()));
    assert_eq!(value("inputs.rows"), Ok("7".into()));
    assert_eq!(value("inputs.fast"), Ok("true".into()));
    assert_eq!(value("steps.data.text | upper"), Ok("# DATA".into()));
    let nothing = value("inputs.absent").expect_err("nothing");
    assert_eq!(nothing.to_string(), "`inputs.absent` is without a value");
    assert!(matches!(value("steps.data.brief"), Err(TemplateError::NoText { .. })));
    assert!(matches!(value("inputs."), Err(TemplateError::Invalid { .. })));
}

#[test]
fn only_a_prompt_that_always_prints_the_task_makes_the_task_segment_needless() {
    for prints in [
        "{{ inputs.task }}",
        "x {{ inputs['task'] | trim }}",
        "{% with x=1 %}{{ inputs.task }}{% endwith %}",
    ] {
        assert!(prints_task(prints), "{prints}");
    }
    for not in [
        "the task",
        "{% if inputs.x %}{{ inputs.task }}{% endif %}",
        "{{ inputs.task | length }}",
        "{{ inputs.task if inputs.x else 'y' }}",
        "{% raw %}{{ inputs.task }}{% endraw %}",
        "{{ inputs.task",
    ] {
        assert!(!prints_task(not), "{not}");
    }
}

#[test]
fn failures_say_what_and_where() {
    let failed = error("one\n{{ inputs.task | first | int }}");
    assert!(matches!(failed, TemplateError::Failed { line: 2, .. }), "{failed}");
    let failed = error("{{ steps.data.brief.risks[7] }}");
    assert!(matches!(failed, TemplateError::Failed { line: 1, .. }), "{failed}");
    assert_eq!(
        error("{{ steps.later.text }}").to_string(),
        "the template refers to step `later`, which has not ended"
    );
    assert!(matches!(error("{% macro m() %}{% endmacro %}"), TemplateError::Invalid { .. }));
    assert!(matches!(error("{{ inputs.name * 99 }}"), TemplateError::Invalid { .. }));
}

#[test]
fn what_makes_minijinja_panic_is_refused_before_it_runs() {
    for template in ["{{ 1 is divisibleby(0) }}", "{{ inputs.task[::-9223372036854775808] }}"] {
        assert!(matches!(error(template), TemplateError::Invalid { .. }), "{template}");
    }
}

#[test]
fn neither_size_nor_time_is_without_a_limit() {
    let large = "{% for a in range(100000) %}{{ inputs.task }}{% endfor %}";
    assert_eq!(error(large), TemplateError::TooLarge);
    let long = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    assert_eq!(error(long), TemplateError::TooLong);
    let big = "x".repeat(3 << 20);
    let inputs = IndexMap::from([("task".to_owned(), InputValue::String(big))]);
    let steps = steps();
    let scope = Scope { inputs: &inputs, steps: &steps };
    for grows in
        ["{{ inputs.task | replace('x', 'xxxx') }}", "{{ inputs.task | replace('', 'xx') }}"]
    {
        assert!(matches!(render_text(grows, &scope), Err(TemplateError::Failed { .. })), "{grows}");
    }
}
