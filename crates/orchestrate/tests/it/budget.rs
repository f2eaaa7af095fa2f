//! Budgets in money and time, the prices they are counted by, and what runs cost.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use orchestrate_core::money::Money;
use orchestrate_testkit::{
    behaviour,
    reply::{Answer, Reply},
    server::SeenRequest,
};
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    kills::{Draw, Trap, WORKFLOW},
    support::{Place, Server, TASK},
};

const MAIN_JOB: [&str; 6] = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m"];

/// Two dollars for a million tokens of prompts and eight for answers.
const PRICES: &str = "[prices.\"openai:m\"]\ninput = 2\noutput = 8\n";
const INPUT: u64 = 2_000_000;
const OUTPUT: u64 = 8_000_000;

/// A server that counts what it is asked, whatever becomes of its answers, in units of 10⁻¹² dollars. An
/// answer uses up half of the tokens that it may have.
fn counting(counted: &Arc<AtomicU64>, asked: impl Fn() + Send + Sync + 'static) -> Server {
    let counted = Arc::clone(counted);
    Server::start(move |request| {
        asked();
        let most = request.json["max_completion_tokens"].as_u64();
        let usage = (request.body.len() as u64 / 3, most.map_or(300, |most| most / 2));
        counted.fetch_add(usage.0 * INPUT + usage.1 * OUTPUT, Ordering::SeqCst);
        answer(request, usage)
    })
}

fn answer(request: &SeenRequest, usage: (u64, u64)) -> Reply {
    let text = behaviour::echo_text(request);
    Answer { usage: Some(usage), model: request.model().to_owned(), ..Answer::new(text) }
        .reply_to(request)
}

fn dollars(counted: &AtomicU64) -> Money {
    Money::from_picodollars(counted.load(Ordering::SeqCst))
}

#[test]
fn a_cap_on_cost_ends_with_8_keeps_what_is_finished_and_a_larger_one_goes_on() {
    let counted = Arc::default();
    let server = counting(&counted, || ());
    let place = Place::beside(&server);
    place.configure(PRICES);
    let capped = place.run(&[&MAIN_JOB[..], &["--budget", "usd=0.15"]].concat());
    assert_eq!(capped.code, Some(8), "{}", capped.stderr);
    let cap: Money = "0.15".parse().unwrap();
    assert!(dollars(&counted) > Money::ZERO && dollars(&counted) <= cap, "{}", dollars(&counted));
    let said = &capped.stderr;
    assert!(said.contains("status  failed: the cap on cost was reached: step `"), "{said}");
    assert!(said.contains(&format!("cost    {} of $0.1500", dollars(&counted))), "{said}");
    assert!(said.contains(" --budget usd=0."), "{said}");
    assert!(capped.stdout.contains("# Echo "), "what is finished is the result: {}", capped.stdout);
    let shown = place.json(&["runs", "show", "--format", "json"]);
    let told = shown["cost"]["usd"].as_f64().unwrap();
    assert!((told - dollars(&counted).exact().parse::<f64>().unwrap()).abs() < 1e-9, "{told}");

    let still = place.run(&["resume"]);
    assert_eq!(still.code, Some(8), "{}", still.stderr);
    let resumed = place.run(&["resume", "--budget", "usd=5"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(server.count(), 5);
}

#[test]
fn the_stricter_of_workflow_config_and_command_line_holds() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.configure(&format!("{PRICES}[defaults]\nbudget = {{ calls = 3, wall = \"2h\" }}\n"));
    place.write(
        "w.yaml",
        "workflow: w\nbudget: { usd: 0.5, calls: 9 }\nsteps: { a: { persona: data-engineer, prompt: x } }\n",
    );
    place.write("orchestrate.toml", "[defaults]\nbudget = { wall = \"1h\" }\n");
    let plan = place.json(&[
        "plan",
        "w.yaml",
        "-m",
        "openai:m",
        "--budget",
        "usd=2,tokens=90000",
        "--format",
        "json",
    ]);
    assert_eq!(
        plan["limits"],
        serde_json::json!({
            "max_calls": 3, "max_tokens": 90_000, "max_usd": 0.5, "max_wall_ms": 3_600_000,
        })
    );
    assert_eq!(plan["unpriced"], serde_json::json!([]));
    let (least, most) = (&plan["cost"]["at_least_usd"], &plan["cost"]["at_most_usd"]);
    assert!(least.as_f64() > Some(0.0) && most.as_f64() > least.as_f64(), "{}", plan["cost"]);
    let text = place.good(&["plan", "w.yaml", "-m", "openai:m"]);
    assert!(text.contains("\ncost ≈$0.") && text.contains("\nat most $0.5000\n"), "{text}");
}

#[test]
fn a_model_without_a_price_is_refused_under_a_cap_on_cost_before_anything_is_sent() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w\nsteps:\n  a: { persona: data-engineer, prompt: x }\n  b: { persona: data-engineer, model: openai:other, prompt: y }\n",
    );
    let run = ["run", "w.yaml", "-m", "openai:m", "--budget", "usd=1"];
    let plain = ["run", "w.yaml", "--budget", "usd=1"];
    let place = place.with("ORCHESTRATE_MODEL", "openai:m");
    insta::assert_snapshot!(place.refused(&plain), @r#"
    exit 3
    error: the price of `openai:m`, `openai:other` is not known, and the cost of the run is capped
    help: add [prices."openai:m"], [prices."openai:other"] with `input` and `output` in dollars for a million tokens to your config, or `like = "openai:gpt-5-mini"` for one that costs the same
    help: bring a newer table with `orchestrate models prices --update FILE`
    help: or give --allow-unpriced: such calls are sent and count as nothing
    "#);
    assert_eq!(server.count(), 0);
    let foreseen = place.good(&["plan", "w.yaml", "-m", "openai:m", "--budget", "usd=1"]);
    assert!(foreseen.contains("the price of openai:m, since the cost is capped"), "{foreseen}");
    let allowed = place.run(&[&run[..], &["--allow-unpriced", "--max-calls", "1"]].concat());
    assert_eq!((allowed.code, server.count()), (Some(8), 1), "{}", allowed.stderr);
    assert!(
        allowed.stderr.contains("; without 1 call whose price is not known"),
        "{}",
        allowed.stderr
    );
    // What was allowed once holds for the run.
    let resumed = place.run(&["resume", "--max-calls", "9"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
}

#[test]
fn optional_steps_are_left_out_where_the_workflow_says_so() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w\nbudget: { calls: 1, on_reached: skip-optional }\nsteps:\n  a: { persona: data-engineer, prompt: x }\n  extra: { persona: mlops-engineer, needs: a, optional: true, prompt: y }\n",
    );
    let run = place.run(&["run", "w.yaml", "-m", "openai:m"]);
    assert_eq!((run.code, server.count()), (Some(0), 1), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("without extra: not covered by the budget: all calls of the budget are made"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("complete without the optional step `extra`"), "{}", run.stderr);
}

#[test]
fn time_that_is_over_ends_with_9() {
    let server = Server::start(|_| {
        Reply::error(429, "rate_limit_exceeded", "slow down").header("retry-after", "60")
    });
    let place = Place::beside(&server);
    let over = place.run(&[&MAIN_JOB[..], &["--budget", "wall=1s"]].concat());
    assert_eq!((over.code, server.count()), (Some(9), 1), "{}", over.stderr);
    assert!(
        over.stderr.contains("status  failed: its time is over: 1.0 s allowed"),
        "{}",
        over.stderr
    );
    assert!(over.stderr.contains(" --budget wall=N with a higher cap"), "{}", over.stderr);
    let still = place.run(&["resume"]);
    assert_eq!((still.code, server.count()), (Some(9), 1), "{}", still.stderr);
}

#[test]
fn twenty_kills_never_spend_more_than_the_cap() {
    const KILLS: u64 = 20;
    let (trap, counted) = (Trap::default(), Arc::default());
    let sprung = trap.clone();
    let server = counting(&counted, move || sprung.spring());
    let cap: Money = "0.9".parse().unwrap();
    let run = ["run", "twelve", "-t", "t", "-m", "openai:m", "--budget", "usd=0.9"];
    let mut draw = Draw(0x2545_f491_4f6c_dd1d);
    let (mut kills, mut rounds, mut capped) = (0, 0, 0);
    while kills < KILLS {
        rounds += 1;
        assert!(rounds <= 30, "the traps do not spring: {kills} kills");
        let place = Place::beside(&server);
        place.configure(PRICES);
        place.write("workflows/twelve.yaml", WORKFLOW);
        counted.store(0, Ordering::SeqCst);
        let mut arguments: &[&str] = &run;
        let mut kills_here = 0;
        loop {
            let mut running = place.start(arguments);
            if kills_here < 4 {
                if draw.below(3) > 0 {
                    trap.set(&running, 1 + draw.below(5));
                } else {
                    running.hear_lines(1 + draw.below(8));
                    running.signal_if_running(Signal::KILL);
                }
            }
            let outcome = running.finish();
            assert!(dollars(&counted) <= cap, "{} paid", dollars(&counted).exact());
            if outcome.code.is_some() {
                assert!(matches!(outcome.code, Some(0 | 8)), "{}", outcome.stderr);
                capped += u64::from(outcome.code == Some(8));
                break;
            }
            kills += 1;
            kills_here += 1;
            arguments = if place.has_runs_with_events() { &["resume"] } else { &run };
        }
        let shown = place.json(&["runs", "show", "--format", "json"]);
        let told: Money = shown["cost"]["usd"].to_string().parse().unwrap();
        assert!(told >= dollars(&counted) && told <= cap, "{told} told");
    }
    assert!(capped > 0, "no run came near its cap");
}

#[test]
fn prices_are_shown_brought_and_overridden_by_the_user_alone() {
    let place = Place::new();
    let known = |place: &Place, model: &str| -> Value {
        let all = place.json(&["models", "prices", model, "--format", "json"]);
        let rows = all["prices"].as_array().expect("a list").clone();
        rows.into_iter().find(|row| row["model"] == model).unwrap_or_default()
    };
    let built_in = known(&place, "openai:gpt-5");
    assert_eq!(
        (&built_in["price"]["input"], &built_in["origin"]),
        (&1.25.into(), &"built-in".into())
    );
    place.write(
        "theirs.json",
        r#"{ "gpt-5": { "litellm_provider": "openai", "mode": "chat",
            "input_cost_per_token": 3e-6, "output_cost_per_token": 1.2e-5 } }"#,
    );
    let wrote = place.good(&["models", "prices", "--update", "theirs.json"]);
    assert!(wrote.contains("prices.toml: 1 price of 2"), "{wrote}");
    let brought = known(&place, "openai:gpt-5");
    assert_eq!((&brought["price"]["input"], &brought["origin"]), (&3.0.into(), &"brought".into()));
    place.configure(
        "[models]\ndefault = \"lab:big\"\nfast = \"openai:gpt-5-2025-08-07\"\n[providers.lab]\nbase_url = \"https://lab.example/v1\"\n\
         [prices.\"openai:gpt-5\"]\ninput = 7\noutput = 8\n[prices.\"lab:*\"]\nlike = \"openai:gpt-5-mini\"\n",
    );
    assert_eq!(known(&place, "openai:gpt-5")["origin"], "config");
    let listed = place.json(&["models", "list", "--format", "json"]);
    assert_eq!(listed["models"][0]["known"]["price"]["input"], 0.25);
    assert_eq!(listed["models"][1]["known"]["price"]["input"], 7.0);
    let text = place.good(&["models", "list"]);
    assert!(text.contains("lab:big") && text.contains("your config"), "{text}");
    place.write("orchestrate.toml", "[prices.\"openai:gpt-5\"]\ninput = 0\noutput = 0\n");
    let refused = place.refused(&["models", "list"]);
    assert!(refused.contains("a project cannot name prices"), "{refused}");
}

#[test]
fn a_table_that_is_none_is_refused_and_changes_nothing() {
    let place = Place::new();
    place.write("x.json", "{}");
    let refused = place.refused(&["models", "prices", "--update", "x.json"]);
    assert!(
        refused.contains("neither a list of prices of this program nor one of LiteLLM"),
        "{refused}"
    );
    place.write("x.toml", "date = \"2026-01-31\"\nsource = \"us\"\n[prices.\"a:b\"]\ninput = 1\n");
    let refused = place.refused(&["models", "prices", "--update", "x.toml"]);
    assert!(refused.contains("prices of `a:b`: `output` is missing"), "{refused}");
    place.good(&["models", "list"]);
}

#[test]
fn what_runs_cost_is_added_up_by_persona_model_and_day() {
    let counted = Arc::default();
    let server = counting(&counted, || ());
    let place = Place::beside(&server);
    place.configure(PRICES);
    place.good(&MAIN_JOB);
    // What is used again is not charged again.
    place.good(&MAIN_JOB);
    let told = place.json(&["runs", "cost", "--format", "json"]);
    let usd = |value: &Value| value["usd"].to_string().parse::<Money>().unwrap();
    assert_eq!(usd(&told["total"]), dollars(&counted));
    assert_eq!((&told["runs"], &told["total"]["calls"]), (&1.into(), &5.into()));
    for by in ["by_persona", "by_model", "by_day"] {
        let list = told[by].as_array().expect("a list");
        assert_eq!(list.iter().map(usd).sum::<Money>(), dollars(&counted), "{by}");
    }
    assert_eq!(told["by_persona"].as_array().map(Vec::len), Some(5));
    let text = place.good(&["runs", "cost"]);
    assert!(text.contains("by persona\n") && text.contains("in all $0."), "{text}");
    let csv = place.good(&["runs", "cost", "--by", "model", "--format", "csv"]);
    assert!(csv.starts_with("by,name,usd,calls,"), "{csv}");
    assert!(csv.lines().nth(1).is_some_and(|line| line.starts_with("model,openai:m,0.")), "{csv}");
    let later = place.json(&["runs", "cost", "--since", "2999-01-01", "--format", "json"]);
    assert_eq!(later["total"]["calls"], 0);
    let wrong = place.run(&["runs", "cost", "--since", "soon"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
}

/// A first step whose document is long, and one that gets it.
const LADDER: &str = "\
workflow: w
defaults: { max_output_tokens: 1000 }
budget: { usd: BUDGET, on_reached: [brief, cheaper] }
steps:
  a: { persona: data-engineer, prompt: The first. }
  b: { persona: mlops-engineer, needs: a, prompt: The second. }
";

/// The echo, with eight thousand words in the document of the first step.
fn wordy(request: &SeenRequest) -> Reply {
    let mut text = behaviour::echo_text(request);
    if request.message("user").ends_with("The first.") {
        text = format!("{}\n\n{text}", "word ".repeat(8_000));
    }
    let usage = Some((2_000, 500));
    Answer { usage, model: request.model().to_owned(), ..Answer::new(text) }.reply_to(request)
}

#[test]
fn a_call_that_is_not_covered_gets_briefs_then_a_cheaper_model_and_then_the_run_stops() {
    let fast =
        "[models]\nfast = \"openai:small\"\n[prices.\"openai:small\"]\ninput = 0.5\noutput = 2\n";
    let run = ["run", "w.yaml", "-m", "openai:m", "--output", "out", "--record", "tape"];
    // The first call is settled at 0.008; the second needs about 0.04 whole, and 0.016 with the brief.
    for (budget, code, whole, model, degraded) in [
        ("0.9", 0, true, "m", &[][..]),
        ("0.035", 0, false, "m", &["brief"][..]),
        ("0.018", 0, false, "small", &["brief", "cheaper"][..]),
    ] {
        let server = Server::start(wordy);
        let place = Place::beside(&server);
        place.configure(&format!("{fast}{PRICES}"));
        place.write("w.yaml", LADDER.replace("BUDGET", budget));
        let planned = place.good(&["plan", "w.yaml", "-m", "openai:m"]);
        assert!(
            planned.contains(
                "what is not covered: briefs of documents, then openai:small if cheaper, then stop\n"
            ),
            "{planned}"
        );
        let outcome = place.run(&run);
        assert_eq!(outcome.code, Some(code), "{budget}: {}", outcome.stderr);
        let sent = server.requests();
        let second = sent.iter().find(|seen| seen.message("user").ends_with("The second."));
        let second = second.expect("it was asked");
        assert_eq!(second.message("user").contains("word word"), whole, "{budget}");
        assert_eq!(second.model(), model, "{budget}");
        let shown = place.json(&["runs", "show", "--format", "json"]);
        assert_eq!(shown["steps"][1]["degraded"], serde_json::json!(degraded), "{budget}");
        let paid: Money = shown["cost"]["usd"].to_string().parse().unwrap();
        assert!(paid <= budget.parse().unwrap(), "{paid}");
        let (text, report) = (place.good(&["runs", "show"]), place.read("out/report.md"));
        for (relief, line, note) in [
            (
                "brief",
                "less    b  the budget does not cover it: documents come as their briefs",
                "`a` came as its brief: the budget does not cover",
            ),
            (
                "cheaper",
                "less    b  the budget does not cover it: openai:small is asked",
                "`openai:small` was asked, not `openai:m`",
            ),
        ] {
            let is_told = degraded.contains(&relief);
            assert_eq!(outcome.stderr.contains(line), is_told, "{budget}: {}", outcome.stderr);
            assert_eq!(text.contains(note), is_told, "{budget}: {text}");
            assert_eq!(report.contains(note), is_told, "{budget}: {report}");
        }
        let closing = "less    1 step with briefs or a cheaper model, for the budget: b\n";
        assert_eq!(outcome.stderr.contains(closing), !whole, "{budget}: {}", outcome.stderr);
        // A replay spends nothing and takes the form that was recorded.
        let replay = ["run", "w.yaml", "-m", "openai:m", "--replay", "tape"];
        let replayed = place.run(&replay);
        assert_eq!((replayed.code, server.count()), (Some(0), 2), "{}", replayed.stderr);
        let shown = place.json(&["runs", "show", "--format", "json"]);
        assert_eq!(shown["steps"][1]["degraded"], serde_json::json!(degraded), "{budget}");
    }
}

#[test]
fn a_degraded_run_that_stops_makes_the_call_whole_with_a_larger_budget() {
    let server = Server::start(wordy);
    let place = Place::beside(&server);
    place.configure(PRICES);
    place.write("w.yaml", LADDER.replace("BUDGET", "0.0175"));
    let stopped = place.run(&["run", "w.yaml", "-m", "openai:m"]);
    assert_eq!((stopped.code, server.count()), (Some(8), 1), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("warning[no-cheaper-model]: `on_reached: cheaper` does nothing here: no alias `fast` names a model"),
        "{}",
        stopped.stderr
    );
    let resumed = place.run(&["resume", "--budget", "usd=1"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 2), "{}", resumed.stderr);
    assert!(server.requests()[1].message("user").contains("word word"));
    let shown = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(shown["steps"][1]["degraded"], serde_json::json!([]));
}
