//! Keys of every kind are planted wherever keys live and wherever people paste them, and looked for in
//! everything that the program prints and writes: the table below names every command, and a command that
//! is not in it fails the test.

use std::collections::BTreeSet;

use orchestrate_testkit::{
    env::Outcome,
    reply::{Answer, Reply},
};

use crate::support::{Place, Server, TASK, answer, files_below, persona_file, who};

/// A key for each place that keys live in. Characters that encodings change are in each, and all end alike,
/// so that a piece of any of them is found too.
const KEYS: [(&str, &str); 8] = [
    ("OPENAI_API_KEY", "sk-a/env+0=canary4Zq9Xw7"),
    ("ANTHROPIC_API_KEY", "sk-b/env+1=canary4Zq9Xw7"),
    ("AZURE_OPENAI_API_KEY", "sk-c/env+2=canary4Zq9Xw7"),
    ("MY_OWN_KEY", "sk-d/env+3=canary4Zq9Xw7"),
    ("file", "sk-e/file+4=canary4Zq9Xw7"),
    ("header", "sk-f/head+5=canary4Zq9Xw7"),
    ("address", "sk-g-userinfo-6canary4Zq9Xw7"),
    ("argument", "sk-h/arg+7=canary4Zq9Xw7"),
];

/// What every key ends with, as it is and in the forms that it may be written in.
const TRACES: [&str; 4] =
    ["canary4Zq9Xw7", "63616e617279345a71395877", "5hcnk0WnE5WH", "FuYXJ5NFpxOVh3"];

/// A key of the table.
fn key(place: &str) -> &'static str {
    KEYS.iter().find(|(name, _)| *name == place).expect("a planted key").1
}

/// Everything that says or writes something: a command line for each thing that it can be asked for. `RUN`
/// stands for a finished run, `WAITING` for one that waits for a person, `KEYS` for a text with every key.
const SINKS: &[(&str, &[&[&str]])] = &[
    (
        "run",
        &[
            &["run", "end-to-end-ml", "--task", "KEYS", "--model", "openai:m", "--output", "out"],
            &["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m", "--record", "tape"],
            &["run", "end-to-end-ml", "--task", "KEYS", "--model", "openai:m", "--record", "tape"],
            &["run", "end-to-end-ml", "--task", TASK, "--replay", "tape"],
            &["run", "end-to-end-ml", "--task", "KEYS other", "--replay", "tape"],
            &["run", "end-to-end-ml", "--task", "KEYS", "--offline", "--output", "sheets"],
            &["run", "end-to-end-ml", "--task", "KEYS", "--model", "lab:m"],
            &["run", "end-to-end-ml", "--task", "KEYS", "--model", "tool:m"],
            &["run", "end-to-end-ml", "--task", "KEYS", "--model", "broken:m"],
            &["run", "end-to-end-ml", "--task", "@task.txt", "--model", "openai:refuses"],
            &["run", "end-to-end-ml", "--task", "KEYS", "--model", "KEYS"],
            &["run", "judged.yaml", "--task", "KEYS", "--model", "openai:m"],
            &["run", "KEYS", "--task", "x"],
            &["run", "leaky", "--task", "x", "--offline"],
            &["run", "leaks-by-persona.yaml", "--task", "x", "--offline"],
            &["run", "end-to-end-ml", "-i", "KEYS", "--task", "x"],
            &["run", "end-to-end-ml", "--KEYS"],
        ],
    ),
    (
        "ask",
        &[
            &["ask", "KEYS", "--model", "openai:m"],
            &["ask", "-p", "KEYS", "x"],
            &["ask", "KEYS", "-p", "data-engineer", "--model", "openai:m"],
        ],
    ),
    (
        "plan",
        &[
            &["plan", "end-to-end-ml", "--task", "KEYS", "--model", "openai:m"],
            &["plan", "end-to-end-ml", "--task", "KEYS", "--format", "json"],
        ],
    ),
    ("validate", &[&["validate"], &["validate", "KEYS"]]),
    ("test", &[&["test"], &["test", "--record", "RUN"]]),
    ("resume", &[&["resume", "RUN"], &["resume", "KEYS"]]),
    (
        "approve",
        &[
            &["approve", "WAITING", "go", "--yes", "--note", "KEYS", "--resume"],
            &["approve", "KEYS", "go", "--no"],
        ],
    ),
    ("rerun", &[&["rerun", "RUN", "report", "-m", "KEYS"]]),
    (
        "runs",
        &[
            &["runs", "list"],
            &["runs", "list", "--format", "json"],
            &["runs", "show", "RUN"],
            &["runs", "show", "RUN", "--result"],
            &["runs", "show", "RUN", "--format", "json"],
            &["runs", "show", "RUN", "--format", "jsonl"],
            &["runs", "show", "RUN", "--format", "markdown"],
            &["runs", "cost"],
            &["runs", "cost", "--format", "csv"],
        ],
    ),
    (
        "personas",
        &[
            &["personas", "list"],
            &["personas", "show", "leaky-one"],
            &["personas", "match", "KEYS"],
            &["personas", "export", "leaky-one", "--as", "claude-code"],
            &["personas", "lint", "personas"],
        ],
    ),
    ("workflows", &[&["workflows", "list"], &["workflows", "show", "leaky", "--source"]]),
    ("graph", &[&["graph", "leaky"]]),
    ("init", &[&["init", "KEYS"]]),
    ("doctor", &[&["doctor"], &["doctor", "--check"], &["doctor", "--format", "json"]]),
    ("schema", &[&["schema"]]),
    (
        "models",
        &[&["models", "list"], &["models", "list", "--format", "json"], &["models", "prices"]],
    ),
    ("completions", &[&["completions", "bash"], &["completions", "KEYS"]]),
];

/// A text with every key, as it is and encoded.
fn all_keys() -> String {
    let keys: Vec<String> = KEYS
        .iter()
        .map(|(_, key)| {
            let in_address = key.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
            format!("{key} {in_address} {} {}", hidden(key), escaped(key))
        })
        .collect();
    format!("Deploy with {}", keys.join(" and "))
}

/// A key with characters in it that nobody sees and that are taken out of prompts.
fn hidden(key: &str) -> String {
    key.replace("4Zq", "4\u{200b}Z\u{feff}q\u{e0041}").replacen('-', "\u{ad}-", 1)
}

/// A key as the text of a JSON string may spell it: with single characters escaped.
fn escaped(key: &str) -> String {
    key.replace("canary", r"c\u0061nary").replace('/', r"\/").replace("Xw7", r"Xw\u0037")
}

/// The same with a hidden character, escaped too.
fn escaped_and_hidden(key: &str) -> String {
    escaped(key).replace("4Zq", r"4\u200bZq")
}

/// A server that repeats every key in errors, headers and answers, cut into small pieces.
fn repeating() -> Server {
    Server::start(|request| {
        if request.json["model"] == "refuses" {
            return Reply::json(
                401,
                &serde_json::json!({ "error": { "code": key("OPENAI_API_KEY"), "message": all_keys() } }),
            )
            .header("x-request-id", key("OPENAI_API_KEY"));
        }
        let sent = request.header("authorization").unwrap_or_default().to_owned();
        let text = format!("{} speaks.\n\n{}\n\n{sent}", who(request), all_keys());
        let answer = answer(&text, &all_keys());
        Answer { piece: 5, model: key("file").into(), ..answer }.reply_to(request)
    })
}

fn planted(server: &Server) -> Place {
    let mut place = Place::new().with("OPENAI_BASE_URL", &server.base_url());
    for (name, value) in KEYS.iter().filter(|(name, _)| name.ends_with("_KEY")) {
        place = place.with(name, value);
    }
    place.configure(&format!(
        "[models]\ndefault = \"openai:m\"\n\
         [providers.lab]\nbase_url = \"{url}\"\napi_key = \"{file}\"\n[providers.lab.headers]\nx-gateway = \"{header}\"\n\
         [providers.own]\nbase_url = \"{url}\"\napi_key_env = \"MY_OWN_KEY\"\n\
         [providers.broken]\nbase_url = \"http://robot:{address}@127.0.0.1:9/v1\"\napi_key = \"{file}\"\n\
         [gates.no-key]\ncommand = [\"/bin/sh\", \"-c\", \"cat >/dev/null; printf '%s' \\\"$OPENAI_API_KEY\\\"; exit 1\"]\n\
         [providers.tool]\nkind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >/dev/null; printf '%s ' \\\"$OPENAI_API_KEY\\\" \\\"$2\\\"\", \"x\", \"--api-key\", \"{argument}\"]\n",
        url = server.base_url(),
        file = key("file"),
        header = key("header"),
        address = key("address"),
        argument = key("argument"),
    ));
    place.write("task.txt", all_keys());
    place.write(
        "workflows/leaky.yaml",
        format!("workflow: leaky\ninputs: {{ task: string }}\nsteps:\n  a: {{ persona: data-engineer, prompt: \"Use {}\" }}\n", key("file")),
    );
    place.write(
        "leaks-by-persona.yaml",
        "workflow: leaks-by-persona\ninputs: { task: string }\nsteps:\n  a: { persona: leaky-one, prompt: Begin. }\n",
    );
    let persona =
        persona_file("data-engineer").replacen("name: data-engineer", "name: leaky-one", 1);
    place.write(
        "personas/leaky-one.md",
        format!("{persona}\n## Notes\n\nThe key is {}.\n", key("file")),
    );
    place.write(
        "judged.yaml",
        "workflow: judged\ninputs: { task: string }\nsteps:\n  a:\n    persona: mlops-engineer\n    prompt: Design it.\n    review: { by: data-engineer, rounds: 1, on_fail: continue, gates: [{ id: no-key, check: No key stands in it, by: command }] }\n",
    );
    place.write(
        "gated.yaml",
        "workflow: gated\ninputs: { task: string }\nsteps:\n  design: { persona: mlops-engineer, prompt: Design it. }\n  go: { approve: 'Build what is designed for {{ inputs.task }}?', needs: design }\n  build: { persona: mlops-engineer, needs: go, prompt: Build it. }\n",
    );
    place
}

/// Files that were planted with keys by whoever uses the program.
const PLANTED: [&str; 4] = ["config.toml", "task.txt", "leaky.yaml", "leaky-one.md"];

/// A text without all that is not seen, and with its escapes read, as far as keys need them.
fn read_aloud(text: &str) -> String {
    let seen = |c: &char| c.is_ascii_graphic() || matches!(c, ' ' | '\n');
    let text: String = text.chars().filter(seen).collect();
    let (mut read, mut rest) = (String::new(), text.as_str());
    while let Some((before, after)) = rest.split_once('\\') {
        read.push_str(before);
        let escape = after.trim_start_matches('\\');
        let digits = escape.strip_prefix('u').map(|digits| digits.trim_start_matches('{'));
        let digits = digits.and_then(|digits| digits.get(..4));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        rest = match code.and_then(char::from_u32) {
            Some(c) => {
                read.extend(Some(c).filter(char::is_ascii));
                escape[1..].trim_start_matches('{')[4..].trim_start_matches('}')
            }
            None => escape,
        };
    }
    read + rest
}

fn shows_nothing(text: &str, what: &str) {
    shows_no_trace(text, what);
    shows_no_trace(&read_aloud(text), &format!("{what}, read aloud,"));
}

fn shows_no_trace(text: &str, what: &str) {
    for trace in TRACES {
        if let Some(at) = text.find(trace) {
            let from = text.floor_char_boundary(at.saturating_sub(120));
            let to = text.ceil_char_boundary((at + 60).min(text.len()));
            panic!("{what} shows a key: …{}…", &text[from..to]);
        }
    }
}

fn outcome_shows_nothing(outcome: &Outcome, what: &str) {
    assert!(outcome.code.is_some_and(|code| code != 101), "{what}: {}", outcome.stderr);
    shows_nothing(&outcome.stdout, what);
    shows_nothing(&outcome.stderr, what);
}

/// Every file below the place but those planted: journals with what is not yet checkpointed, inboxes, index,
/// reports, cassettes, worksheets.
fn files_show_nothing(place: &Place, what: &str) {
    for (path, content) in files_below(&place.root()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !PLANTED.contains(&name.as_str()) {
            shows_nothing(
                &String::from_utf8_lossy(&content),
                &format!("{what}: {}", path.display()),
            );
        }
    }
}

#[test]
fn no_command_prints_or_writes_a_key() {
    let server = repeating();
    let place = planted(&server);
    let first = place.run(&["run", "end-to-end-ml", "--task", &all_keys(), "--model", "openai:m"]);
    outcome_shows_nothing(&first, "the first run");
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert!(
        first.stderr.contains("a key stands in the input `task`; it was taken out"),
        "{}",
        first.stderr
    );
    let run = place.run_ids().remove(0);
    let gated = place.run(&["run", "gated.yaml", "--task", &all_keys(), "--no-input"]);
    assert_eq!(gated.code, Some(7), "{}", gated.stderr);
    let waiting = place.run_ids().pop().unwrap();
    for (verb, lines) in SINKS {
        for line in *lines {
            let keys = all_keys();
            let words: Vec<String> = line
                .iter()
                .map(|word| {
                    word.replace("KEYS", &keys).replace("RUN", &run).replace("WAITING", &waiting)
                })
                .collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(words[0], *verb);
            outcome_shows_nothing(&place.run(&words), &format!("{line:?}"));
        }
        files_show_nothing(&place, verb);
    }
    // Keys came to the server in the header that they belong to, and in nothing that was asked.
    for request in server.requests() {
        shows_nothing(&String::from_utf8_lossy(&request.body), "a request");
    }
}

#[test]
fn no_format_and_no_progress_shows_a_key() {
    let server = repeating();
    let place = planted(&server);
    for format in ["text", "json", "jsonl", "markdown"] {
        for progress in ["auto", "tty", "plain", "json", "quiet"] {
            for model in ["openai:m", "openai:refuses", "lab:m", "tool:m", "own:m"] {
                let keys = all_keys();
                let ask = [
                    "ask",
                    &keys,
                    "-p",
                    "data-engineer",
                    "--model",
                    model,
                    "--format",
                    format,
                    "--progress",
                    progress,
                ];
                outcome_shows_nothing(&place.run(&ask), &format!("{format} {progress} {model}"));
            }
        }
    }
    let logged = place.with("ORCHESTRATE_LOG", "trace");
    let ask = ["ask", TASK, "-p", "data-engineer", "--model", "lab:traced"];
    outcome_shows_nothing(&logged.run(&ask), "the log of everything");
    files_show_nothing(&logged, "after all formats");
}

#[test]
fn every_command_of_the_program_is_in_the_table_of_sinks() {
    let help = Place::new().good(&["--help"]);
    let commands = help.split_once("Commands:\n").expect("commands").1;
    let commands = commands.split("\n\n").next().unwrap().lines();
    let listed: BTreeSet<&str> =
        commands.filter_map(|line| line.split_whitespace().next()).collect();
    let tried: BTreeSet<&str> = SINKS.iter().map(|(verb, _)| *verb).collect();
    let missing: Vec<_> =
        listed.difference(&tried).filter(|verb| help.contains(&format!("\n  {verb} "))).collect();
    assert!(missing.is_empty(), "add to SINKS what these print and write: {missing:?}");
}

#[test]
fn a_mistake_in_the_config_is_told_without_a_key() {
    for text in [
        format!("[providers.lab]\napi_key = \"{}", key("file")),
        format!("[providers.lab]\n{} = 1", key("address")),
        format!("[providers.lab]\nbase_url = \"{0}\"\napi_key = \"{0}\"\n", key("file")),
        format!("[providers.lab]\nbase_url = \"http://x:{}@h/v1\"\n", key("address")),
        format!("[providers.lab]\napi_key = \"{0}\"\napi_key_env = \"{0}\"\n", key("file")),
    ] {
        let place = Place::new();
        place.configure(&text);
        for args in [&["doctor"][..], &["run", "end-to-end-ml", "--task", "x", "--model", "lab:m"]]
        {
            outcome_shows_nothing(&place.run(args), &text);
        }
    }
}

const HIDING: &str = "\
workflow: hiding
inputs: { task: string, rows: { type: list, required: false } }
steps:
  tell: { persona: data-engineer, prompt: Tell., save: tell.md }
  value:
    persona: ml-engineer
    prompt: Value it.
    needs: tell
    save: value.json
    output:
      type: object
      properties: { why: { type: string }, list: { type: array, items: { type: string } } }
      required: [why, list]
    review: { by: data-scientist-stats, rounds: 2, on_fail: continue, gates: [{ id: sound, check: It is sound. }] }
  call:
    workflow: ./called.yaml
    needs: [tell, value]
    with:
      text: '{{ steps.tell.text }} {{ steps.value.output.why }} {{ steps.tell.brief.decisions }}'
      halves: '{{ steps.value.output.list[1] }}{{ steps.value.output.list[2] }}'
    save: call.md
  each:
    persona: mlops-engineer
    needs: value
    for_each: steps.value.output.list
    prompt: 'Item {{ item }}'
  told: { render: 'All: {{ steps.call.text }}{{ steps.tell.brief.risks }}', needs: [call, tell], save: told.md }
outputs:
  told: '{{ steps.told.text }}'
  why: '{{ steps.value.output.why }}'
";

const CALLED: &str = "\
workflow: called
inputs: { text: string, halves: string }
steps:
  read: { persona: data-viz-specialist, prompt: 'Read {{ inputs.text }} {{ inputs.halves }}' }
outputs:
  read: '{{ steps.read.text }} {{ inputs.text }} {{ inputs.halves }}'
  again: '{{ inputs.halves }}'
";

/// Every gate that is asked about fails, for a reason in which the key stands.
fn failing(schema: &serde_json::Value, key: &str) -> String {
    let gates = schema["properties"]["output"]["properties"]["gates"]["required"].as_array();
    let gates = gates
        .expect("gates")
        .iter()
        .map(|id| format!(r#"{id}: {{"answer": "fail", "evidence": "{key}"}}"#));
    let gates = gates.collect::<Vec<_>>().join(", ");
    let earlier = &schema["properties"]["output"]["properties"]["earlier"]["required"];
    let earlier = earlier.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let earlier = earlier.map(|id| format!(r#"{id}: {{"status": "open", "evidence": "{key}"}}"#));
    let earlier = match earlier.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        some => format!(r#", "earlier": {{{some}}}"#),
    };
    format!(
        r#"{{"output": {{"gates": {{{gates}}}{earlier}, "findings": [{{"rule": "{key}", "severity": "high", "place": "{key}", "evidence": "{key}", "advice": "{key}"}}]}}}}"#
    )
}

#[test]
fn a_key_that_is_hidden_or_escaped_in_an_answer_reaches_nobody() {
    let server = Server::start(|request| {
        let key = key("OPENAI_API_KEY");
        let (hidden, escaped) = (hidden(key), escaped(key));
        let both = escaped_and_hidden(key);
        let (one_half, other_half) = key.split_at(12);
        let schema = &request.json["response_format"]["json_schema"]["schema"];
        let text = match who(request).as_str() {
            "ml-engineer" => format!(
                r#"{{"output": {{"why": "{escaped} {both}", "list": ["{both}", "{one_half}", "{other_half}"], "{escaped}": 1}}, "brief": {{"risks": ["{both}"]}}}}"#
            ),
            "data-scientist-stats" => failing(schema, &both),
            _ => format!(
                "It says {hidden}.\n\n```brief\n{{\"decisions\": [{{\"id\": \"D1\", \"decision\": \"{escaped}\", \"why\": \"{hidden}\"}}], \"risks\": [\"{both}\"]}}\n```\n"
            ),
        };
        Answer { piece: 5, ..Answer::new(text) }.reply_to(request)
    });
    let place = planted(&server);
    place.write("hiding.yaml", HIDING);
    place.write("called.yaml", CALLED);
    place.write("task.txt", format!("my key {} end", hidden(key("file"))));
    let rows = format!(r#"rows=["{}", "{}"]"#, escaped(key("header")), hidden(key("file")));
    let run = ["run", "hiding.yaml", "--model", "openai:m", "--output", "out", "--record", "tape"];
    let outcome = place.run(&[&run[..], &["--task", "@task.txt", "-i", &rows]].concat());
    outcome_shows_nothing(&outcome, "the run");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    for input in ["task", "rows"] {
        let told = format!("a key stands in the input `{input}`; it was taken out");
        assert!(outcome.stderr.contains(&told), "{}", outcome.stderr);
    }
    let requests = server.requests();
    for request in &requests {
        shows_nothing(&String::from_utf8_lossy(&request.body), "a request");
    }
    let asked = |persona: &str, part: &str| {
        let of = requests.iter().filter(|request| who(request) == persona);
        let text: String = of.map(|request| request.message("user")).collect();
        assert!(text.contains(part), "{persona}: {text}");
    };
    asked("data-engineer", "my key [redacted] end");
    asked("ml-engineer", "It says [redacted].");
    asked("ml-engineer", "Seen: [redacted]");
    asked("data-viz-specialist", "[redacted] [redacted]");
    asked("mlops-engineer", "Item ");
    for file in ["tell.md", "value.json", "call.md", "told.md"] {
        assert!(place.read(&format!("out/{file}")).contains("[redacted]"), "{file}");
    }
    for format in ["text", "json", "jsonl", "markdown"] {
        outcome_shows_nothing(&place.run(&["runs", "show", "--format", format]), format);
    }
    let replayed =
        place.run(&["run", "hiding.yaml", "--task", "@task.txt", "-i", &rows, "--replay", "tape"]);
    outcome_shows_nothing(&replayed, "the replay");
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    assert_eq!(server.count(), requests.len() as u64, "redaction says the same each time");
    let remark = hidden(key("file"));
    let rerun = place.run(&["rerun", &place.run_ids()[0], "tell", "-m", &remark]);
    outcome_shows_nothing(&rerun, "the rework");
    assert_eq!(rerun.code, Some(0), "{}", rerun.stderr);
    let requests = server.requests();
    let reworked =
        requests.iter().find(|request| request.message("user").contains("the remark on"));
    let reworked = reworked.expect("a rework").message("user");
    assert!(reworked.contains("[redacted]"), "{reworked}");
    for request in &requests {
        shows_nothing(&String::from_utf8_lossy(&request.body), "a request after the rework");
    }
    files_show_nothing(&place, "after all");
}
