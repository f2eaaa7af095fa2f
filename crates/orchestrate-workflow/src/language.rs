//! The keys of the language: one table that the compiler, the JSON Schema for editors and the reference
//! page are made from.

/// A map that the language has, and the keys it may hold.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name among the sections, and in the JSON Schema.
    pub name: &'static str,
    /// What it is, for the heading of its part of the reference.
    pub title: &'static str,
    /// Its keys, in the order in which they are explained.
    pub keys: &'static [Key],
    /// A workflow file in which `KEYS` stands where an example goes.
    pub(crate) around: &'static str,
    /// What stands between two keys there.
    pub(crate) between: &'static str,
    /// Keys that an example needs beside its own, each with a line that has it.
    pub(crate) beside: &'static [(&'static str, &'static str)],
}

/// A key of the language.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The key as it is written.
    pub name: &'static str,
    /// What it says, a sentence or two for the reference and for an editor's help.
    pub help: &'static str,
    /// The JSON Schema (draft-07) of its value, without the help.
    pub schema: &'static str,
    /// One line that has it, in a place where it means something.
    pub example: &'static str,
}

impl Section {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of its keys, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|key| key.name)
    }

    /// A whole workflow file that holds a key's example.
    pub fn example(&self, key: &Key) -> String {
        let other = OTHER_KIND.iter().find(|(name, _)| *name == key.name);
        let other = other.map_or(&[][..], |(_, lines)| lines);
        let beside = self.beside.iter().filter(|(name, _)| {
            // Only a fan-out has items.
            let of_items = matches!(key.name, "as" | "max_parallel" | "join");
            *name != key.name
                && !(*name == "persona" && OTHER_KIND.iter().any(|(own, _)| *own == key.name))
                && (*name != "for_each" || of_items)
        });
        let beside = other.iter().chain(beside.map(|(_, line)| line));
        let lines: Vec<&str> = [key.example].into_iter().chain(beside.copied()).collect();
        self.around.replace("KEYS", &lines.join(self.between))
    }
}

/// Keys of steps in which no persona works, each with what has to stand beside it.
const OTHER_KIND: [(&str, &[&str]); 7] = [
    ("workflow", &[]),
    ("with", &["workflow: design-review"]),
    ("render", &[]),
    ("steps", &[]),
    ("approve", &[]),
    ("expires", &["approve: Ship it?"]),
    ("on_expire", &["approve: Ship it?", "expires: 24h"]),
];

/// Every section, from the file inwards.
pub const SECTIONS: [&Section; 11] = [
    &WORKFLOW, &INPUT, &ITEMS, &DEFAULTS, &BUDGET, &TIMEOUT, &STEP, &NEED, &CHOICE, &REVIEW, &GATE,
];

pub(crate) const fn key(
    name: &'static str,
    help: &'static str,
    schema: &'static str,
    example: &'static str,
) -> Key {
    Key { name, help, schema, example }
}

/// The file itself.
pub const WORKFLOW: Section = Section {
    name: "workflow",
    title: "Top level",
    keys: &[
        key(
            "orchestrate",
            "Version of the language. 1 is the default and the only one so far.",
            r#"{ "type": "integer", "minimum": 1, "maximum": 1, "default": 1 }"#,
            "orchestrate: 1",
        ),
        key(
            "workflow",
            "The workflow's name: small letters, digits and `-`, up to 64. Required.",
            r#"{ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$" }"#,
            "workflow: example",
        ),
        key(
            "summary",
            "One line on what it is for, shown in lists.",
            r#"{ "type": "string" }"#,
            "summary: From raw data to a model in use",
        ),
        key(
            "inputs",
            "What the workflow takes from outside, by name.",
            r##"{ "type": "object", "propertyNames": { "$ref": "#/definitions/name" },
                "additionalProperties": { "anyOf": [
                    { "$ref": "#/definitions/plain_type" }, { "$ref": "#/definitions/input" } ] } }"##,
            "inputs: { task: string, pages: { type: integer, default: 2 } }",
        ),
        key(
            "defaults",
            "Settings of every persona step that does not set them itself.",
            r##"{ "$ref": "#/definitions/defaults" }"##,
            "defaults: { temperature: 0.2 }",
        ),
        key(
            "concurrency",
            "Calls at a time, 1 to 1000.",
            r#"{ "type": "integer", "minimum": 1, "maximum": 1000 }"#,
            "concurrency: 2",
        ),
        key(
            "budget",
            "What a run may use at most. A lower cap of the command line or of the config holds.",
            r##"{ "$ref": "#/definitions/budget" }"##,
            "budget: { usd: 5, wall: 30m }",
        ),
        key(
            "steps",
            "The steps, by id: small letters, digits, `_` and `-`. Their order is that of display. Required.",
            r##"{ "type": "object", "minProperties": 1, "propertyNames": { "$ref": "#/definitions/name" },
                "additionalProperties": { "$ref": "#/definitions/step" } }"##,
            "steps: { data: { persona: data-engineer } }",
        ),
        key(
            "outputs",
            "Templates by name that make up the result. Without them it is all deliverables in the order of the file.",
            r##"{ "type": "object", "propertyNames": { "$ref": "#/definitions/name" },
                "additionalProperties": { "type": "string" } }"##,
            "outputs: { report: '{{ steps.data.text }}' }",
        ),
    ],
    around: "KEYS\n",
    between: "\n",
    beside: &[
        ("workflow", "workflow: example"),
        ("steps", "steps: { data: { persona: data-engineer } }"),
    ],
};

/// One input, written as a map.
pub const INPUT: Section = Section {
    name: "input",
    title: "An input",
    keys: &[
        key(
            "type",
            "The kind of its values; `string` where nothing else says it. `enum`, `items` and `schema` each say it too.",
            r#"{ "enum": ["string", "integer", "number", "boolean", "enum", "file", "list", "object"],
                "default": "string" }"#,
            "type: integer",
        ),
        key(
            "required",
            "Whether a run without it is refused; true unless there is a default.",
            r#"{ "type": "boolean" }"#,
            "required: false",
        ),
        key(
            "default",
            "The value where none is given, of the input's kind; not for `file`.",
            "{}",
            "default: none given",
        ),
        key(
            "help",
            "One line for people.",
            r#"{ "type": "string" }"#,
            "help: Length of the report",
        ),
        key(
            "enum",
            "The words allowed.",
            r#"{ "type": "array", "items": { "type": "string" }, "minItems": 1, "uniqueItems": true }"#,
            "enum: [engineers, customers]",
        ),
        key(
            "items",
            "For `list`: what its items are. A type, or a map of `type`, `enum` and `schema`; `string` where it is not said.",
            r##"{ "anyOf": [ { "$ref": "#/definitions/item_type" }, { "$ref": "#/definitions/items" } ] }"##,
            "items: { enum: [fast, cheap, safe] }",
        ),
        key(
            "schema",
            "For `object`: a JSON Schema that values are checked against. It refers to nothing outside itself.",
            r#"{ "type": "object" }"#,
            "schema: { required: [name], properties: { name: { type: string } } }",
        ),
    ],
    around: "workflow: example\ninputs:\n  x: { KEYS }\nsteps:\n  data: { persona: data-engineer }\n",
    between: ", ",
    beside: &[],
};

/// What the items of a list are, written as a map.
pub const ITEMS: Section = Section {
    name: "items",
    title: "The items of a list",
    keys: &[
        key(
            "type",
            "The kind of each item; `string` where nothing else says it.",
            r#"{ "enum": ["string", "integer", "number", "boolean", "enum", "object"], "default": "string" }"#,
            "type: number",
        ),
        key(
            "enum",
            "The words allowed.",
            r#"{ "type": "array", "items": { "type": "string" }, "minItems": 1, "uniqueItems": true }"#,
            "enum: [red, green]",
        ),
        key(
            "schema",
            "For items of type `object`: a JSON Schema that each is checked against.",
            r#"{ "type": "object" }"#,
            "schema: { required: [id] }",
        ),
    ],
    around: "workflow: example\ninputs:\n  x: { type: list, items: { KEYS } }\nsteps:\n  data: { persona: data-engineer }\n",
    between: ", ",
    beside: &[],
};

const MODEL: Key = key(
    "model",
    "An alias of the user's configuration, or `provider:model`.",
    r#"{ "type": "string", "pattern": "^[^\\s]+$" }"#,
    "model: openai:gpt-5-mini",
);
const TEMPERATURE: Key = key(
    "temperature",
    "0 to 2. Many models refuse it: set it only where it matters.",
    r#"{ "type": "number", "minimum": 0, "maximum": 2 }"#,
    "temperature: 0.2",
);
const MAX_OUTPUT_TOKENS: Key = key(
    "max_output_tokens",
    "The longest answer, 1 to 1,000,000 tokens. A longer one fails the step as truncated.",
    r#"{ "type": "integer", "minimum": 1, "maximum": 1000000 }"#,
    "max_output_tokens: 4000",
);
const SEED: Key = key(
    "seed",
    "A number that sampling starts from, 0 to 2,147,483,647: the same question gets much the same answer. It stands before the `seed` of your config. A model whose provider has none is refused before anything is sent.",
    r#"{ "type": "integer", "minimum": 0, "maximum": 2147483647 }"#,
    "seed: 7",
);
const RETRY: Key = key(
    "retry",
    "Attempts at each call in all, 1 to 4; 4 where it is not said, and 1 never repeats one. What is repeated at all, and how often in a run, is not the workflow's to say.",
    r#"{ "type": "integer", "minimum": 1, "maximum": 4, "default": 4 }"#,
    "retry: 2",
);
const TIMEOUT_KEY: Key = key(
    "timeout",
    "How long a call may take in all, or a map that says more.",
    r##"{ "anyOf": [ { "$ref": "#/definitions/duration" }, { "$ref": "#/definitions/timeout" } ] }"##,
    "timeout: 10m",
);

const ON_UNKNOWN: Key = key(
    "on_unknown",
    "What becomes of a call of which nobody knows whether it was answered and charged, since the connection or the process broke. `retry` (the default) makes it again, `ask` asks whoever sits at the terminal, and elsewhere stops the run until somebody resumes it; `fail` fails the step.",
    r#"{ "enum": ["retry", "ask", "fail"], "default": "retry" }"#,
    "on_unknown: ask",
);

/// Settings that every persona step may leave to the file.
pub const DEFAULTS: Section = Section {
    name: "defaults",
    title: "`defaults`",
    keys: &[MODEL, TEMPERATURE, MAX_OUTPUT_TOKENS, SEED, RETRY, TIMEOUT_KEY, ON_UNKNOWN],
    around: "workflow: example\ndefaults: { KEYS }\nsteps:\n  data: { persona: data-engineer }\n",
    between: ", ",
    beside: &[],
};

/// What a run may use.
pub const BUDGET: Section = Section {
    name: "budget",
    title: "The budget",
    keys: &[
        key(
            "usd",
            "US dollars that all calls together may cost. The worst case of a call is held against it before the call is sent; a model whose price is not known is refused.",
            r#"{ "type": "number", "exclusiveMinimum": 0, "maximum": 1000000 }"#,
            "usd: 5",
        ),
        key(
            "tokens",
            "Tokens of all prompts and answers together, held against the worst case like `usd`.",
            r#"{ "type": "integer", "minimum": 1, "maximum": 4000000000 }"#,
            "tokens: 400000",
        ),
        key(
            "calls",
            "Requests that may be sent, retries included.",
            r#"{ "type": "integer", "minimum": 1, "maximum": 4000000000 }"#,
            "calls: 40",
        ),
        key(
            "wall",
            "How long a run may be running, `1s` to `30d`, pauses left out. After that nothing new is begun; what is under way may end.",
            r#"{ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?(s|m|min|h|d)$" }"#,
            "wall: 30m",
        ),
        key(
            "on_reached",
            "What is tried where `usd`, `tokens` or `calls` do not cover a call any more: one of these, or a list of them that is tried in order. `brief`: it gets documents as their briefs, where the need says nothing of `pass`. `cheaper`: the model of the alias `fast` in the user's config is asked, where it costs less. `skip-optional`: the run goes on without the step, where that is optional. After the last of them, and with `stop`, the run ends and can be resumed with more.",
            r#"{ "anyOf": [ { "enum": ["stop", "brief", "cheaper", "skip-optional"] },
                { "type": "array", "items": { "enum": ["brief", "cheaper", "skip-optional", "stop"] }, "maxItems": 4, "uniqueItems": true } ], "default": "stop" }"#,
            "on_reached: [brief, cheaper, skip-optional]",
        ),
    ],
    around: "workflow: example\nbudget: { KEYS }\nsteps:\n  data: { persona: data-engineer }\n",
    between: ", ",
    beside: &[("usd", "usd: 5")],
};

/// Time limits of a call.
pub const TIMEOUT: Section = Section {
    name: "timeout",
    title: "`timeout` as a map",
    keys: &[
        key(
            "connect",
            "Until there is a connection, name resolution and TLS included; 10s where nothing is said.",
            r##"{ "$ref": "#/definitions/duration" }"##,
            "connect: 5s",
        ),
        key(
            "first_token",
            "Until the answer begins.",
            r##"{ "$ref": "#/definitions/duration" }"##,
            "first_token: 30s",
        ),
        key(
            "idle",
            "Between two pieces of an answer.",
            r##"{ "$ref": "#/definitions/duration" }"##,
            "idle: 20s",
        ),
        key(
            "total",
            "For the whole call.",
            r##"{ "$ref": "#/definitions/duration" }"##,
            "total: 10m",
        ),
    ],
    around: "workflow: example\nsteps:\n  data: { persona: data-engineer, timeout: { KEYS } }\n",
    between: ", ",
    beside: &[],
};

/// One step.
pub const STEP: Section = Section {
    name: "step",
    title: "A step",
    keys: &[
        key(
            "persona",
            "Who works: the name of a persona, or a choice. A step has exactly one of `persona`, `render`, `approve`, `steps` and `workflow`.",
            r##"{ "anyOf": [ { "type": "string" }, { "$ref": "#/definitions/choice" } ] }"##,
            "persona: data-engineer",
        ),
        key(
            "render",
            "A template whose text is the deliverable; no model is called. Nothing that is said to a persona stands beside it.",
            r#"{ "type": "string" }"#,
            "render: 'The plan: {{ steps.first.text }}'",
        ),
        key(
            "approve",
            "A question to a person, a template. A yes makes their note the deliverable, a no fails the step. Beside it stand `needs`, `expires`, `on_expire` and `save`, and what says when and how often it is asked.",
            r#"{ "type": "string", "minLength": 1 }"#,
            "approve: Deploy the model?",
        ),
        key(
            "expires",
            "For `approve`: how long a person may take, from 1s to 365d. After that the step fails.",
            r#"{ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? *(s|m|min|h|d)$" }"#,
            "expires: 24h",
        ),
        key(
            "on_expire",
            "For `approve` with `expires`: `fail`, the default and the only word. Nothing but a person approves.",
            r#"{ "enum": ["fail"], "default": "fail" }"#,
            "on_expire: fail",
        ),
        key(
            "steps",
            "A group: steps that belong together, by id. What the group needs is handed to those of them that need nothing in it; the documents of those that nothing in it needs are the group's. Groups stand up to 4 deep in each other.",
            r##"{ "type": "object", "minProperties": 1, "propertyNames": { "$ref": "#/definitions/name" },
                "additionalProperties": { "$ref": "#/definitions/step" } }"##,
            "steps: { draft: { persona: data-engineer }, check: { persona: mlops-engineer, needs: draft } }",
        ),
        key(
            "workflow",
            "Another workflow, whose steps run within this one: a name of the library, or a path below the folder of this file, such as `./parts/review.yaml`. Its steps see its own inputs and each other. What the step needs is handed to those of them that need nothing in it. Its `outputs` are the step's document, and `steps.ID.output.NAME` gives them to templates. Its `concurrency` does not count. Workflows call each other up to 8 deep.",
            r#"{ "type": "string", "minLength": 1 }"#,
            "workflow: design-review",
        ),
        key(
            "with",
            "For `workflow`: the inputs of the called workflow, by name. A text is a template; where it is exactly one `{{ … }}`, its value is passed as it is. Without `task` the called workflow gets the task of this one.",
            r##"{ "type": "object", "propertyNames": { "$ref": "#/definitions/name" } }"##,
            "with: { task: Look at the figures }",
        ),
        key(
            "prompt",
            "What is asked of the persona; a template. The task and the handoffs stand before it by themselves.",
            r#"{ "type": "string" }"#,
            "prompt: Say what the figures mean.",
        ),
        key(
            "output",
            "The value that the answer has to be: a JSON Schema, a file with one below the workflow's folder (`.json`, `.yaml`), or `findings`. It is checked, and `steps.ID.output` gives it to templates.",
            r#"{ "anyOf": [ { "enum": ["findings"] },
                { "type": "string", "pattern": "\\.(json|yaml|yml)$" }, { "type": "object" } ] }"#,
            "output: { type: object, properties: { score: { type: integer } }, required: [score] }",
        ),
        key(
            "review",
            "Personas that judge the document by their gates, and send it back to its author.",
            r##"{ "$ref": "#/definitions/review" }"##,
            "review: { by: ml-engineer-jax, gates: [{ id: keys, check: Every table has a key }] }",
        ),
        key(
            "repairs",
            "How often an answer that does not fit `output`, or a verdict that does not fit its form, is asked for again, 0 to 5; 1 where it is not said. Then the step fails.",
            r#"{ "type": "integer", "minimum": 0, "maximum": 5, "default": 1 }"#,
            "output: findings, repairs: 2",
        ),
        key(
            "needs",
            "A step, or a list of steps, that must be finished first and hand over, in the order of the list. A map in place of a name says what is handed over.",
            r##"{ "anyOf": [ { "type": "string" }, { "$ref": "#/definitions/need" },
                { "type": "array", "uniqueItems": true, "items": { "anyOf": [
                    { "type": "string" }, { "$ref": "#/definitions/need" } ] } } ] }"##,
            "needs: [first]",
        ),
        key(
            "if",
            "An expression that is true or false, such as `inputs.depth == 'full'`. It is asked once, when the needs are at their end; where it is false, the step is skipped. Where it has no such value, the step fails.",
            r#"{ "type": "string", "minLength": 1 }"#,
            "if: steps.first.text | length > 200",
        ),
        key(
            "when",
            "What becomes of the step where a need was skipped or failed. `all` (the default): every need has to succeed, and the failure of an optional step counts as success. `any`: one is enough. `always`: it runs whatever became of them.",
            r#"{ "enum": ["all", "any", "always"], "default": "all" }"#,
            "when: always",
        ),
        key(
            "for_each",
            "A list, or an expression whose value is one: the step runs once for each item, up to 10,000. The list is found once, when the needs are at their end.",
            r#"{ "anyOf": [ { "type": "string", "minLength": 1 },
                { "type": "array", "items": { "type": ["string", "number", "boolean"] }, "maxItems": 10000 } ] }"#,
            "for_each: steps.first.text | lines",
        ),
        key(
            "as",
            "The name that an item has in the templates of the step, or of the steps of the group; `item` where it is not said.",
            r#"{ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$", "default": "item" }"#,
            "as: topic",
        ),
        key(
            "max_parallel",
            "Items at a time, 1 to 1000. The run's `concurrency` holds as well.",
            r#"{ "type": "integer", "minimum": 1, "maximum": 1000 }"#,
            "max_parallel: 4",
        ),
        key(
            "join",
            "How many items have to succeed. `all` (the default): the first failure fails the step. `any`: one. `settled`: none; a failed item is kept, marked as such.",
            r#"{ "enum": ["all", "any", "settled"], "default": "all" }"#,
            "join: settled",
        ),
        key(
            "optional",
            "`true`: if it fails, the run goes on without it.",
            r#"{ "type": "boolean", "default": false }"#,
            "optional: true",
        ),
        key(
            "save",
            "File below the output folder for the deliverable. Not `report.md`, a folder of that name, or the numbered name of another step. The items of a fan-out get its name with their number: `part-0.md`, `part-1.md`.",
            r#"{ "type": "string", "minLength": 1, "maxLength": 255 }"#,
            "save: design/data.md",
        ),
        MODEL,
        TEMPERATURE,
        MAX_OUTPUT_TOKENS,
        SEED,
        RETRY,
        TIMEOUT_KEY,
        ON_UNKNOWN,
    ],
    around: "workflow: example\nsteps:\n  first: { persona: data-engineer }\n  second: { KEYS }\n",
    between: ", ",
    beside: &[
        ("persona", "persona: data-engineer"),
        ("needs", "needs: first"),
        ("for_each", "for_each: [costs, risks]"),
    ],
};

/// One need, written as a map.
pub const NEED: Section = Section {
    name: "need",
    title: "A need",
    keys: &[
        key(
            "step",
            "The step that must be finished first. Required.",
            r#"{ "type": "string" }"#,
            "step: first",
        ),
        key(
            "pass",
            "What is handed over: `full` (all of it; where it does not fit, the step fails before anything is sent), `brief`, or `none` (an order only). Without it all of it where it fits, else the brief.",
            r#"{ "enum": ["full", "brief", "none"] }"#,
            "pass: brief",
        ),
        key(
            "max_tokens",
            "The most tokens that the handoff may bring, 1 to 1,000,000; 32,000 where it is not said.",
            r#"{ "type": "integer", "minimum": 1, "maximum": 1000000, "default": 32000 }"#,
            "max_tokens: 4000",
        ),
    ],
    around: "workflow: example\nsteps:\n  first: { persona: data-engineer }\n  second: { persona: data-engineer, needs: [{ KEYS }] }\n",
    between: ", ",
    beside: &[("step", "step: first")],
};

/// A persona chosen by a value.
pub const CHOICE: Section = Section {
    name: "choice",
    title: "A choice of persona",
    keys: &[
        key(
            "choose",
            "Personas by value. Required.",
            r#"{ "type": "object", "minProperties": 1, "additionalProperties": { "type": "string" } }"#,
            "choose: { jax: ml-engineer-jax, pytorch: ml-engineer-pytorch }",
        ),
        key(
            "by",
            "The expression whose value is looked up. Where it is an enum input, every word is a case, or there is `otherwise`. Required.",
            r#"{ "type": "string" }"#,
            "by: inputs.framework",
        ),
        key(
            "otherwise",
            "For any other value: `fail` (the default), `match` (the candidate that the task calls for), or a persona.",
            r#"{ "type": "string", "default": "fail" }"#,
            "otherwise: match",
        ),
    ],
    around: "workflow: example\ninputs: { framework: string }\nsteps:\n  model: { persona: { KEYS } }\n",
    between: ", ",
    beside: &[
        ("choose", "choose: { jax: ml-engineer-jax, pytorch: ml-engineer-pytorch }"),
        ("by", "by: inputs.framework"),
    ],
};

/// How a document is reviewed.
pub const REVIEW: Section = Section {
    name: "review",
    title: "A review",
    keys: &[
        key(
            "by",
            "The persona that judges, or a list of them; a round has a verdict of each. Required.",
            r#"{ "anyOf": [ { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 8, "uniqueItems": true } ] }"#,
            "by: mlops-engineer",
        ),
        key(
            "if",
            "An expression that is true or false, of inputs as a rule: the document is reviewed where it is true.",
            r#"{ "type": "string" }"#,
            "if: inputs.audit",
        ),
        key(
            "rounds",
            "Rounds at most, 1 to 5; 2 where it is not said. Between two rounds the author writes a new version.",
            r#"{ "type": "integer", "minimum": 1, "maximum": 5, "default": 2 }"#,
            "rounds: 3",
        ),
        key(
            "on_fail",
            "What happens where the document does not pass: `stop` (the default) fails the step, `continue` goes on with the last version and says so, `approve` asks a person whether to go on with it.",
            r#"{ "enum": ["stop", "continue", "approve"], "default": "stop" }"#,
            "on_fail: continue",
        ),
        key(
            "gates",
            "Gates beside those of the reviewers' own files; every reviewer judges them.",
            r##"{ "type": "array", "maxItems": 50, "items": { "$ref": "#/definitions/gate" } }"##,
            "gates: [{ id: keys, check: Every table has a key }]",
        ),
    ],
    around: "workflow: example\ninputs: { audit: boolean }\nsteps:\n  data: { persona: data-engineer, review: { KEYS } }\n",
    between: ", ",
    // The program wants to know by what they judge, and this persona brings no gates.
    beside: &[
        ("by", "by: mlops-engineer"),
        ("gates", "gates: [{ id: keys, check: Every table has a key }]"),
    ],
};

/// One criterion of a review.
pub const GATE: Section = Section {
    name: "gate",
    title: "A gate",
    keys: &[
        key(
            "id",
            "Its name: small letters, digits, `_` and `-`. Required.",
            r##"{ "$ref": "#/definitions/name" }"##,
            "id: keys",
        ),
        key(
            "check",
            "What must hold, a sentence that can be answered with pass or fail. Required.",
            r#"{ "type": "string" }"#,
            "check: Every table has a key",
        ),
        key(
            "required",
            "Whether the document fails without it; true where it is not said.",
            r#"{ "type": "boolean", "default": true }"#,
            "required: false",
        ),
        key(
            "by",
            "Who decides: `judge` (the default) is the reviewer; `human` is a person, who is asked once everything else passes; `command` is the program that the user's config names for the gate's id.",
            r#"{ "enum": ["judge", "human", "command"], "default": "judge" }"#,
            "by: judge",
        ),
    ],
    around: "workflow: example\nsteps:\n  data: { persona: data-engineer, review: { by: mlops-engineer, gates: [{ KEYS }] } }\n",
    between: ", ",
    beside: &[("id", "id: keys"), ("check", "check: Every table has a key")],
};
