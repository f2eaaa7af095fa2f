//! `orchestrate plan`.

use std::{fmt::Write as _, time::Duration};

use orchestrate_core::{
    budget::{Limits, Relief},
    money::Money,
    plan::{Action, InputKind, InputValue},
    request::ModelRef,
};
use orchestrate_engine::{
    config::ModelError,
    providers::ProviderError,
    session::{
        ApprovalForecast, Bounds, CostBounds, Foresight, Pinned, Repeats, RunOptions, RunSetup,
        SetupError, StepForecast, Workspace, bounds, cost_bounds, forecast, foresee,
        known_mistakes, unpaid,
    },
};
use orchestrate_report::words::{count, counted, duration, usd};
use orchestrate_workflow::Given;
use serde_json::{Map, Value, json};

use super::{common, inputs};
use crate::{
    cli::{ListFormat, PlanArguments},
    exit::{CliError, Exit, chain},
    terminal,
};

/// What a run would still need, with what to do about it.
enum Missing {
    Input(String),
    Model(String),
    Price(String),
    Room(String),
}

impl Missing {
    fn advice(&self) -> &str {
        match self {
            Self::Input(advice)
            | Self::Model(advice)
            | Self::Price(advice)
            | Self::Room(advice) => advice,
        }
    }
}

pub(super) fn plan(workspace: &Workspace, arguments: &PlanArguments) -> Result<Exit, CliError> {
    let workflow = RunSetup::find_workflow(workspace, &arguments.workflow)?;
    let mut given = inputs::given(workspace, &workflow, &arguments.inputs, false)?;
    let (mut missing, mut stand_ins) = (Vec::new(), Vec::new());
    let options = RunOptions {
        model: arguments.model.model.clone(),
        offline: arguments.model.offline,
        limits: common::limits(&arguments.caps),
        ..RunOptions::default()
    };
    let mut decided = RunSetup::decide(workspace, &workflow, &given, &options);
    // What a run would miss is part of the plan, not a reason to show none.
    if let Err(SetupError::Inputs(problems)) = &decided
        && problems.iter().all(orchestrate_workflow::InputProblem::is_missing)
    {
        let (plan, _, _) = RunSetup::compile(workspace, &workflow)?;
        for (name, spec) in plan.inputs() {
            if spec.required && !given.contains_key(name) {
                let how =
                    if name == "task" { "--task".to_owned() } else { format!("-i {name}=…") };
                missing.push(Missing::Input(format!("input `{name}`: give it with {how}")));
                stand_ins.push(name.clone());
                given.insert(name.clone(), Given::StandIn(stand_in(&spec.kind)));
            }
        }
        decided = RunSetup::decide(workspace, &workflow, &given, &options);
    }
    if let Err(SetupError::Provider(ProviderError::Model(error))) = &decided {
        let unset = matches!(
            error,
            ModelError::None | ModelError::NoKey { .. } | ModelError::NoAddress { .. }
        );
        if unset {
            let help =
                error.help().unwrap_or("give --model, or --offline for worksheets without a model");
            missing.push(Missing::Model(format!("{}: {help}", chain(error))));
            let offline = RunOptions { model: None, offline: true, ..options.clone() };
            decided = RunSetup::decide(workspace, &workflow, &given, &offline);
        }
    }
    if let Err(SetupError::Unpriced(models)) = &decided {
        missing.extend(models.iter().map(|model| {
            let help = format!("add [prices.\"{model}\"] to your config, or give --allow-unpriced");
            Missing::Price(format!("the price of {model}, since the cost is capped: {help}"))
        }));
        let limits = Limits { allow_unpriced: true, ..options.limits };
        let unpriced = RunOptions { limits, ..options };
        decided = RunSetup::decide(workspace, &workflow, &given, &unpriced);
    }
    let mut setup = decided?;
    let mistakes = known_mistakes(&setup, &workflow.source, &stand_ins);
    if !mistakes.is_empty() {
        return Err(setup.warnings.into_iter().chain(mistakes).collect::<Vec<_>>().into());
    }
    terminal::diagnostics(&setup.warnings);
    let too_long = setup.too_long.iter().filter(|found| found.is_certain);
    missing.extend(too_long.map(|found| Missing::Room(format!("room: {found}; {}", found.help()))));
    let mut steps = forecast(&setup);
    for step in &mut steps {
        // A list that is not given yet has no length.
        let named =
            |name: &String| step.flow.iter().any(|line| line.contains(&format!("inputs.{name}")));
        if step.repeats.is_some() && stand_ins.iter().any(named) {
            step.repeats = Some(Repeats::FoundAtRunTime);
        }
    }
    let foreseen = if missing.is_empty() {
        foresee(&workspace.home, &setup)?
    } else {
        // As long as the question is not whole, nobody can say that it was asked before.
        unforeseen(&setup)
    };
    let mut steps: Vec<Planned> = steps
        .into_iter()
        .zip(foreseen)
        .map(|(step, foresight)| Planned {
            bounds: bounds(&setup, &step, &foresight),
            cost: cost_bounds(&setup, &step, &foresight),
            forecast: step,
            foresight,
        })
        .collect();
    setup.inputs.retain(|name, _| !stand_ins.contains(name));
    if missing.iter().any(|missing| matches!(missing, Missing::Model(_))) {
        name_models(workspace, arguments, &setup, &mut steps);
    }
    let model_known = !missing.iter().any(|missing| matches!(missing, Missing::Model(_)));
    let missing: Vec<&str> = missing.iter().map(Missing::advice).collect();
    match arguments.format {
        ListFormat::Json => terminal::out_json(&as_json(&setup, &steps, &missing, model_known)),
        ListFormat::Text => {
            terminal::out(&terminal::fitted(&as_text(&setup, &steps, &missing, model_known)));
        }
    }
    Ok(Exit::Ok)
}

/// Names the models of a plan that could only be made offline, since a key or another model is missing.
fn name_models(
    workspace: &Workspace,
    arguments: &PlanArguments,
    setup: &RunSetup,
    steps: &mut [Planned],
) {
    let flag = arguments.model.model.as_deref();
    for (planned, step) in steps.iter_mut().zip(setup.plan.steps()) {
        if let Action::Persona(action) = &step.action
            && let Ok((chain, _)) = workspace.config.chain_of(flag, action.model.as_deref())
        {
            planned.forecast.model = Some(chain.model);
            planned.forecast.fallbacks = chain.fallbacks;
        }
    }
}

/// Whether a step's model stands only for the one that is missing.
fn is_stand_in(model: &ModelRef, model_known: bool) -> bool {
    !model_known && model.provider == "offline"
}

/// One step of the plan: what it will do, and what becomes of it before anything is sent.
struct Planned {
    forecast: StepForecast,
    foresight: Foresight,
    /// Requests, and tokens.
    bounds: (Bounds, Bounds),
    /// Money; none where the price is not known.
    cost: Option<CostBounds>,
}

impl std::ops::Deref for Planned {
    type Target = StepForecast;

    fn deref(&self) -> &StepForecast {
        &self.forecast
    }
}

fn unforeseen(setup: &RunSetup) -> Vec<Foresight> {
    unpaid(&setup.plan)
}

/// A value of the right kind, so that the rest of the plan can be shown.
fn stand_in(kind: &InputKind) -> InputValue {
    let unknown = || NOT_GIVEN.to_owned();
    match kind {
        InputKind::String => InputValue::String(unknown()),
        InputKind::Integer => InputValue::Integer(0),
        InputKind::Number => InputValue::Number(0.0),
        InputKind::Boolean => InputValue::Boolean(false),
        InputKind::Enum(words) => InputValue::Enum(words.first().cloned().unwrap_or_default()),
        InputKind::File => InputValue::File { name: unknown(), text: unknown() },
        InputKind::List(items) => InputValue::List(vec![stand_in(items)]),
        InputKind::Object(schema) => InputValue::Object(members(schema.as_ref())),
    }
}

/// What stands for a text that is not known yet.
const NOT_GIVEN: &str = "(not given yet)";

/// The properties that a schema names, as far as prompts can speak of them.
fn members(schema: Option<&Value>) -> Map<String, Value> {
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    let member = |(name, schema): (&String, &Value)| {
        let value = match schema["type"].as_str() {
            Some("object") => Value::Object(members(Some(schema))),
            Some("array") => Value::Array(Vec::new()),
            Some("integer" | "number") => Value::from(0),
            Some("boolean") => Value::from(false),
            _ => Value::from(NOT_GIVEN),
        };
        (name.clone(), value)
    };
    properties.into_iter().flatten().map(member).collect()
}

/// What comes on top of the prompt: ` + handoffs of data, model`, and inputs that a call brings.
fn brought(handoffs: &[String]) -> String {
    let (inputs, steps): (Vec<&str>, Vec<&str>) =
        handoffs.iter().map(String::as_str).partition(|name| name.starts_with("inputs."));
    let mut text = String::new();
    if !steps.is_empty() {
        let _ = write!(text, " + handoffs of {}", steps.join(", "));
    }
    if !inputs.is_empty() {
        let _ = write!(text, " + {}", inputs.join(", "));
    }
    text
}

/// `4 at a time`, or with how many it begins.
fn at_a_time(setup: &RunSetup) -> String {
    match setup.at_first.filter(|_| !setup.offline) {
        Some(first) => format!("{first} at a time at first, up to {}", setup.concurrency),
        None => format!("{} at a time", setup.concurrency),
    }
}

fn as_text(setup: &RunSetup, steps: &[Planned], missing: &[&str], model_known: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} — {}, {}{}",
        setup.plan.workflow(),
        counted(steps.len() as u64, "step", "steps"),
        at_a_time(setup),
        if setup.offline && model_known { ", offline: no model is called" } else { "" },
    );
    if let Some(summary) = setup.plan.summary() {
        let _ = writeln!(text, "{summary}");
    }
    let width = |of: &dyn Fn(&StepForecast) -> usize| {
        steps.iter().map(|step| of(step)).max().unwrap_or_default()
    };
    let (id, persona) = (
        width(&|step| step.step.as_str().chars().count()),
        width(&|step| persona(step).chars().count()),
    );
    let some_reused = steps.iter().any(|step| matches!(step.foresight, Foresight::Reused(_)));
    let mut stage = 0;
    let mut ordered: Vec<&Planned> = steps.iter().collect();
    ordered.sort_by_key(|step| step.stage);
    for step in ordered {
        if step.stage != stage {
            stage = step.stage;
            let _ = writeln!(text, "\nStage {stage}");
        }
        let model = match &step.model {
            Some(model) if !is_stand_in(model, model_known) => {
                let others = step.fallbacks.iter().map(|other| format!(", then {other}"));
                format!("{model}{}", others.collect::<String>())
            }
            Some(_) => "no model yet".into(),
            None => match step.approval {
                Some(ApprovalForecast { expires_ms: Some(millis) }) => {
                    format!("a person decides within {}", duration(Duration::from_millis(millis)))
                }
                Some(ApprovalForecast { expires_ms: None }) => "a person decides".into(),
                None => "no model needed".into(),
            },
        };
        let _ =
            write!(text, "  {:id$}  {:persona$}  {model}", step.step.as_str(), self::persona(step));
        if step.model.is_some() {
            let _ = write!(text, "  ≈{} tokens", count(step.prompt_tokens));
        }
        if let Some(cost) = priced(step, model_known) {
            let _ = write!(text, "  {}", cost_range(cost));
        }
        if step.handoff_tokens > 0 && step.model.is_some() {
            text.push_str(&brought(&step.handoffs));
        }
        if step.optional {
            text.push_str("  (optional)");
        }
        text.push('\n');
        if let Some((by, rounds)) = &step.review {
            let rounds = counted(u64::from(*rounds), "round", "rounds");
            let _ = writeln!(text, "  {:id$}  └ reviewed by {}, up to {rounds}", "", by.join(", "));
        }
        if let Some(attempts) = step.attempts {
            let told = match attempts {
                1 => "no call is tried again".to_owned(),
                several => format!("each call is tried up to {several} times"),
            };
            let _ = writeln!(text, "  {:id$}  └ {told}", "");
        }
        if let Some(choice) = &step.choice {
            let _ = writeln!(text, "  {:id$}  └ {choice}", "");
        }
        for line in &step.flow {
            let _ = writeln!(text, "  {:id$}  └ {line}", "");
        }
        match step.repeats {
            None => {}
            Some(Repeats::Times(times)) => {
                let times = counted(times as u64, "time", "times");
                let _ = writeln!(text, "  {:id$}  └ runs {times}", "");
            }
            Some(Repeats::FoundAtRunTime) => {
                let _ = writeln!(text, "  {:id$}  └ the number of items is found at run time", "");
            }
        }
        if step.warms_first && model_known {
            let told = "the first goes alone: the others find its beginning in the cache";
            let _ = writeln!(text, "  {:id$}  └ {told}", "");
        }
        match &step.foresight {
            Foresight::Reused(origin) => {
                let run = origin.run.as_str();
                let short = &run[run.len().saturating_sub(8)..];
                let _ = writeln!(text, "  {:id$}  └ answered: paid for in run …{short}", "");
            }
            Foresight::Open if some_reused => {
                let told = "answered where the handoffs come out as before";
                let _ = writeln!(text, "  {:id$}  └ {told}", "");
            }
            _ => {}
        }
    }
    let prompts: u64 =
        steps.iter().map(|step| step.prompt_tokens.saturating_mul(times(step))).sum();
    let called = || steps.iter().filter(|step| step.model.is_some());
    let calls: u64 = called().map(|step| times(step)).sum();
    let at_run_time = called().any(|step| step.repeats == Some(Repeats::FoundAtRunTime));
    let conditional = setup.plan.steps().iter().any(|step| step.flow.condition.is_some());
    let calls = if setup.offline && model_known {
        "no calls".to_owned()
    } else {
        let most: u64 = steps.iter().map(|step| step.most_calls.saturating_mul(times(step))).sum();
        let told = counted(calls, "call", "calls");
        let told = match (conditional, most > calls) {
            (true, true) => format!("up to {}", counted(most, "call", "calls")),
            (true, false) => format!("up to {told}"),
            (false, true) => format!("{told}, up to {}", count(most)),
            (false, false) => told,
        };
        if at_run_time { format!("{told} and those for items found at run time") } else { told }
    };
    let _ = writeln!(text, "\n{calls}, ≈{} tokens of prompts before handoffs", count(prompts));
    if !(setup.offline && model_known) {
        let (calls, tokens) = totals(steps);
        let _ = writeln!(
            text,
            "in all {} calls and {} tokens; repeats after failures come on top",
            range(calls, ""),
            range(tokens, "≈")
        );
        if model_known {
            let _ = writeln!(text, "{}", cost_line(steps));
        }
    }
    for (what, cap) in [("calls", setup.limits.max_calls), ("tokens", setup.limits.max_tokens)] {
        if let Some(cap) = cap {
            let _ = writeln!(text, "at most {} {what}", count(cap));
        }
    }
    if let Some(cap) = setup.limits.max_cost {
        let _ = writeln!(text, "at most {cap}");
    }
    if let Some(millis) = setup.limits.max_wall_ms {
        let _ =
            writeln!(text, "at most {} of running time", duration(Duration::from_millis(millis)));
    }
    if let Some(ladder) = ladder(setup) {
        let _ = writeln!(text, "{ladder}");
    }
    if missing.is_empty() {
        text.push_str("nothing is missing\n");
    } else {
        text.push_str("\nMissing\n");
        for line in missing {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// What happens to a call that the budget does not cover, where the workflow wants anything tried.
fn ladder(setup: &RunSetup) -> Option<String> {
    let mut rungs: Vec<String> = Vec::new();
    for relief in &setup.plan.budget().on_reached {
        match (relief, &setup.cheaper) {
            (Relief::Brief, _) => rungs.push("briefs of documents".to_owned()),
            (Relief::Cheaper, Some(model)) => rungs.push(format!("{model} if cheaper")),
            (Relief::Cheaper, None) => {}
            (Relief::SkipOptional, _) => rungs.push("without it if optional".to_owned()),
        }
    }
    if rungs.is_empty() {
        return None;
    }
    rungs.push("stop".to_owned());
    Some(format!("what is not covered: {}", rungs.join(", then ")))
}

/// How often a step runs, as far as that is known before the run.
fn times(step: &StepForecast) -> u64 {
    match step.repeats {
        None => 1,
        Some(Repeats::Times(times)) => times as u64,
        Some(Repeats::FoundAtRunTime) => 0,
    }
}

/// Requests and tokens of all steps.
fn totals(steps: &[Planned]) -> (Bounds, Bounds) {
    steps.iter().fold(<_>::default(), |(calls, tokens): (Bounds, Bounds), step| {
        (calls.plus(step.bounds.0), tokens.plus(step.bounds.1))
    })
}

/// What a step costs, where that is worth a word: somebody is paid, and it is known how much.
fn priced(step: &Planned, model_known: bool) -> Option<CostBounds> {
    step.cost.filter(|cost| model_known && cost.at_most > Money::ZERO)
}

/// Models whose price is not known, of steps that may ask them.
fn unpriced(steps: &[Planned]) -> Vec<&ModelRef> {
    let unknown = steps.iter().filter(|step| step.cost.is_none());
    let mut models: Vec<&ModelRef> = unknown.filter_map(|step| step.model.as_ref()).collect();
    models.sort_unstable();
    models.dedup();
    models
}

fn total_cost(steps: &[Planned]) -> CostBounds {
    let known = steps.iter().filter_map(|step| step.cost);
    known.fold(CostBounds::default(), CostBounds::plus)
}

fn cost_line(steps: &[Planned]) -> String {
    let unknown = unpriced(steps);
    let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    let cost = total_cost(steps);
    match (names.is_empty(), cost.at_most > Money::ZERO) {
        (true, _) => format!("cost {}", cost_range(cost)),
        (false, true) => {
            format!("cost {}, without {}: no price is known", cost_range(cost), names.join(", "))
        }
        (false, false) => format!("cost not known: no price of {} is known", names.join(", ")),
    }
}

fn cost_range(CostBounds { at_least, at_most }: CostBounds) -> String {
    if at_least == at_most {
        format!("≈{at_most}")
    } else {
        format!("≈{at_least} to ≈{at_most}")
    }
}

fn cost_json(cost: CostBounds) -> Value {
    json!({ "at_least_usd": usd(cost.at_least), "at_most_usd": usd(cost.at_most) })
}

/// The caps as people give them: money in dollars.
fn limits_json(limits: &Limits) -> Value {
    let mut told = json!(limits);
    if let (Some(members), Some(cap)) = (told.as_object_mut(), limits.max_cost) {
        members.remove("max_cost");
        members.insert("max_usd".to_owned(), Value::from(usd(cap)));
    }
    told
}

fn range(Bounds { at_least, at_most }: Bounds, sign: &str) -> String {
    if at_least == at_most {
        format!("{sign}{}", count(at_most))
    } else {
        format!("{sign}{} to {sign}{}", count(at_least), count(at_most))
    }
}

fn bounds_json(bounds: Bounds) -> Value {
    json!({ "at_least": bounds.at_least, "at_most": bounds.at_most })
}

fn persona(step: &StepForecast) -> String {
    match step.personas.as_slice() {
        [] => "—".into(),
        several => several.join(" | "),
    }
}

fn as_json(setup: &RunSetup, steps: &[Planned], missing: &[&str], model_known: bool) -> Value {
    let (calls, tokens) = totals(steps);
    let planned = steps;
    let pinned = missing.is_empty().then(|| Pinned::of(setup));
    let steps: Vec<_> = steps
        .iter()
        .map(|step| {
            json!({
                "step": step.step,
                "stage": step.stage,
                "personas": step.personas,
                "choice": step.choice,
                "model": step.model.as_ref().filter(|model| !is_stand_in(model, model_known)),
                "fallbacks": step.fallbacks,
                "prompt_tokens": step.prompt_tokens,
                "needs": step.needs,
                "handoffs": step.handoffs,
                "handoff_tokens_at_most": step.handoff_tokens,
                "calls_at_most": step.most_calls,
                "attempts_at_most": step.attempts,
                "review": step.review.as_ref().map(|(by, rounds)| json!({ "by": by, "rounds": rounds })),
                "optional": step.optional,
                "flow": step.flow,
                "times": match step.repeats {
                    None => Value::from(1),
                    Some(Repeats::Times(times)) => Value::from(times),
                    Some(Repeats::FoundAtRunTime) => Value::Null,
                },
                "warm_first": step.warms_first,
                "foreseen": step.foresight.as_str(),
                "reused_from": match &step.foresight {
                    Foresight::Reused(origin) => json!({ "run": origin.run, "at": origin.at }),
                    _ => Value::Null,
                },
                "calls": bounds_json(step.bounds.0),
                "tokens": bounds_json(step.bounds.1),
                "cost": step.cost.filter(|_| model_known).map(cost_json),
                "approval": step.approval.map(|told| json!({ "expires_ms": told.expires_ms })),
            })
        })
        .collect();
    json!({
        "schema": "orchestrate/plan/1",
        "workflow": setup.plan.workflow(),
        "offline": setup.offline && model_known,
        "concurrency": setup.concurrency,
        "at_first": setup.at_first,
        "fallbacks": setup.fallbacks,
        "limits": limits_json(&setup.limits),
        "on_reached": setup.plan.budget().on_reached,
        "cheaper": setup.cheaper,
        "inputs": setup.inputs.iter().map(|(name, value)| (name.clone(), value.to_json())).collect::<Map<_, _>>(),
        "steps": steps,
        "calls": bounds_json(calls),
        "tokens": bounds_json(tokens),
        "cost": model_known.then(|| cost_json(total_cost(planned))),
        "unpriced": if model_known { unpriced(planned) } else { Vec::new() },
        "pinned": pinned,
        "missing": missing,
    })
}
