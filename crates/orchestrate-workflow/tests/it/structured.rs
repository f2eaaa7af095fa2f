//! Lists and objects: declared, given and printed.

use std::fmt::Write as _;

use indexmap::IndexMap;
use orchestrate_core::{diagnostic::Source, fence::fence, plan::InputValue};
use orchestrate_workflow::{
    Given, InputProblem, Scope, StepValue, StepValues, evaluate, read_inputs, render_prompt,
    resolve_inputs,
};
use serde_json::{Value, json};

use crate::{JsonSchemas, check, plan, shown};

const WORKFLOW: &str = "
workflow: w
inputs:
  files: { type: list, help: What to read }
  sizes: { type: list, items: integer, default: [1, 2] }
  goals: { items: { enum: [fast, cheap] }, default: [fast] }
  spec:
    required: false
    schema:
      required: [name]
      properties:
        name: { type: string }
        size: { type: integer }
        owner: { $ref: '#/$defs/person' }
      $defs: { person: { properties: { mail: { type: string } } } }
  parts: { type: list, items: { schema: { required: [id] } }, required: false }
  any: { type: object, default: { a: [1, x] } }
steps:
  a: { persona: data-engineer, prompt: '{{ inputs.spec.owner.mail }} {{ inputs.parts[0].id }}' }
";

fn resolve(given: &[(&str, Given)]) -> Result<IndexMap<String, InputValue>, Vec<InputProblem>> {
    let given = given.iter().map(|(name, given)| ((*name).to_owned(), given.clone())).collect();
    resolve_inputs(plan(WORKFLOW).inputs(), &given, &JsonSchemas)
}

fn text(text: &str) -> Given {
    Given::Text(text.to_owned())
}

fn several(texts: &[&str]) -> Given {
    Given::Several(texts.iter().map(|one| text(one)).collect())
}

/// The problems as a person reads them.
fn said(problems: &[InputProblem]) -> String {
    let mut said = String::new();
    for problem in problems {
        match problem {
            InputProblem::Placed(found) => {
                let place = found.place().unwrap_or_default();
                write!(said, "{place} {}", shown(&[(**found).clone()])).expect("a String");
            }
            other => {
                let help = other.help().map(|help| format!("; {help}")).unwrap_or_default();
                writeln!(said, "{other}{help}").expect("a String");
            }
        }
    }
    said
}

fn json_of(values: &IndexMap<String, InputValue>) -> Value {
    values.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
}

#[test]
fn lists_and_objects_are_given_in_every_way() {
    let file = Given::File {
        name: "spec.json".into(),
        text: "{\n\t\"name\": \"\\ud83d\\ude00\"\n}".into(),
    };
    let given = [
        ("files", several(&["a, b", "[c]"])),
        ("sizes", text("[3]")),
        ("goals", text("cheap")),
        ("spec", file),
        ("parts", several(&["{ id: 1 }", "{\"id\": 2}"])),
    ];
    let values = resolve(&given).map_err(|problems| said(&problems)).expect("values");
    assert_eq!(
        json_of(&values),
        json!({
            "files": ["a, b", "[c]"],
            "sizes": [3],
            "goals": ["cheap"],
            "spec": { "name": "😀" },
            "parts": [{ "id": 1 }, { "id": 2 }],
            "any": { "a": [1, "x"] },
        })
    );
    assert_eq!(values["goals"], InputValue::List(vec![InputValue::Enum("cheap".into())]));
    let again: Vec<(&str, Given)> =
        values.iter().map(|(name, value)| (name.as_str(), value.into())).collect();
    assert_eq!(resolve(&again).expect("the values of a run can be given again"), values);
}

#[test]
fn a_file_for_a_list_holds_it_by_its_name_and_is_an_item_otherwise() {
    let file = |name: &str| Given::File { name: name.to_owned(), text: "- a\n- b\n".to_owned() };
    let files = |given: Given| resolve(&[("files", given)]).expect("values")["files"].to_json();
    for name in ["x.yaml", "X.YML", "x.json", "standard input"] {
        assert_eq!(files(file(name)), json!(["a", "b"]), "{name}");
    }
    assert_eq!(files(file("x.md")), json!(["- a\n- b\n"]));
    let both = Given::Several(vec![file("x.yaml"), file("x.md")]);
    assert_eq!(files(both), json!(["- a\n- b\n", "- a\n- b\n"]));
}

#[test]
fn what_does_not_fit_is_told_at_its_place() {
    let given = [
        ("files", text("")),
        ("sizes", text("[1, two, 3.5]")),
        ("goals", several(&["fast", "cheep"])),
        ("spec", Given::File { name: "s.yaml".into(), text: "name: x\nsize: big\n".into() }),
        ("parts", Given::Value(json!([{ "id": 1 }, {}, 7]))),
        ("any", text("{ a: [ }")),
    ];
    let problems = resolve(&given).expect_err("problems");
    assert_eq!(
        said(&problems),
        r#"input `files`: nothing is given; write `-i files=[]` for an empty list
-i sizes:1:5 bad-input 1:5 `two`
  input `sizes`: `[1]`: must be a whole number of 64 bits, not a text
-i sizes:1:10 bad-input 1:10 `3.5`
  input `sizes`: `[2]`: must be a whole number of 64 bits, not a number
input `goals` is of type enum, and `cheep` is not; did you mean `cheap`?
s.yaml:2:7 bad-input 2:7 `big`
  input `spec`: `size`: "big" is not of type "integer"
input `parts`: `[1]`: "id" is a required property
input `parts`: `[2]`: must be a map, not a number
-i any:1:6 yaml-syntax 1:6 `[`
  brackets do not match: mismatched bracket '[' closed by '}'
  help: close every `[` with `]` and every `{` with `}`; quote a value that contains them
"#
    );
}

#[test]
fn a_file_of_inputs_is_checked_value_by_value() {
    let yaml = "files: [a, 1]\nsizes: { a: 1 }\nfille: x\nspec: { name: 1 }\n";
    let (given, problems) = read_inputs(&Source::new("in.yaml", yaml));
    assert_eq!(shown(&problems), "");
    let problems = resolve_inputs(plan(WORKFLOW).inputs(), &given, &JsonSchemas).expect_err("bad");
    assert_eq!(
        said(&problems),
        r#"in.yaml:3:1 unknown-input 3:1 `fille`
  the workflow has no input `fille`
  help: known here: files, sizes, goals, spec, parts, any
in.yaml:1:12 bad-input 1:12 `1`
  input `files`: `[1]`: must be a text, not a number
  help: quote it: `"1"`
in.yaml:2:8 bad-input 2:8 `{ a: 1 }`
  input `sizes`: must be a list, not a map
in.yaml:4:15 bad-input 4:15 `1`
  input `spec`: `name`: 1 is not of type "string"
"#
    );
    for (text, expected) in [
        (
            "- a\n",
            "wrong-type 1:1 `-`\n  a file of inputs is a map of `name: value` lines, not a list\n",
        ),
        (
            "",
            "empty-file 1:1 ``\n  the file holds no inputs\n  help: write a line `name: value` for each input\n",
        ),
        (
            "a: 1\na: 2\n",
            "duplicate-key 2:1 `a`\n  the key `a` stands here twice\n  at 1:1 `a` first here\n  help: rename one of them, or bring both together\n",
        ),
    ] {
        let (given, problems) = read_inputs(&Source::new("in.yaml", text));
        assert_eq!(shown(&problems), expected);
        assert!(given.len() < 2);
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let many = format!("[{}]", "1,".repeat(10_001));
    let deep = format!("{{ a: {}{} }}", "[".repeat(40), "]".repeat(40));
    let (inner, large) = ("[1,1,1,1,1,1,1,1,1,1]", 10_001);
    let wide = format!("{{ a: [{}] }}", format!("{inner},").repeat(large));
    for (name, given, expected) in [
        ("sizes", many, "a list has at most 10000 items, not 10001"),
        ("any", deep, "nests deeper than 32"),
        ("any", wide, "more than 100000 values"),
    ] {
        let given = [("files", text("x")), (name, text(&given))];
        let problems = resolve(&given).expect_err("too large");
        assert!(said(&problems).contains(expected), "{}", said(&problems));
    }
}

#[test]
fn a_schema_stands_for_itself_and_is_finite() {
    check(
        "workflow: w
inputs:
  task: list
  a: { type: object, schema: { $ref: 'https://example.org/x.json' } }
  b: { schema: { properties: { b: { $ref: '#' } } } }
  c: { schema: { properties: { size: { type: intger } } } }
  d: { schema: { properties: { enum: { $ref: other.yaml } } } }
  e: { type: list, items: [a, b] }
  f: { type: list, items: file }
  g: { type: list, schema: { } }
  h: { schema: { type: array } }
  i: { schema: { $ref: '#/$defs/none' } }
  j: { type: list, default: [a, 1] }
  k: { schema: { required: [id] }, default: { } }
  l: { type: string, items: string }
  m: { schema: { type: objekt } }
steps:
  a: { persona: data-engineer }
",
        r#"input-conflict 3:3 `task`
  the input `task` is what every persona is told, and no list
  help: give it another name, and print it in the prompts that need it
bad-schema 4:38 `'https://example.org/x.json'`
  `https://example.org/x.json` is outside the schema
  help: copy it below `$defs`: nothing is fetched or read
bad-schema 5:43 `'#'`
  `#` leads back to itself
  help: a schema here is finite: leave the inner part open
bad-schema 6:46 `intger`
  "intger" is not valid under any of the schemas listed in the 'anyOf' keyword
bad-schema 7:46 `other.yaml`
  `other.yaml` is outside the schema
  help: copy it below `$defs`: nothing is fetched or read
wrong-type 8:27 `[a, b]`
  `items` must be a type, or a map with `type`, not a list
  help: write `items: { enum: [one, two] }`
input-conflict 9:27 `file`
  the items of a list are no files
  help: write `items: string`: with `-i name=@path` each item is a file's text
input-conflict 10:20 `schema`
  an input of type `list` takes no `schema`
  help: remove one of the two: `schema` or `list`
bad-schema 11:24 `array`
  an input of type `object` has a schema for "array"
  help: write `type: object`, or leave it out
bad-schema 12:24 `'#/$defs/none'`
  there is no `#/$defs/none` in the schema
  help: name parts below `$defs` and write `$ref: '#/$defs/name'`
bad-default 13:33 `1`
  the default of `j`: `[1]`: must be a text, not a number
  help: quote it: `"1"`
bad-default 14:45 `{ }`
  the default of `k`: "id" is a required property
input-conflict 15:22 `items`
  an input of type `string` takes no `items`
  help: `items` is for `type: list`
bad-schema 16:24 `objekt`
  "objekt" is not valid under any of the schemas listed in the 'anyOf' keyword
"#,
    );
    // Twelve levels that each refer to the next one three times.
    let mut schema = String::new();
    for level in 0..12 {
        let next = format!("{{ $ref: '#/$defs/l{}' }}", level + 1);
        write!(schema, "l{level}: {{ allOf: [{next}, {next}, {next}] }}, ").expect("a String");
    }
    let bomb = format!(
        "workflow: w\ninputs:\n  a: {{ schema: {{ $ref: '#/$defs/l0', $defs: {{ {schema} l12: {{ }} }} }} }}\nsteps:\n  a: {{ persona: data-engineer }}\n"
    );
    let (plan, problems) = crate::compiled(&bomb);
    assert!(plan.is_none() && shown(&problems).contains("at most 10000 parts"), "{problems:?}");
}

#[test]
fn references_below_lists_and_objects_are_checked_as_far_as_they_are_known() {
    check(
        "workflow: w
inputs:
  files: list
  parts: { type: list, items: { schema: { properties: { id: { type: string } } } } }
  spec: { schema: { properties: { name: { type: string }, owner: { properties: { mail: { } } } } } }
  open: { schema: { properties: { name: { } }, additionalProperties: true } }
  any: object
steps:
  good:
    persona: data-engineer
    prompt: |
      {{ inputs.files[0] }} {% for x in inputs.parts %}{{ x.id }}{% endfor %}
      {{ inputs.spec.owner.mail }} {{ inputs.open.more }} {{ inputs.any.a[0].b }}
      {% for name, value in inputs.any | items %}{{ name }}: {{ value }}{% endfor %}
  bad:
    persona: data-engineer
    prompt: |
      {{ inputs.files.name }} {{ inputs.files[0].name }}
      {{ inputs.parts[0].idd }} {{ inputs.spec.nam }} {{ inputs.spec.owner.male }}
",
        r"unknown-attribute 18:23 `name`
  `inputs.files` is a list: its items have numbers and no names
  help: write `inputs.files[0]`, or `{% for x in inputs.files %}`
unknown-attribute 18:50 `name`
  an item of `inputs.files` is a single value: nothing is below it
unknown-attribute 19:26 `idd`
  `inputs.parts[…]` has no `idd`
  help: did you mean `id`?
unknown-attribute 19:48 `nam`
  `inputs.spec` has no `nam`
  help: did you mean `name`?
unknown-attribute 19:76 `male`
  `inputs.spec.owner` has no `male`
  help: known here: mail
",
    );
}

#[test]
fn what_is_below_an_item_is_checked_as_far_as_its_list_tells() {
    check(
        "workflow: w
inputs:
  files: list
  parts: { type: list, items: { schema: { properties: { id: { type: string } } } } }
  text: string
  any: object
steps:
  plan:
    persona: data-engineer
    output: { type: object, properties: { rows: { type: array, items: { type: object, properties: { name: { type: string }, tags: { type: array } } } } } }
  found: { persona: data-engineer, output: findings }
  a: { render: '{{ file.name }}', for_each: inputs.files, as: file }
  b: { render: '{{ part.id }} {{ part.idd }}', for_each: inputs.parts, as: part }
  c: { render: '{{ row.nme }} {{ row.tags.first }} {{ row.name }}', for_each: steps.plan.output.rows, as: row, needs: plan }
  d: { render: '{{ line.length }}', for_each: inputs.text | lines, as: line }
  e:
    for_each: steps.plan.output.rows
    as: outer
    needs: plan
    steps:
      f: { persona: data-engineer, prompt: '{{ outer.nam }} {{ tag.anything }}', for_each: outer.tags, as: tag, if: outer.nmae }
  g: { render: '{{ item.severty }}', for_each: steps.found.output, needs: found }
  h: { render: '{{ free.x.y }}', for_each: inputs.any.list, as: free }
",
        r"unknown-attribute 12:25 `name`
  `file` is a text: nothing is below it
  help: write `file`
unknown-attribute 13:39 `idd`
  `part` has no `idd`
  help: did you mean `id`?
unknown-attribute 14:24 `nme`
  `row` has no `nme`
  help: did you mean `name`?
unknown-attribute 14:43 `first`
  `row.tags` is a list: its items have numbers and no names
  help: write `row.tags[0].first`, or `{% for x in row.tags %}`
unknown-attribute 15:25 `length`
  `line` is a text: nothing is below it
  help: write `line`
unknown-attribute 21:54 `nam`
  `outer` has no `nam`
  help: did you mean `name`?
unknown-attribute 21:123 `nmae`
  `outer` has no `nmae`
  help: did you mean `name`?
unknown-attribute 22:25 `severty`
  `item` has no `severty`
  help: did you mean `severity`?
",
    );
}

struct NoSteps;

impl StepValues for NoSteps {
    fn step(&self, _id: &str) -> Option<StepValue> {
        None
    }
}

#[test]
fn texts_in_lists_and_objects_are_fenced_and_numbers_and_words_of_the_author_are_not() {
    let Value::Object(spec) =
        json!({ "name": "N", "n": 3, "on": true, "tags": ["t", "u"], "none": null })
    else {
        unreachable!("an object")
    };
    let words = ["fast", "cheap"].map(|word| InputValue::Enum(word.to_owned()));
    let files = ["a", "b"].map(|word| InputValue::String(word.to_owned()));
    let inputs = IndexMap::from([
        ("files".to_owned(), InputValue::List(files.to_vec())),
        ("words".to_owned(), InputValue::List(words.to_vec())),
        ("spec".to_owned(), InputValue::Object(spec)),
    ]);
    let scope = Scope { inputs: &inputs, steps: &NoSteps };
    let whole = "{\n  \"name\": \"N\",\n  \"n\": 3,\n  \"on\": true,\n  \"tags\": [\n    \"t\",\n    \"u\"\n  ],\n  \"none\": null\n}";
    for (template, expected) in [
        (
            "{% for f in inputs.files %}{{ f }}{% endfor %}",
            fence("the input `files`", "a") + &fence("the input `files`", "b"),
        ),
        ("{{ inputs.files }}", fence("the input `files`", "- a\n- b\n")),
        (
            "{{ inputs.files | length }} {{ inputs.files[1] }}",
            format!("2 {}", fence("the input `files`", "b")),
        ),
        ("{{ inputs.files | join(', ') }}", fence("a value of this workflow", "a, b")),
        ("{% for w in inputs.words %}{{ w }} {% endfor %}", "fast cheap ".to_owned()),
        ("{{ inputs.spec.name }}", fence("the input `spec`", "N")),
        ("{{ inputs.spec.n }} {{ inputs.spec.on }}{{ inputs.spec.none }}", "3 true".to_owned()),
        ("{{ inputs.spec.tags }}", fence("the input `spec`", "- t\n- u\n")),
        ("{{ inputs.spec }}", fence("the input `spec`", whole)),
        (
            "{% for k in inputs.spec %}{% if loop.first %}{{ k }}{% endif %}{% endfor %}",
            fence("a value of this workflow", "name"),
        ),
        (
            "{% for k, v in inputs.spec | items %}{% if k == 'name' %}{{ v }}{% endif %}{% endfor %}",
            fence("the input `spec`", "N"),
        ),
    ] {
        assert_eq!(render_prompt(template, &scope).as_deref(), Ok(expected.as_str()), "{template}");
    }
    assert_eq!(evaluate("inputs.spec.name", &scope).as_deref(), Ok("N"));
    assert!(evaluate("inputs.spec", &scope).is_err());
    let absent = render_prompt("{{ inputs.spec.nothing }}", &scope);
    assert!(absent.is_err(), "{absent:?}");
}
