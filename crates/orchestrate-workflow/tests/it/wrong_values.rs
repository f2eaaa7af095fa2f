//! Keys and values that the language does not have.

use crate::check;

#[test]
fn nothing_but_a_summary() {
    check(
        r"summary: text
",
        r"missing-key 1:1 `s`
  the workflow has no name
  help: add `workflow: a-name` at the top
missing-key 1:1 `s`
  the workflow has no steps
  help: add `steps:` and below it, indented, `name: { persona: …, prompt: … }`
",
    );
}

#[test]
fn misspelt_keys_everywhere() {
    check(
        r"workflw: w
workflow: w
steps:
  a:
    persona: data-engineer
    promt: x
    depends_on: b
defaults: { temprature: 1 }
inputs: { task: { typ: string } }
",
        r"unknown-key 1:1 `workflw`
  a workflow has no key `workflw`
  help: did you mean `workflow`?
unknown-key 6:5 `promt`
  step `a` has no key `promt`
  help: did you mean `prompt`?
unknown-key 7:5 `depends_on`
  step `a` has no key `depends_on`
  help: did you mean `needs`?
unknown-key 8:13 `temprature`
  `defaults` has no key `temprature`
  help: did you mean `temperature`?
unknown-key 9:19 `typ`
  input `task` has no key `typ`
  help: did you mean `type`?
",
    );
}

#[test]
fn attempts_and_seeds_that_nobody_can_have() {
    check(
        r"workflow: w
defaults: { seed: -1, retry: 0 }
steps:
  a:
    persona: data-engineer
    seed: 4294967296
    retry: { attempts: 3 }
  b: { render: x, seed: 7, retry: 2 }
  c: { persona: data-engineer, attempts: 2, retry: 9 }
",
        r"out-of-range 2:19 `-1`
  `seed` is a whole number from 0 to 2147483647, not -1
  help: the nearest is `0`
out-of-range 2:30 `0`
  `retry` is a whole number from 1 to 4, not 0
  help: the nearest is `1`
out-of-range 6:11 `4294967296`
  `seed` is a whole number from 0 to 2147483647, not 4294967296
  help: the nearest is `2147483647`
wrong-type 7:12 `{ attempts: 3 }`
  `retry` must be a whole number from 1 to 4, not a map
  help: write a number, such as `1`
key-not-for-step 8:19 `seed`
  `seed` does nothing in a step that only renders
  help: remove it: no model is called
key-not-for-step 8:28 `retry`
  `retry` does nothing in a step that only renders
  help: remove it: no model is called
unknown-key 9:32 `attempts`
  step `c` has no key `attempts`
  help: did you mean `retry`?
out-of-range 9:52 `9`
  `retry` is a whole number from 1 to 4, not 9
  help: the nearest is `4`
",
    );
}

#[test]
fn a_newer_language() {
    check(
        r"orchestrate: 2
workflow: w
stages: []
",
        r"newer-language 1:14 `2`
  the file is written in language version 2
  help: this program knows version 1: use a newer program that knows version 2
",
    );
}

#[test]
fn a_name_that_is_no_slug() {
    check(
        r"workflow: My Workflow
steps:
  Data Step: { persona: data-engineer }
",
        r"bad-name 1:11 `My Workflow`
  a workflow's name is written with small letters, digits and `-`, starts with a letter and has up to 64 characters
  help: write `my-workflow`
bad-name 3:3 `Data Step`
  a step's name is written with small letters, digits, `-` and `_`, starts with a letter and has up to 64 characters
  help: write `data-step`
",
    );
}

#[test]
fn numbers_and_booleans_as_text() {
    check(
        r"workflow: w
summary: 5
steps:
  a: { persona: true, prompt: , optional: no }
",
        r#"wrong-type 2:10 `5`
  `summary` must be a text, not a number
  help: quote it: `"5"`
wrong-type 4:17 `true`
  `persona` must be a text, not a boolean
  help: quote it: `"true"`
wrong-type 4:29 ``
  `prompt` must be a text, not nothing
wrong-type 4:43 `no`
  `optional` must be `true` or `false`, not a text
  help: write `true` or `false`
"#,
    );
}

#[test]
fn numbers_out_of_range() {
    check(
        r"workflow: w
concurrency: 0
defaults: { temperature: 3, max_output_tokens: 0, timeout: 90 }
steps:
  a: { persona: data-engineer, timeout: { idle: 5x, total: 48h }, model: a b }
",
        r"out-of-range 2:14 `0`
  `concurrency` is a whole number from 1 to 1000, not 0
  help: the nearest is `1`
out-of-range 3:26 `3`
  `temperature` is a number from 0 to 2, not 3
  help: the nearest is `2`
out-of-range 3:48 `0`
  `max_output_tokens` is a whole number from 1 to 1000000, not 0
  help: the nearest is `1`
bad-value 3:60 `90`
  `timeout` is a length of time, and `90` is none
  help: write a number and its unit, `ms`, `s`, `m` or `h`: `500ms`, `90s`, `2m`
bad-value 5:49 `5x`
  `idle` is a length of time, and `5x` is none
  help: write a number and its unit, `ms`, `s`, `m` or `h`: `500ms`, `90s`, `2m`
out-of-range 5:60 `48h`
  `total` is between 1ms and 24h, not `48h`
bad-value 5:74 `a b`
  `model` is an alias or `provider:model`, without spaces
  help: for example `openai:gpt-5-mini`
",
    );
}

#[test]
fn inputs_that_contradict_themselves() {
    check(
        r"workflow: w
inputs:
  a: { type: string, required: true, default: x }
  b: { type: enum }
  c: { type: integer, enum: [x] }
  d: { type: file, default: x }
  e: text
  f: { enum: [] }
  g: array
steps:
  a: { persona: data-engineer }
",
        r"input-conflict 3:38 `default`
  input `a` is required and has a default
  at 3:22 `required` required here
  help: remove one of the two: an input with a default is never missing
missing-key 4:14 `enum`
  input `b` is an enum without its words
  help: add `enum: [one, two]`
input-conflict 5:14 `integer`
  an input of type `integer` takes no `enum`
  help: remove `type`: `enum` says it all
input-conflict 6:20 `default`
  an input of type `file` takes no default
  help: write `required: false` where a run can do without it
bad-value 7:6 `text`
  there is no input type `text`
  help: did you mean `string`?
bad-value 8:14 `[]`
  an enum needs at least one word
bad-value 9:6 `array`
  there is no input type `array`
  help: did you mean `list`?
",
    );
}

#[test]
fn defaults_of_another_type() {
    check(
        r"workflow: w
inputs:
  a: { type: integer, default: 1.5 }
  b: { enum: [red, green], default: gren }
  c: { type: boolean, default: no }
  d: { type: string, default: 5 }
  e: { type: number, default: [1] }
steps:
  a: { persona: data-engineer }
",
        r#"bad-default 3:32 `1.5`
  `1.5` is no value of type integer
  help: write a whole number, such as `2`
bad-default 4:37 `gren`
  `gren` is no value of type enum
  help: did you mean `green`?
bad-default 5:32 `no`
  `no` is no value of type boolean
  help: write `true` or `false`
wrong-type 6:31 `5`
  `default` must be a text, not a number
  help: quote it: `"5"`
wrong-type 7:31 `[1]`
  `default` must be a value of type number, not a list
"#,
    );
}

#[test]
fn a_step_of_no_kind_and_one_of_two() {
    check(
        r"workflow: w
steps:
  a: { prompt: x }
  b: { persona: data-engineer, render: x }
",
        r"step-kind 3:3 `a`
  step `a` has neither `persona` nor `render` nor `approve` nor `steps` nor `workflow`
  help: a step has exactly one: `persona: name` asks a persona, `render: text` fills in a template, `approve: question` asks a person, `steps:` makes a group, `workflow: name` runs another workflow
step-kind 4:32 `render`
  step `b` has both `persona` and `render`
  at 4:8 `persona` the other one
  help: a step has exactly one: `persona: name` asks a persona, `render: text` fills in a template, `approve: question` asks a person, `steps:` makes a group, `workflow: name` runs another workflow
",
    );
}

#[test]
fn a_render_step_with_model_settings() {
    check(
        r"workflow: w
steps:
  a: { render: x, prompt: y, temperature: 1 }
",
        r"key-not-for-step 3:19 `prompt`
  `prompt` does nothing in a step that only renders
  help: remove it: no model is called
key-not-for-step 3:30 `temperature`
  `temperature` does nothing in a step that only renders
  help: remove it: no model is called
",
    );
}

#[test]
fn an_unknown_persona() {
    check(
        r"workflow: w
steps:
  a: { persona: data-enginer }
  b: { persona: { choose: { x: jax }, by: inputs.f } }
inputs: { f: string }
",
        r"unknown-persona 3:17 `data-enginer`
  there is no persona `data-enginer`
  help: did you mean `data-engineer`?
unknown-persona 4:32 `jax`
  there is no persona `jax`
  help: known here: data-engineer, data-scientist-stats, ml-engineer-pytorch, ml-engineer-tensorflow, ml-engineer-jax, mlops-engineer, data-viz-specialist
",
    );
}

#[test]
fn a_choice_that_does_not_cover_its_enum() {
    check(
        r"workflow: w
inputs:
  f: { enum: [auto, pytorch, jax] }
steps:
  a:
    persona:
      choose: { pytorch: ml-engineer-pytorch, jx: ml-engineer-jax }
      by: inputs.f
",
        r"impossible-case 7:47 `jx`
  input `f` is never `jx`
  help: did you mean `jax`?
uncovered-case 8:11 `inputs.f`
  no case for `auto`, `jax` of input `f`
  help: add the case, or `otherwise:` with `match`, `fail` or a persona
",
    );
}

#[test]
fn a_choice_without_its_parts() {
    check(
        r"workflow: w
steps:
  a: { persona: { otherwise: fail } }
  b: { persona: { choose: {}, by: inputs.x } }
",
        r"missing-key 3:17 `{ otherwise: fail }`
  a choice without `choose`
  help: write `choose: { value: persona-name }`
missing-key 3:17 `{ otherwise: fail }`
  a choice without `by`: what is looked up?
  help: add `by: inputs.name`
bad-value 4:27 `{}`
  a choice without cases
  help: write `choose: { value: persona-name }`
",
    );
}

#[test]
fn paths_out_of_the_output_folder() {
    check(
        r#"workflow: w
steps:
  a: { render: x, save: ../a.md }
  b: { render: x, save: /etc/passwd }
  c: { render: x, save: 'a\b' }
  d: { render: x, save: .hidden }
  e: { render: x, save: dir/ }
  f: { render: x, save: "a\eb" }
"#,
        r#"unsafe-path 3:25 `../a.md`
  the path of `save` leaves the output folder
  help: write a file name, or folders and a file name: `design/data.md`
unsafe-path 4:25 `/etc/passwd`
  the path of `save` is not relative to the output folder
  help: write a file name, or folders and a file name: `design/data.md`
unsafe-path 5:25 `'a\b'`
  the path of `save` has a backslash
  help: write a file name, or folders and a file name: `design/data.md`
unsafe-path 6:25 `.hidden`
  the path of `save` has a part that is empty or starts with a dot
  help: write a file name, or folders and a file name: `design/data.md`
unsafe-path 7:25 `dir/`
  the path of `save` names no file
  help: write a file name, or folders and a file name: `design/data.md`
unsafe-path 8:25 `"a\eb"`
  the path of `save` has characters that cannot be seen
  help: write a file name, or folders and a file name: `design/data.md`
"#,
    );
}

#[test]
fn two_steps_that_save_one_file() {
    check(
        r"workflow: w
steps:
  a: { render: x, save: out.md }
  b: { render: x, save: OUT.md }
",
        r"duplicate-save 4:25 `OUT.md`
  two steps save `OUT.md`
  at 3:25 `out.md` first here
  help: give each step a file of its own
",
    );
}
