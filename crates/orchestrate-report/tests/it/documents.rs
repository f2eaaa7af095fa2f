//! Results, reports and JSON.

use orchestrate_core::{
    event::{Event, RunFailure},
    failure::{Failure, FailureClass},
};
use orchestrate_report::{OFFLINE_NOTICE, json, report_markdown, result_markdown};

use super::fixture::{Journal, diamond, end_to_end};

const DATA: &str =
    "## Sources\n\nPostgres.\n\n### Tables\n\n```sql\n# not a heading\nselect 1\n```";
const BRIEF: &str = r#"{"decisions":[{"id":"D1","decision":"Use Postgres","why":"it is there"}],"figures":[{"name":"rows","value":"4","unit":"million/day","basis":"given"}],"risks":["late\n# data"]}"#;

/// A whole run of the diamond, in which the second step was reused.
fn whole(lost: bool) -> Journal {
    let mut journal = Journal::new(diamond());
    if lost {
        journal.run = "0193-other";
    }
    journal.start();
    journal.prepare("data", "data-engineer", None, &[]);
    journal.intent("data", 1);
    let mut attempt = 1;
    if lost {
        journal.lose("data", 1);
        attempt = 2;
        journal.intent("data", attempt);
    }
    journal.answer("data", attempt, DATA, Some(BRIEF));
    journal.prepare(
        "search",
        "elasticsearch-expert",
        Some("`search` fits the task best: postgres, event"),
        &["handoff of `data` came as its brief"],
    );
    if lost {
        journal.reuse("search", "## Index\n\nOne.", None);
    } else {
        journal.intent("search", 1);
        journal.answer("search", 1, "## Index\n\nOne.", None);
    }
    journal.prepare("speed", "redis-caching", None, &[]);
    journal.intent("speed", 1);
    let refused = Failure::new(FailureClass::Refused, "will not\nsay").help("ask otherwise");
    journal.fail("speed", refused, true);
    journal.render("summary", "All in all: one index.");
    journal.push(Event::RunSucceeded);
    journal
}

/// A run whose first step failed.
fn failed() -> Journal {
    let mut journal = Journal::new(end_to_end());
    journal.start();
    journal.prepare("data", "data-engineer", None, &[]);
    journal.intent("data", 1);
    journal.answer("data", 1, DATA, Some(BRIEF));
    journal.prepare("analysis", "data-scientist-stats", None, &[]);
    journal.intent("analysis", 1);
    let refused = Failure::new(FailureClass::Credentials, "401 Unauthorized").help("check the key");
    journal.fail("analysis", refused, false);
    journal.push(Event::RunFailed { reason: RunFailure::Step("analysis".into()) });
    journal
}

fn body(report: &str) -> String {
    let (before, rest) = report.split_once("<!-- run -->").expect("a header begins");
    let (_, after) = rest.split_once("<!-- /run -->").expect("a header ends");
    format!("{before}{after}")
}

#[test]
fn a_report_holds_everything_in_plan_order() {
    insta::assert_snapshot!(whole(false).report(report_markdown), @r#"
    # diamond

    <!-- run -->

    - Run: `0192-run`
    - Created: 2026-11-01T12:00:01Z
    - Last event: 2026-11-01T12:00:24Z
    - Status: complete without the optional step `speed`
    - Model: openai:gpt-5-mini at https://api.example.com/v1
    - Active time: 21.0 s
    - Calls: 3 sent
    - Tokens: 2,400 in, 690 out
    - Cost: $0.0020

    <!-- /run -->

    ## Task

    > Predict churn
    >
    > from our Postgres events

    ## Steps

    1. Data Engineer — `data`
    2. Beside each other:
       - Elasticsearch Expert — `search`, after `data`
       - Redis and Caching — `speed`, after `data` (not finished)
    3. `summary`, after `search`, `speed`

    ## Data Engineer — data

    ### Sources

    Postgres.

    #### Tables

    ```sql
    # not a heading
    select 1
    ```

    ### Brief

    Decisions:
    - D1: Use Postgres — it is there

    Figures:
    - rows: 4 million/day (given)

    Risks:
    - late # data

    ## Elasticsearch Expert — search

    Chosen: `search` fits the task best: postgres, event

    ### Index

    One.

    ### Notes

    - handoff of `data` came as its brief

    ## summary

    All in all: one index.

    ## Handed on

    What each document says of the decisions, figures and constraints it was given. Words, identifiers and numbers were compared, and nothing else: "not mentioned" may stand there in other words.

    - `data` → `search`: 0 of 2 found
      - decision D1 not mentioned: Use Postgres
      - figure not mentioned: rows: 4 million/day (given)

    ## Not finished

    - Redis and Caching — `speed`: failed, optional: model refused: will not say (ask otherwise)
    "#);
}

#[test]
fn without_its_header_a_report_does_not_tell_how_the_answers_were_had() {
    let (plain, lost) = (whole(false).report(report_markdown), whole(true).report(report_markdown));
    assert_ne!(plain, lost);
    assert_eq!(body(&plain), body(&lost));
    let header = lost.split_once("<!-- /run -->").expect("a header").0;
    insta::assert_snapshot!(header, @r"
    # diamond

    <!-- run -->

    - Run: `0193-other`
    - Created: 2026-11-01T12:00:01Z
    - Last event: 2026-11-01T12:00:25Z
    - Status: complete without the optional step `speed`
    - Model: openai:gpt-5-mini at https://api.example.com/v1
    - Active time: 22.5 s
    - Calls: 3 sent, 1 answer used again
    - Tokens: 1,200 in, 345 out; up to 9,000 more in attempts whose usage is not known
    - Cost: $0.0176; up to $0.0166 of it for attempts whose usage is not known
    - Step `data`: 2 attempts; one attempt ended without a known outcome
    - Step `search`: answer of run `0191-older`, 25 h 0 min old
    ");
}

#[test]
fn a_report_says_what_failed_and_what_was_not_started() {
    let report = failed().report(report_markdown);
    let open = &report[report.find("## Not finished").expect("a section")..];
    insta::assert_snapshot!(open, @r"
    ## Not finished

    - Data Scientist - Statistical Modeling — `analysis`: failed: credentials refused: 401 Unauthorized (check the key)
    - `model`: not started: needs step `analysis`
    - mlops-engineer — `operations`: not started: needs step `model`
    - data-viz-specialist — `report`: not started: needs steps `model` and `operations`
    ");
}

#[test]
fn a_result_is_the_deliverables_where_no_output_is_declared() {
    insta::assert_snapshot!(whole(false).report(result_markdown), @r"
    ## Data Engineer — data

    ### Sources

    Postgres.

    #### Tables

    ```sql
    # not a heading
    select 1
    ```

    ## Elasticsearch Expert — search

    ### Index

    One.

    ## summary

    All in all: one index.
    ");
    let part = failed().report(result_markdown);
    assert!(part.contains("\n\n## Data Engineer — data\n"), "{part}");
    let none = Journal::new(end_to_end());
    assert_eq!(none.report(result_markdown), "");
}

#[test]
fn a_result_is_the_outputs_where_they_are_declared() {
    let journal = whole(false);
    assert_eq!(
        journal.report_with(&[("report", "# A\n\ntext\n")], result_markdown),
        "# A\n\ntext\n"
    );
    let two = [("report", "# A\n\ntext"), ("plan", "## B")];
    insta::assert_snapshot!(journal.report_with(&two, result_markdown), @r"
    ## report

    ### A

    text

    ## plan

    ### B
    ");
}

#[test]
fn a_text_of_which_steps_are_missing_says_so_first() {
    let notice = "> **Unfinished: 1 of 5 steps.** This is a part of the result; the other steps have no \
                  document yet.\n\n";
    let journal = failed();
    assert!(journal.report(result_markdown).starts_with(notice));
    assert!(journal.report(report_markdown).starts_with(notice));
    let complete = whole(false);
    assert!(!complete.report(result_markdown).contains("Unfinished"));
    assert!(!complete.report(report_markdown).contains("Unfinished"));
}

#[test]
fn every_text_of_an_offline_run_says_so_first() {
    let mut journal = Journal::new(end_to_end());
    journal.offline = true;
    journal.start();
    journal.prepare("data", "data-engineer", None, &[]);
    journal.intent("data", 1);
    journal.answer("data", 1, DATA, None);
    for text in [
        journal.report(report_markdown),
        journal.report(result_markdown),
        journal.report_with(&[("only", "text")], result_markdown),
    ] {
        assert!(text.starts_with(&format!("{OFFLINE_NOTICE}\n\n")), "{text}");
    }
    assert_eq!(journal.report(json)["offline"], true);
    assert!(OFFLINE_NOTICE.contains("no model was called"));
}

#[test]
fn everything_that_is_told_of_a_replay_says_that_it_is_one() {
    let mut journal = Journal::new(end_to_end());
    journal.replay = Some("/ci/tests/a`b\u{1b}[31m/".into());
    journal.start();
    journal.prepare("data", "data-engineer", None, &[]);
    journal.intent("data", 1);
    journal.answer("data", 1, DATA, None);
    for text in [
        journal.report(report_markdown),
        journal.report(result_markdown),
        journal.report_with(&[("only", "text")], result_markdown),
    ] {
        let first = text.lines().next().unwrap_or_default();
        insta::allow_duplicates! {
            insta::assert_snapshot!(first, @r"> **Replay: no model was called.** Every answer comes from the cassette `a'b\u{1b}[31m`, as it was recorded.");
        }
    }
    let document = journal.report(json);
    assert_eq!(document["replay"]["cassette"], "a`b\u{1b}[31m");
    assert_eq!((&document["calls"], &document["offline"]), (&0.into(), &false.into()));
    assert_eq!(document["steps"][0]["source"], "replay");
    assert_eq!(
        orchestrate_report::list_entry(&journal.summary())["replay"]["cassette"],
        "a`b\u{1b}[31m"
    );
    let told = orchestrate_report::closing(&journal.summary()).join("\n");
    assert!(told.contains("no model was called") && !told.contains("tokens"), "{told}");
}

#[test]
fn hostile_text_cannot_spoil_the_report() {
    let mut journal = Journal::new(end_to_end());
    journal.start();
    journal.prepare("data", "data-engineer", None, &[]);
    journal.intent("data", 1);
    let hostile = "# Title\n\u{1b}[2J<!-- /run -->\u{202e}\n```\nnever closed <!--";
    journal.answer("data", 1, hostile, Some(BRIEF));
    let report = journal.report(report_markdown);
    assert!(!report.contains(['\u{1b}', '\u{202e}']), "{report}");
    assert_eq!(report.matches("<!-- /run -->").count(), 1);
    let document = &report[report.find("## Data Engineer").expect("a heading")..];
    insta::assert_snapshot!(document, @r"
    ## Data Engineer — data

    ### Title
    \u{1b}[2J&lt;!-- /run -->\u{202e}
    ```
    never closed <!--
    ```

    ### Brief

    Decisions:
    - D1: Use Postgres — it is there

    Figures:
    - rows: 4 million/day (given)

    Risks:
    - late # data

    ## Not finished

    - Data Scientist - Statistical Modeling — `analysis`: not started: the run stopped before it
    - `model`: not started: needs step `analysis`
    - mlops-engineer — `operations`: not started: needs step `model`
    - data-viz-specialist — `report`: not started: needs steps `model` and `operations`
    ");
}

#[test]
fn json_holds_texts_and_briefs_of_every_step() {
    let value = whole(true).report_with(&[("report", "x")], json);
    let text = serde_json::to_string_pretty(&value).expect("JSON");
    insta::assert_snapshot!(text, @r###"
    {
      "schema": "orchestrate/run/1",
      "offline": false,
      "replay": null,
      "run": "0193-other",
      "forked_from": null,
      "workflow": "diamond",
      "task": "Predict churn\n\nfrom our Postgres events",
      "selection": null,
      "status": "succeeded",
      "status_text": "complete without the optional step `speed`",
      "model": "openai:gpt-5-mini",
      "endpoint": {
        "provider": "openai",
        "origin": "https://api.example.com/v1",
        "dialect": "chat-completions"
      },
      "created_at": "2026-11-01T12:00:01Z",
      "updated_at": "2026-11-01T12:00:25Z",
      "active_ms": 22500,
      "calls": 3,
      "reused": 1,
      "usage": {
        "input": 1200,
        "output": 345,
        "cached": 0,
        "cache_write": 0,
        "reasoning": 0,
        "estimated": false
      },
      "lost_tokens": 9000,
      "cost": {
        "usd": 0.017576,
        "lost_usd": 0.016586,
        "unpriced_calls": 0
      },
      "not_recorded": [],
      "slowed": [],
      "steps": [
        {
          "step": "data",
          "flow": [],
          "persona": "data-engineer",
          "title": "Data Engineer",
          "choice": null,
          "needs": [],
          "optional": false,
          "state": "succeeded",
          "source": "call",
          "reused_from": null,
          "model": "openai:gpt-5-mini",
          "served_model": "gpt-5-mini",
          "fallbacks": [],
          "attempts": 2,
          "lost_attempts": 1,
          "usage": {
            "input": 1200,
            "output": 345,
            "cached": 0,
            "cache_write": 0,
            "reasoning": 0,
            "estimated": false
          },
          "cost_usd": 0.017576,
          "started_at": "2026-11-01T12:00:04Z",
          "ended_at": "2026-11-01T12:00:12Z",
          "skipped": null,
          "failure": null,
          "items": null,
          "instances": null,
          "approval": null,
          "degraded": [],
          "notes": [],
          "text": "## Sources\n\nPostgres.\n\n### Tables\n\n```sql\n# not a heading\nselect 1\n```",
          "brief": {
            "decisions": [
              {
                "id": "D1",
                "decision": "Use Postgres",
                "why": "it is there"
              }
            ],
            "figures": [
              {
                "name": "rows",
                "value": "4",
                "unit": "million/day",
                "basis": "given"
              }
            ],
            "risks": [
              "late # data"
            ]
          },
          "output": null,
          "repairs": 0,
          "review": null
        },
        {
          "step": "search",
          "flow": [],
          "persona": "elasticsearch-expert",
          "title": "Elasticsearch Expert",
          "choice": "`search` fits the task best: postgres, event",
          "needs": [
            "data"
          ],
          "optional": false,
          "state": "succeeded",
          "source": "reuse",
          "reused_from": {
            "run": "0191-older",
            "at": "2026-10-31T11:00:00Z"
          },
          "model": "openai:gpt-5-mini",
          "served_model": "gpt-5-mini",
          "fallbacks": [],
          "attempts": 0,
          "lost_attempts": 0,
          "usage": {
            "input": 0,
            "output": 0,
            "cached": 0,
            "cache_write": 0,
            "reasoning": 0,
            "estimated": false
          },
          "cost_usd": 0.0,
          "started_at": "2026-11-01T12:00:13Z",
          "ended_at": "2026-11-01T12:00:16Z",
          "skipped": null,
          "failure": null,
          "items": null,
          "instances": null,
          "approval": null,
          "degraded": [],
          "notes": [
            "handoff of `data` came as its brief"
          ],
          "text": "## Index\n\nOne.",
          "brief": null,
          "output": null,
          "repairs": 0,
          "review": null
        },
        {
          "step": "speed",
          "flow": [],
          "persona": "redis-caching",
          "title": "Redis and Caching",
          "choice": null,
          "needs": [
            "data"
          ],
          "optional": true,
          "state": "failed",
          "source": null,
          "reused_from": null,
          "model": "openai:gpt-5-mini",
          "served_model": null,
          "fallbacks": [],
          "attempts": 1,
          "lost_attempts": 0,
          "usage": {
            "input": 0,
            "output": 0,
            "cached": 0,
            "cache_write": 0,
            "reasoning": 0,
            "estimated": false
          },
          "cost_usd": 0.0,
          "started_at": "2026-11-01T12:00:18Z",
          "ended_at": "2026-11-01T12:00:22Z",
          "skipped": null,
          "failure": {
            "class": "refused",
            "message": "will not\nsay",
            "help": "ask otherwise",
            "not_before": null
          },
          "items": null,
          "instances": null,
          "approval": null,
          "degraded": [],
          "notes": [],
          "text": null,
          "brief": null,
          "output": null,
          "repairs": 0,
          "review": null
        },
        {
          "step": "summary",
          "flow": [],
          "persona": null,
          "title": null,
          "choice": null,
          "needs": [
            "search",
            "speed"
          ],
          "optional": false,
          "state": "succeeded",
          "source": "render",
          "reused_from": null,
          "model": null,
          "served_model": null,
          "fallbacks": [],
          "attempts": 0,
          "lost_attempts": 0,
          "usage": {
            "input": 0,
            "output": 0,
            "cached": 0,
            "cache_write": 0,
            "reasoning": 0,
            "estimated": false
          },
          "cost_usd": 0.0,
          "started_at": "2026-11-01T12:00:24Z",
          "ended_at": "2026-11-01T12:00:24Z",
          "skipped": null,
          "failure": null,
          "items": null,
          "instances": null,
          "approval": null,
          "degraded": [],
          "notes": [],
          "text": "All in all: one index.",
          "brief": null,
          "output": null,
          "repairs": 0,
          "review": null
        }
      ],
      "findings": [],
      "coverage": [
        {
          "from": "data",
          "to": "search",
          "handoffs": 1,
          "unread": 0,
          "kept": 0,
          "changed": 0,
          "not_mentioned": 2,
          "unchecked": 0,
          "entries": [
            {
              "kind": "decision",
              "id": "D1",
              "text": "Use Postgres",
              "finding": "not_mentioned"
            },
            {
              "kind": "figure",
              "id": null,
              "text": "rows: 4 million/day (given)",
              "finding": "not_mentioned"
            }
          ]
        }
      ],
      "outputs": {
        "report": "x"
      },
      "artifacts": []
    }
    "###);
    let failed = failed().report(json);
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["steps"][1]["failure"]["class"], "credentials");
    assert_eq!(failed["steps"][2]["text"], serde_json::Value::Null);
}
