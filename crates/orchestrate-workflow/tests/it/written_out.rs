//! Includes and macros: what they become, where mistakes in them stand, and their limits.

use std::{collections::BTreeMap, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    plan::{Action, InputValue, Plan},
};
use orchestrate_workflow::{
    Catalogue, Scope, StepValue, StepValues, compile, render_prompt, render_text,
};

use crate::Personas;

/// A workflow's folder in memory.
struct Folder(BTreeMap<&'static str, String>);

impl Catalogue for Folder {
    fn has_persona(&self, name: &str) -> bool {
        Personas.has_persona(name)
    }

    fn persona_names(&self) -> Vec<String> {
        Personas.persona_names()
    }

    fn include(&self, path: &str) -> Result<Arc<Source>, String> {
        let text = self.0.get(path).ok_or_else(|| format!("there is no `{path}`"))?;
        Ok(Source::new(path, text.as_str()))
    }
}

fn built(prompt: &str, files: &[(&'static str, &str)]) -> (Option<Plan>, Vec<Diagnostic>) {
    let files = files.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    let indented = prompt.replace('\n', "\n      ");
    let text = format!(
        "workflow: w\ninputs: {{ task: string, n: {{ type: integer, default: 2 }} }}\nsteps:\n  first: {{ persona: data-engineer }}\n  a:\n    persona: data-engineer\n    needs: first\n    prompt: |-\n      {indented}\n"
    );
    compile(&Source::new("w.yaml", text), &Folder(files))
}

/// The prompt as the plan holds it.
fn prompt(template: &str, files: &[(&'static str, &str)]) -> String {
    let (plan, problems) = built(template, files);
    let plan = plan.unwrap_or_else(|| panic!("{problems:?}"));
    let Action::Persona(action) = &plan.steps()[1].action else { panic!("a persona step") };
    action.prompt.clone().expect("a prompt")
}

struct First;

impl StepValues for First {
    fn step(&self, _id: &str) -> Option<StepValue> {
        Some(StepValue {
            text: Some("T{{ inputs.task }}{% include 'x' %}".into()),
            ..StepValue::default()
        })
    }
}

fn rendered(template: &str, files: &[(&'static str, &str)]) -> String {
    let inputs = IndexMap::from([
        ("task".to_owned(), InputValue::String("{{ 1 + 1 }}{{ m('x') }}{% include 'x' %}".into())),
        ("n".to_owned(), InputValue::Integer(2)),
    ]);
    let scope = Scope { inputs: &inputs, steps: &First };
    let text = render_text(&prompt(template, files), &scope).expect("it renders");
    render_prompt(&prompt(template, files), &scope).expect("it renders as a prompt, too");
    text
}

fn told(template: &str, files: &[(&'static str, &str)]) -> String {
    let (plan, problems) = built(template, files);
    assert!(plan.is_none(), "{template}");
    let line = |problem: &Diagnostic| {
        let place = problem.place().expect("a place");
        format!("{place}: {}", problem.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_included_text_stands_where_the_include_stood() {
    let files = [
        ("style.md", "Be brief, {{ inputs.n }} pages.\n"),
        ("b/c.md", "{% include 'style.md' %} Now."),
    ];
    assert_eq!(
        rendered("Write.\n{% include 'style.md' %}\nEnd.", &files),
        "Write.\nBe brief, 2 pages.\nEnd."
    );
    assert_eq!(rendered("x  {%- include 'b/c.md' -%}  y", &files), "xBe brief, 2 pages. Now.y");
    assert_eq!(
        rendered("{% raw %}{% include 'style.md' %}{% endraw %}", &files),
        "{% include 'style.md' %}"
    );
}

#[test]
fn a_macro_is_its_body_with_its_parameters() {
    let template = "{% macro ask(what, of='it') %}Say {{ what }} of {{ of }}.{% endmacro %}\
                    {{ ask('the cost') }} {{ ask(of='them', what='the risk') }} {{ ask('(a, b)', 'c') }}";
    assert_eq!(
        rendered(template, &[]),
        "Say the cost of it. Say the risk of them. Say (a, b) of c."
    );
    let nested = "{% macro a(x) %}<{{ x }}>{% endmacro %}{% macro b(x) %}{{ a(x) }}{{ a('y') }}{% endmacro %}\
                  {% for i in [1, 2] %}{{ b(i) }}{% endfor %}";
    assert_eq!(rendered(nested, &[]), "<1><y><2><y>");
    let swapped = "{% macro m(a, b) %}{{ a }}-{{ b }}{% endmacro %}{% set a = 1 %}{% set b = 2 %}{{ m(b, a) }}";
    assert_eq!(rendered(swapped, &[]), "2-1");
    let shared = [("m.md", "{% macro m(x) %}[{{ x }}]{% endmacro %}")];
    assert_eq!(rendered("{% include 'm.md' %}{{ m('a') }}", &shared), "[a]");
}

#[test]
fn text_from_outside_keeps_its_fence_in_a_macro_and_is_never_a_template() {
    let template = "{% macro show(x) %}{{ x }}{% endmacro %}{{ show(inputs.task) }}{{ show(steps.first.text) }}";
    let inputs = IndexMap::from([("task".to_owned(), InputValue::String("{{ 1 + 1 }}".into()))]);
    let scope = Scope { inputs: &inputs, steps: &First };
    let text = render_prompt(&prompt(template, &[]), &scope).expect("it renders");
    assert!(text.contains("{{ 1 + 1 }}") && text.contains("the task, from the user"), "{text}");
    assert!(text.contains("T{{ inputs.task }}{% include 'x' %}"), "{text}");
    let all = rendered(template, &[]);
    assert_eq!(all, "{{ 1 + 1 }}{{ m('x') }}{% include 'x' %}T{{ inputs.task }}{% include 'x' %}");
}

#[test]
fn a_mistake_in_an_included_file_is_told_with_its_place_there() {
    let files = [("a.md", "one\n{{ inputs.tsk }} {{ oops }}\n")];
    let expected =
        "a.md:2:11: there is no input `tsk`\na.md:2:21: templates have no variable `oops`";
    assert_eq!(told("{% include 'a.md' %}", &files), expected);
    let (_, problems) = built("{% include 'a.md' %}", &files);
    let second = &problems[0].labels[1];
    assert_eq!(second.text, "included here");
    assert_eq!(&second.source.text[second.span.clone()], "{% include 'a.md' %}");
}

#[test]
fn what_a_macro_gets_wrong_is_told_once_where_it_stands() {
    let twice = "{% macro m(x) %}{{ y }}{% endmacro %}\n{{ m(1) }}\n{{ m(2) }}";
    assert_eq!(told(twice, &[]), "w.yaml:9:26: templates have no variable `y`");
    let never = "{% macro m(x) %}{{ inputs.tsk }}{% endmacro %}";
    assert_eq!(told(never, &[]), "w.yaml:9:33: there is no input `tsk`");
    // What stands around a call is not the macro's.
    let around = "{% macro m() %}{{ z }}{% endmacro %}{% set z = 1 %}{{ m() }}";
    assert!(told(around, &[]).contains("no variable `z`"));
}

#[test]
fn a_need_that_only_an_included_file_names_is_a_need() {
    let (plan, _) = built("{% include 'a.md' %}", &[("a.md", "{{ steps.first.text }}")]);
    let plan = plan.expect("a plan");
    assert!(!plan.steps()[1].needs[0].handoff, "the file prints the text itself");
}

#[test]
fn includes_and_macros_that_would_never_end_are_refused() {
    let circle = [("a.md", "{% include 'b.md' %}"), ("b.md", "{% include 'a.md' %}")];
    assert!(told("{% include 'a.md' %}", &circle).contains("`a.md` includes itself"));
    let itself = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
    assert!(told(itself, &[]).contains("macro `m` is not known here"));
    let mut bomb = String::from("{% macro m0() %}{% endmacro %}");
    for at in 1..20 {
        let below = format!("{{{{ m{}() }}}}", at - 1).repeat(10);
        let body = ["\n{% macro m", &at.to_string(), "() %}", &below, "{% endmacro %}"];
        bomb.push_str(&body.concat());
    }
    bomb.push_str("\n{{ m19() }}");
    assert!(told(&bomb, &[]).contains("at most 2000 times"));
    let large = "x".repeat(400_000);
    let mut files = BTreeMap::from([("l.md", large)]);
    files.insert("three.md", "{% include 'l.md' %}\n".repeat(3));
    let text = "workflow: w\nsteps: { a: { render: \"{% include 'three.md' %}\" } }\n";
    let (plan, problems) = compile(&Source::new("w.yaml", text), &Folder(files));
    assert!(
        plan.is_none() && problems.iter().any(|one| one.message.contains("at most 1 MiB")),
        "{problems:?}"
    );
}

#[test]
fn only_files_of_the_folder_are_asked_for() {
    for path in ["../x", "/etc/passwd", "a/../../x", "~/x", "a\\\\b", ""] {
        let said = told(&format!("{{% include '{path}' %}}"), &[]);
        assert!(said.contains("is no file in the workflow's folder"), "{said}");
    }
    assert!(told("{% include 'missing.md' %}", &[]).contains("there is no `missing.md`"));
}
