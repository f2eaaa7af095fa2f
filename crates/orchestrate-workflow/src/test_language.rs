//! The keys of test files, in one table like those of the [language](crate::language).

use crate::language::{Section, key};

/// Every section of test files, from the file inwards.
pub const TEST_SECTIONS: [&Section; 11] = [
    &TESTS,
    &TEST,
    &INPUT_FILE,
    &REPLY,
    &VERDICT,
    &TOKENS,
    &DECISION,
    &EXPECT,
    &STEP_EXPECT,
    &JUDGED,
    &AMOUNT,
];

/// A test file around one step, with `KEYS` where an example goes.
macro_rules! around {
    ($test:literal) => {
        concat!("tests:\n  it works:\n    replies: { data: Use Postgres. }\n", $test)
    };
}

/// The file itself.
pub const TESTS: Section = Section {
    name: "tests",
    title: "Top level",
    keys: &[
        key(
            "workflow",
            "The workflow that is tested, by its name or its path from here. Without it, it is the file beside this one: `x.yaml` for `x.test.yaml`.",
            r#"{ "type": "string", "minLength": 1 }"#,
            "workflow: release-notes",
        ),
        key(
            "inputs",
            "Inputs of every test, by name; a test's own win over them.",
            r#"{ "type": "object" }"#,
            "inputs: { task: Describe the release }",
        ),
        key(
            "files",
            "Files for inputs of type `file`, by the input's name: a path from here, or a name and a text.",
            r##"{ "type": "object", "additionalProperties": { "$ref": "#/definitions/files" } }"##,
            "files: { diff: changes.diff }",
        ),
        key(
            "replies",
            "What the personas answer in every test, by step; a test's own win over them.",
            r##"{ "type": "object", "additionalProperties": { "$ref": "#/definitions/replies" } }"##,
            "replies: { data: Use Postgres. }",
        ),
        key(
            "tests",
            "The tests, each under what it shows. Required.",
            r##"{ "type": "object", "minProperties": 1, "additionalProperties": { "$ref": "#/definitions/test" } }"##,
            "tests: { it works: { replies: { data: Use Postgres. } } }",
        ),
    ],
    around: "KEYS\n",
    between: "\n",
    beside: &[("tests", "tests: { it works: { replies: { data: Use Postgres. } } }")],
};

/// One test.
pub const TEST: Section = Section {
    name: "test",
    title: "A test",
    keys: &[
        key(
            "inputs",
            "The values of inputs, by name.",
            r#"{ "type": "object" }"#,
            "inputs: { task: Describe the release }",
        ),
        key(
            "files",
            "Files for inputs of type `file`, by the input's name.",
            r##"{ "type": "object", "additionalProperties": { "$ref": "#/definitions/files" } }"##,
            "files: { diff: { name: a.diff, text: '- old' } }",
        ),
        key(
            "replies",
            "What is answered, by step, or by call such as `data#brief`: a text, a map, or a list with one of them for each attempt. A step that is asked and has none fails the test, and so does a reply that nobody asks for.",
            r##"{ "type": "object", "additionalProperties": { "$ref": "#/definitions/replies" } }"##,
            "replies: { data: [{ fail: rate_limited }, Use Postgres.] }",
        ),
        key(
            "decisions",
            "What people decide, by the step that asks them: `yes`, `no`, a map with what they say, or a list with one of them for each time that it asks. Whoever is asked and has none is away: the run waits.",
            r##"{ "type": "object", "additionalProperties": { "anyOf": [ { "$ref": "#/definitions/decides" },
                { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/decides" } } ] } }"##,
            "decisions: { data: yes }",
        ),
        key(
            "expect",
            "What must come of it. Without it, the run has to succeed.",
            r##"{ "$ref": "#/definitions/expect" }"##,
            "expect: { calls: 1 }",
        ),
    ],
    around: "tests: { it works: { KEYS } }\n",
    between: ", ",
    beside: &[("replies", "replies: { data: Use Postgres. }")],
};

/// The file of an input, written out.
pub const INPUT_FILE: Section = Section {
    name: "input_file",
    title: "A file that is written out",
    keys: &[
        key(
            "name",
            "What the file is called. Required.",
            r#"{ "type": "string" }"#,
            "name: design.md",
        ),
        key("text", "Its text. Required.", r#"{ "type": "string" }"#, "text: One queue."),
    ],
    around: "files: { diff: { KEYS } }\ntests: { it works: { replies: { data: x } } }\n",
    between: ", ",
    beside: &[("name", "name: design.md"), ("text", "text: One queue.")],
};

/// One answer.
pub const REPLY: Section = Section {
    name: "reply",
    title: "A reply",
    keys: &[
        key(
            "text",
            "The answer; beside `fail`, what had arrived of it.",
            r#"{ "type": "string" }"#,
            "text: Use Postgres.",
        ),
        key(
            "file",
            "A file with the answer, by its path from the test file, in its folder or below.",
            r#"{ "type": "string" }"#,
            "file: replies/data.md",
        ),
        key(
            "output",
            "The value that the answer is, for a step with `output`.",
            "{}",
            "output: { score: 7 }",
        ),
        key(
            "verdict",
            "What a reviewer says, for calls such as `data#verdict`: `pass`, or a map of what does not.",
            r##"{ "anyOf": [ { "const": "pass" }, { "$ref": "#/definitions/verdict" } ] }"##,
            "verdict: pass",
        ),
        key(
            "brief",
            "The brief that goes with the text, or `none`. Where nothing is said and the text holds no brief, it gets one with its first line as a decision.",
            r#"{ "anyOf": [ { "type": "object" }, { "const": "none" } ] }"#,
            "brief: { decisions: [Take Postgres] }",
        ),
        key(
            "fail",
            "How the attempt fails.",
            r#"{ "enum": ["connect", "stream_cut", "timeout", "rate_limited", "unavailable", "overloaded",
                "quota_exhausted", "credentials", "not_found", "bad_request", "context_too_long", "refused", "truncated", "empty",
                "malformed"] }"#,
            "fail: rate_limited",
        ),
        key(
            "message",
            "What the provider says of the failure.",
            r#"{ "type": "string" }"#,
            "message: slow down",
        ),
        key(
            "tokens",
            "What it uses up; a quarter of the bytes where nothing is said.",
            r##"{ "$ref": "#/definitions/tokens" }"##,
            "tokens: { input: 900, output: 300 }",
        ),
    ],
    around: "tests: { it works: { replies: { data: { KEYS } } } }\n",
    between: ", ",
    beside: &[("fail", "fail: unavailable")],
};

/// What a reviewer says.
pub const VERDICT: Section = Section {
    name: "verdict",
    title: "A verdict",
    keys: &[
        key(
            "fails",
            "The gates that fail, by id; all others pass.",
            r#"{ "anyOf": [ { "type": "string" }, { "type": "array", "items": { "type": "string" } } ] }"#,
            "fails: [keys]",
        ),
        key(
            "findings",
            "New findings, the rule of each.",
            r#"{ "anyOf": [ { "type": "string" }, { "type": "array", "items": { "type": "string" } } ] }"#,
            "findings: [missing-owner]",
        ),
        key(
            "open",
            "Earlier findings that are still open, by id; all others are resolved.",
            r#"{ "anyOf": [ { "type": "string" }, { "type": "array", "items": { "type": "string" } } ] }"#,
            "open: [F1]",
        ),
    ],
    around: "tests: { it works: { replies: { 'data#verdict': { verdict: { KEYS } } } } }\n",
    between: ", ",
    beside: &[],
};

/// What a person decides and says.
pub const DECISION: Section = Section {
    name: "decision",
    title: "A decision",
    keys: &[
        key("yes", "They approve, and say this.", r#"{ "type": "string" }"#, "yes: for the pilot"),
        key("no", "They do not, and say this.", r#"{ "type": "string" }"#, "no: too dear"),
    ],
    around: "tests: { it works: { decisions: { data: { KEYS } } } }\n",
    between: ", ",
    beside: &[],
};

/// Tokens of a reply.
pub const TOKENS: Section = Section {
    name: "tokens",
    title: "Tokens of a reply",
    keys: &[
        key("input", "Of the prompt.", r#"{ "type": "integer", "minimum": 0 }"#, "input: 900"),
        key("output", "Of the answer.", r#"{ "type": "integer", "minimum": 0 }"#, "output: 300"),
    ],
    around: "tests: { it works: { replies: { data: { text: x, tokens: { KEYS } } } } }\n",
    between: ", ",
    beside: &[],
};

/// What must come of a test.
pub const EXPECT: Section = Section {
    name: "expect",
    title: "`expect`",
    keys: &[
        key(
            "run",
            "How the run ends; `succeeded` where nothing is said, `waiting` where a person is asked and away.",
            r#"{ "enum": ["succeeded", "failed", "waiting"] }"#,
            "run: succeeded",
        ),
        key(
            "outputs",
            "What the workflow's `outputs` are, by name.",
            r##"{ "type": "object", "additionalProperties": { "$ref": "#/definitions/text" } }"##,
            "outputs: { report: { contains: Postgres } }",
        ),
        key(
            "steps",
            "What becomes of steps, by name: where the step stands in the end, or a map that says more.",
            r##"{ "type": "object", "additionalProperties": { "anyOf": [
                { "$ref": "#/definitions/state" }, { "$ref": "#/definitions/step_expect" } ] } }"##,
            "steps: { data: succeeded }",
        ),
        key(
            "calls",
            "Requests sent, retries included.",
            r##"{ "$ref": "#/definitions/how_many" }"##,
            "calls: 1",
        ),
        key(
            "tokens",
            "Tokens used up, prompts and answers.",
            r##"{ "$ref": "#/definitions/how_many" }"##,
            "tokens: { at_most: 20000 }",
        ),
    ],
    around: around!("    expect: { KEYS }\n"),
    between: ", ",
    beside: &[],
};

/// What must become of a step.
pub const STEP_EXPECT: Section = Section {
    name: "step_expect",
    title: "A step that is expected",
    keys: &[
        key(
            "state",
            "Where it stands in the end: `succeeded`, `failed`, `skipped`, `waiting` where it was never begun, or `awaiting_approval` where a person is asked.",
            r##"{ "$ref": "#/definitions/state" }"##,
            "state: succeeded",
        ),
        key("persona", "Who works in it.", r#"{ "type": "string" }"#, "persona: data-engineer"),
        key(
            "text",
            "Its deliverable, without the brief.",
            r##"{ "$ref": "#/definitions/text" }"##,
            "text: Use Postgres.",
        ),
        key(
            "prompt",
            "The user message that asks for it: task, handoffs and prompt.",
            r##"{ "$ref": "#/definitions/text" }"##,
            "prompt: { contains: the task }",
        ),
        key(
            "system",
            "The system prompt, which the persona gives.",
            r##"{ "$ref": "#/definitions/text" }"##,
            "system: { lacks: TODO }",
        ),
        key(
            "failure",
            "What is said of its last failure.",
            r##"{ "$ref": "#/definitions/text" }"##,
            "failure: { contains: rate limited }",
        ),
        key(
            "handoffs",
            "In which form each need's document arrives, by the need's name.",
            r##"{ "type": "object", "additionalProperties": { "$ref": "#/definitions/form" } }"##,
            "handoffs: { first: full }",
        ),
        key(
            "calls",
            "Requests sent for it, retries included.",
            r##"{ "$ref": "#/definitions/how_many" }"##,
            "calls: { at_most: 2 }",
        ),
    ],
    around: around!("    expect: { steps: { data: { KEYS } } }\n"),
    between: ", ",
    beside: &[],
};

/// How a text is judged.
pub const JUDGED: Section = Section {
    name: "judged",
    title: "A text that is judged",
    keys: &[
        key(
            "equals",
            "It is this; white space at the end does not count. A text alone means the same.",
            r#"{ "type": "string" }"#,
            "equals: Use Postgres.",
        ),
        key(
            "contains",
            "This stands in it, or each of a list.",
            r##"{ "$ref": "#/definitions/texts" }"##,
            "contains: [Use, Postgres]",
        ),
        key(
            "lacks",
            "This does not stand in it, nor any of a list.",
            r##"{ "$ref": "#/definitions/texts" }"##,
            "lacks: MongoDB",
        ),
        key(
            "matches",
            "A regular expression finds something in it, or each of a list; `^` and `$` stand for the ends of a line.",
            r##"{ "$ref": "#/definitions/texts" }"##,
            "matches: '^Use \\w+'",
        ),
    ],
    around: around!("    expect: { steps: { data: { text: { KEYS } } } }\n"),
    between: ", ",
    beside: &[],
};

/// Bounds of a number.
pub const AMOUNT: Section = Section {
    name: "amount",
    title: "A number that is expected",
    keys: &[
        key("at_least", "Not fewer.", r#"{ "type": "integer", "minimum": 0 }"#, "at_least: 1"),
        key("at_most", "Not more.", r#"{ "type": "integer", "minimum": 0 }"#, "at_most: 3"),
    ],
    around: around!("    expect: { calls: { KEYS } }\n"),
    between: ", ",
    beside: &[],
};
