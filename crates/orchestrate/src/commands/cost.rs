//! `orchestrate runs cost`: what was charged, added up from the journals.

use std::{collections::BTreeMap, fmt::Write as _};

use orchestrate_core::{
    charge::{Charge, Charges, Used},
    money::Money,
};
use orchestrate_engine::session::{RunRecord, Workspace, find_run, list_runs};
use orchestrate_report::words::{count, counted, short_count, time, usd};
use serde_json::{Value, json};

use crate::{
    cli::{CostArguments, CostBy, CostFormat},
    exit::{CliError, Exit, chain},
    terminal,
};

/// What was charged for something.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    calls: u64,
    input: u64,
    output: u64,
    /// Tokens of attempts whose usage is not known, at most.
    lost_tokens: u64,
    cost: Money,
    unpriced: u64,
}

impl Sum {
    fn add(&mut self, charge: &Charge) {
        self.calls += 1;
        match charge.used {
            Used::Known(usage) => {
                self.input = self.input.saturating_add(usage.input);
                self.output = self.output.saturating_add(usage.output);
            }
            Used::AtMost(tokens) => self.lost_tokens = self.lost_tokens.saturating_add(tokens),
        }
        match charge.cost {
            Some(cost) => self.cost += cost,
            None => self.unpriced += 1,
        }
    }

    fn json(&self) -> Value {
        json!({
            "usd": usd(self.cost),
            "calls": self.calls,
            "unpriced_calls": self.unpriced,
            "input": self.input,
            "output": self.output,
            "lost_tokens": self.lost_tokens,
        })
    }
}

/// Sums by name.
type Sums = BTreeMap<String, Sum>;

pub(super) fn cost(workspace: &Workspace, arguments: &CostArguments) -> Result<Exit, CliError> {
    if let Some(since) = arguments.since.as_deref().filter(|since| !is_day(since)) {
        return Err(CliError::new(Exit::Usage, format!("`{since}` is no day"))
            .help("write it as year, month and day: --since 2026-11-21"));
    }
    let (records, exit) = records(workspace, &arguments.runs)?;
    let mut all = Sum::default();
    let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut runs = 0;
    for record in
        records.iter().filter(|record| !record.created.offline && record.created.replay.is_none())
    {
        let mut is_counted = false;
        for charge in Charges::of(&record.events) {
            let day = time(charge.at).split('T').next().unwrap_or_default().to_owned();
            if arguments.since.as_ref().is_some_and(|since| day < *since) {
                continue;
            }
            is_counted = true;
            all.add(&charge);
            for (by, name) in [
                ("persona", charge.persona.clone()),
                ("model", charge.model.to_string()),
                ("day", day),
                ("run", record.created.run.to_string()),
            ] {
                sums.entry(by).or_default().entry(name).or_default().add(&charge);
            }
        }
        runs += u64::from(is_counted);
    }
    let wanted: &[&str] = match arguments.by {
        CostBy::All => &["persona", "model", "day"],
        CostBy::Persona => &["persona"],
        CostBy::Model => &["model"],
        CostBy::Day => &["day"],
        CostBy::Run => &["run"],
    };
    let lists: Vec<(&str, Vec<(String, Sum)>)> =
        wanted.iter().map(|by| (*by, ordered(by, sums.remove(by).unwrap_or_default()))).collect();
    match arguments.format {
        CostFormat::Json => {
            let mut told = json!({
                "schema": "orchestrate/costs/1",
                "since": arguments.since,
                "runs": runs,
                "total": all.json(),
            });
            for (by, list) in &lists {
                told[format!("by_{by}")] = list
                    .iter()
                    .map(|(name, sum)| {
                        let mut told = sum.json();
                        told[*by] = Value::from(name.as_str());
                        told
                    })
                    .collect();
            }
            terminal::out_json(&told);
        }
        CostFormat::Csv => terminal::out(&csv(&lists)),
        CostFormat::Text if runs == 0 => terminal::say("nothing was charged"),
        CostFormat::Text => {
            let mut text = text(&lists);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "in all {}, {} in {}{}",
                all.cost,
                counted(all.calls, "call", "calls"),
                counted(runs, "run", "runs"),
                uncertain(&all)
            );
            terminal::out(&terminal::fitted(&text));
        }
    }
    Ok(exit)
}

/// The runs that are named, else all that can be read.
fn records(workspace: &Workspace, names: &[String]) -> Result<(Vec<RunRecord>, Exit), CliError> {
    let mut exit = Exit::Ok;
    let mut found: Vec<RunRecord> = Vec::new();
    for name in names {
        let id = find_run(&workspace.home, Some(name))?;
        // Who names a run twice does not pay twice.
        if found.iter().all(|record| record.created.run != id) {
            found.push(RunRecord::read(&workspace.home.run(&id))?);
        }
    }
    if names.is_empty() {
        for run in list_runs(&workspace.home) {
            match run.record {
                Ok(record) => found.push(record),
                Err(error) => {
                    exit = Exit::Journal;
                    terminal::warn(&format!("run {}: {}", run.id, chain(&error)), &[]);
                }
            }
        }
    }
    Ok((found, exit))
}

/// Days as they come, everything else by what it cost.
fn ordered(by: &str, sums: Sums) -> Vec<(String, Sum)> {
    let mut list: Vec<(String, Sum)> = sums.into_iter().collect();
    if by != "day" {
        list.sort_by_key(|(_, sum)| std::cmp::Reverse((sum.cost, sum.calls)));
    }
    list
}

fn text(lists: &[(&str, Vec<(String, Sum)>)]) -> String {
    let names = lists.iter().flat_map(|(_, list)| list.iter().map(|(name, _)| name));
    let width = names.map(|name| name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (by, list) in lists {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "by {by}");
        for (name, sum) in list {
            let _ = writeln!(
                text,
                "  {name:width$}  {:>9}  {:>9}  {:>7} in  {:>7} out{}",
                sum.cost.to_string(),
                counted(sum.calls, "call", "calls"),
                short_count(sum.input),
                short_count(sum.output),
                uncertain(sum)
            );
        }
        text.push('\n');
    }
    text
}

/// What a sum does not tell.
fn uncertain(sum: &Sum) -> String {
    let mut text = String::new();
    if sum.unpriced > 0 {
        let calls = counted(sum.unpriced, "call", "calls");
        // Writing to a String cannot fail.
        let _ = write!(text, "; {calls} without a known price");
    }
    if sum.lost_tokens > 0 {
        let _ = write!(text, "; up to {} tokens counted at their worst", count(sum.lost_tokens));
    }
    text
}

fn csv(lists: &[(&str, Vec<(String, Sum)>)]) -> String {
    let mut text =
        String::from("by,name,usd,calls,unpriced_calls,input_tokens,output_tokens,lost_tokens\n");
    for (by, list) in lists {
        for (name, sum) in list {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{by},{},{},{},{},{},{},{}",
                cell(name),
                sum.cost.exact(),
                sum.calls,
                sum.unpriced,
                sum.input,
                sum.output,
                sum.lost_tokens
            );
        }
    }
    text
}

/// A text as a cell: quoted where it has to be, and never the beginning of a formula.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Whether a text is a day such as `2026-11-21`.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |text: &str, digits: usize| {
        let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u32>().ok()).flatten()
    };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_two() {
        assert_eq!(cell("data-engineer"), "data-engineer");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn days_are_told_from_other_texts() {
        assert!(is_day("2026-11-21"));
        for text in ["", "2026-13-01", "2026-1-1", "21.11.2026", "2026-11-21T00:00", "soon"] {
            assert!(!is_day(text), "{text}");
        }
    }
}
