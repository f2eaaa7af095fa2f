//! Steps, inputs and templates that refer to what is not there.

use crate::check;

#[test]
fn needs_that_cannot_be_met() {
    check(
        r"workflow: w
steps:
  data: { persona: data-engineer }
  model: { persona: mlops-engineer, needs: [date, model, data, data, 5] }
  report: { persona: mlops-engineer, needs: [[data]] }
",
        r#"unknown-step 4:45 `date`
  there is no step `date`
  help: did you mean `data`?
self-need 4:51 `model`
  step `model` needs itself
  help: name the step that comes before it
duplicate-need 4:64 `data`
  `data` is needed twice
  at 4:58 `data` first here
  help: remove one of them
wrong-type 4:70 `5`
  a need must be a text, not a number
  help: quote it: `"5"`
wrong-type 5:46 `[data]`
  a need must be a step's name, or a map with `step`, not a list
  help: write `needs: data`, `needs: [data, analysis]`, or `needs: [{ step: data, pass: brief }]`
"#,
    );
}

#[test]
fn a_circle() {
    check(
        r#"workflow: w
steps:
  a: { persona: data-engineer, needs: c }
  b: { persona: data-engineer, needs: [a] }
  c: { persona: data-engineer, prompt: "See {{ steps.b.text }}" }
"#,
        r"cycle 3:39 `c` `a` needs `c`
  steps need each other in a circle: a → c → b → a
  at 5:54 `b` `c` needs `b`
  at 4:40 `a` `b` needs `a`
  help: remove one of these needs
undeclared-need 5:54 `b`
  step `c` refers to `b` and does not say that it needs it
  help: add `b` to its `needs`; until then it is added for you
",
    );
}

#[test]
fn two_circles() {
    check(
        r"workflow: w
steps:
  a: { render: x, needs: b }
  b: { render: x, needs: a }
  c: { render: x, needs: d }
  d: { render: x, needs: c }
",
        r"cycle 3:26 `b` `a` needs `b`
  steps need each other in a circle: a → b → a
  at 4:26 `a` `b` needs `a`
  help: remove one of these needs
cycle 5:26 `d` `c` needs `d`
  steps need each other in a circle: c → d → c
  at 6:26 `c` `d` needs `c`
  help: remove one of these needs
",
    );
}

#[test]
fn references_to_nothing() {
    check(
        r"workflow: w
inputs: { task: string }
steps:
  data:
    persona: data-engineer
    prompt: |
      Do {{ inputs.tsk }} and

      {{ task }} with {{ steps.dta.text }}
      but {{ foo }}.
  next:
    persona: data-engineer
    needs: data
    prompt: >
      Read
      {{ steps.data.txt }} and {{ steps.data.brief.figure }}
      and {{ steps.data }} {{ inputs.task.x }} {{ steps.data.text.x }}
",
        r"unknown-input 7:20 `tsk`
  there is no input `tsk`
  help: did you mean `task`?
unknown-variable 9:10 `task`
  templates have no variable `task`
  help: write `inputs.task`
unknown-step 9:32 `dta`
  there is no step `dta`
  help: did you mean `data`?
unknown-variable 10:14 `foo`
  templates have no variable `foo`
  help: known here: inputs, steps
unknown-attribute 16:21 `txt`
  `steps.data` has no `txt`
  help: did you mean `text`?
unknown-attribute 16:52 `figure`
  `steps.data.brief` has no `figure`
  help: did you mean `figures`?
incomplete-reference 17:14 `steps.data`
  `steps.data` is everything the step made: say what of it
  help: write `steps.data.text`; a step has text, output, brief, persona, title, available, status, items
unknown-attribute 17:43 `x`
  `inputs.task` is a single value: nothing is below it
  help: write `inputs.task`
unknown-attribute 17:67 `x`
  nothing of that kind is below `steps.data.text`
  help: write `steps.data.text`
",
    );
}

#[test]
fn a_hyphen_in_a_reference() {
    check(
        r#"workflow: w
steps:
  my-big-step: { persona: data-engineer }
  b:
    persona: data-engineer
    needs: my-big-step
    prompt: "é {{ steps.my-big-step.text }}"
"#,
        r"hyphen-in-reference 7:19 `steps.my-big-step.text`
  `-` after a dot subtracts; `my-big-step` is meant as one name
  help: write `steps['my-big-step'].text`
",
    );
}

#[test]
fn template_syntax() {
    check(
        r#"workflow: w
steps:
  a:
    persona: data-engineer
    prompt: |
      fine
      {% if %}
  b: { persona: data-engineer, prompt: "{{ inputs.x" }
  c: { persona: data-engineer, prompt: 'it''s {{ 1 + }}' }
"#,
        r"template-syntax 7:13 `%}`
  the template cannot be read: unexpected end of block
  help: to print braces as they are, write `{% raw %}{{ … }}{% endraw %}`
template-syntax 8:51 `x`
  the template cannot be read: unexpected end of input, expected end of variable block
  help: close every `{{` with `}}`, every `{%` with `%}`, and every block with its `{% end… %}`
template-syntax 9:54 `}}`
  the template cannot be read: unexpected end of variable block
  help: to print braces as they are, write `{% raw %}{{ … }}{% endraw %}`
",
    );
}

#[test]
fn what_templates_do_not_have() {
    check(
        r"workflow: w
inputs: { n: integer, t: string }
steps:
  a:
    persona: data-engineer
    prompt: |
      {{ inputs.t | uper }} {{ inputs.t is weird }} {{ now() }}
      {{ inputs.t ~ 'x' }} {{ inputs.t + 'x' }} {{ inputs.n + 1 }}
      {% block m %}{% endblock %}{% import 'x' as x %}
      {{ inputs.t.upper() }} {{ [inputs.t] }} {{ inputs[inputs.t] }}
",
        r"unknown-filter 7:21 `uper`
  templates have no filter `uper`
  help: did you mean `upper`?
unknown-filter 7:44 `weird`
  templates have no test `weird`
  help: known here: defined, undefined, none, boolean, number, integer, string, odd, even, startingwith, endingwith, eq, ne, in, true
unknown-filter 7:56 `now`
  templates have no function `now`
  help: known here: range
template-unsupported 8:10 `inputs.t ~ 'x'`
  templates do not have `~`
  help: write texts next to each other: `{{ a }}{{ b }}`
template-unsupported 8:31 `inputs.t + 'x'`
  `+` is for numbers, and these need not be
  help: write texts next to each other; make a number with `| int`
template-unsupported 9:10 `block m %}{% endblock`
  templates do not have `{% block %}`
  help: templates print expressions and have `for`, `if`, `set`, `with`, `macro` and `include`
template-unsupported 9:37 `import 'x' as x`
  templates do not have `{% import %}`
  help: templates print expressions and have `for`, `if`, `set`, `with`, `macro` and `include`
template-unsupported 10:18 `.upper()`
  templates call no methods
  help: use a filter: `{{ x | upper }}`
template-unsupported 10:33 `[inputs.t]`
  a list in a template holds only constants
  help: for example `{% if inputs.x in ['a', 'b'] %}`
incomplete-reference 10:50 `inputs[inputs.t`
  `inputs` needs a name that stands here as it is
  help: for example `inputs.task`
",
    );
}

#[test]
fn outputs_that_refer_to_nothing() {
    check(
        r#"workflow: w
steps:
  data: { persona: data-engineer }
outputs:
  report: "größe: {{ steps.dat.text }}"
  Bad Name: x
"#,
        r"unknown-step 5:28 `dat`
  there is no step `dat`
  help: did you mean `data`?
bad-name 6:3 `Bad Name`
  an output's name is written with small letters, digits, `-` and `_`, starts with a letter and has up to 64 characters
  help: write `bad-name`
",
    );
}

#[test]
fn an_undeclared_need() {
    check(
        r#"workflow: w
steps:
  a: { persona: data-engineer }
  b: { persona: data-engineer, prompt: "{{ steps.a.brief }}" }
"#,
        r"undeclared-need 4:50 `a`
  step `b` refers to `a` and does not say that it needs it
  help: add `a` to its `needs`; until then it is added for you
",
    );
}

#[test]
fn a_template_problem_in_a_folded_quoted_text() {
    check(
        r#"workflow: w
steps:
  a:
    persona: data-engineer
    prompt: "one\ttwo \"x\" \u00e9
      three {{ oops }}"
"#,
        r"unknown-variable 6:16 `oops`
  templates have no variable `oops`
  help: known here: inputs, steps
",
    );
}
