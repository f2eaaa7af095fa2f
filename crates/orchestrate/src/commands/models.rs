//! `orchestrate models`.

use std::{
    fmt::Write as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use orchestrate_core::{Timestamp, money::Money, price::Rates, request::ModelRef};
use orchestrate_engine::{
    config::{KnownModel, MAX_TABLE_BYTES, PriceOrigin},
    imports::{Existing, write_whole},
    library::read_text,
    session::Workspace,
};
use orchestrate_provider::models::{ModelFacts, ModelTable, read_litellm};
use orchestrate_report::words::{count, counted, time, usd};
use serde_json::{Value, json};

use crate::{
    cli::{ListFormat, ModelsCommand, PricesArguments},
    exit::{CliError, Exit},
    terminal,
};

/// Prices are told for so many tokens.
const TOKENS: u64 = 1_000_000;

pub(super) fn models(workspace: &Workspace, command: ModelsCommand) -> Result<Exit, CliError> {
    match command {
        ModelsCommand::List { format } => Ok(list(workspace, format)),
        ModelsCommand::Prices(arguments) => match &arguments.update {
            Some(file) => update(workspace, file, arguments.format),
            None => Ok(prices(workspace, &arguments)),
        },
    }
}

/// A model that the configuration names.
struct Named {
    alias: String,
    of_project: bool,
    /// The model, or why there is none.
    model: Result<ModelRef, String>,
    known: Option<KnownModel>,
}

fn list(workspace: &Workspace, format: ListFormat) -> Exit {
    let config = &workspace.config;
    let named: Vec<Named> = config
        .aliases()
        .map(|alias| {
            let model = config.resolve(alias.name).map_err(|error| error.to_string());
            let known = model.as_ref().ok().and_then(|model| config.known(model));
            let (name, of_project) = (alias.name.to_owned(), alias.of_project);
            Named { alias: name, of_project, model, known }
        })
        .collect();
    let known = config.known_models().len();
    match format {
        ListFormat::Json => terminal::out_json(&json!({
            "schema": "orchestrate/models/1",
            "models": named.iter().map(named_json).collect::<Vec<_>>(),
            "known_prices": known,
        })),
        ListFormat::Text => {
            let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
            rows[0].insert(0, "alias".into());
            for Named { alias, model, known, .. } in &named {
                let (name, facts, origin) = match model {
                    Ok(model) => {
                        let facts = known.as_ref().map(|known| known.facts).unwrap_or_default();
                        let origin = known.as_ref().map(|known| known.origin.describe());
                        (model.to_string(), facts, origin.unwrap_or_else(|| "not known".into()))
                    }
                    Err(error) => (error.clone(), ModelFacts::default(), String::new()),
                };
                rows.push([alias.clone()].into_iter().chain(row(&name, &facts, &origin)).collect());
            }
            if named.is_empty() {
                terminal::out(
                    "no alias is set; in your config: [models] default = \"openai:gpt-5-mini\"\n",
                );
            } else {
                terminal::out(&terminal::fitted(&table(&rows)));
            }
            terminal::out(&format!(
                "dollars for a million tokens; {} known: orchestrate models prices\n",
                counted(known as u64, "price is", "prices are")
            ));
        }
    }
    Exit::Ok
}

fn named_json(named: &Named) -> Value {
    json!({
        "alias": named.alias,
        "of_project": named.of_project,
        "model": named.model.as_ref().ok(),
        "problem": named.model.as_ref().err(),
        "known": named.known.as_ref().map(known_json),
    })
}

fn prices(workspace: &Workspace, arguments: &PricesArguments) -> Exit {
    let wanted = arguments.filter.as_deref().unwrap_or_default().to_lowercase();
    let mut known = workspace.config.known_models();
    known.retain(|known| known.row.to_lowercase().contains(&wanted));
    match arguments.format {
        ListFormat::Json => {
            let built_in = ModelTable::built_in();
            terminal::out_json(&json!({
                "schema": "orchestrate/prices/1",
                "unit": "US dollars for a million tokens",
                "built_in": { "date": built_in.date, "source": built_in.source },
                "prices": known.iter().map(known_json).collect::<Vec<_>>(),
            }));
        }
        ListFormat::Text if known.is_empty() => {
            terminal::say(&format!(
                "no price is known of a model with `{wanted}` in its name; add [prices.\"provider:model\"] to your config"
            ));
        }
        ListFormat::Text => {
            let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
            rows.extend(
                known.iter().map(|known| row(&known.row, &known.facts, &known.origin.describe())),
            );
            terminal::out(&terminal::fitted(&table(&rows)));
            terminal::out("dollars for a million tokens; what is not known is left empty\n");
        }
    }
    Exit::Ok
}

/// Takes in a table that the user brought.
fn update(workspace: &Workspace, file: &Path, format: ListFormat) -> Result<Exit, CliError> {
    let text = read_text(file, MAX_TABLE_BYTES)?;
    let read = if text.trim_start().starts_with('{') {
        read_litellm(&text, &today())
    } else {
        ModelTable::read(&text)
    };
    let table = read.map_err(|error| {
        CliError::new(Exit::Invalid, format!("`{}`: {error}", file.display())).help(
            "give LiteLLM's model_prices_and_context_window.json, or a file with `date`, `source` and [prices.\"provider:model\"]",
        )
    })?;
    let place = workspace.home.prices_file();
    write_whole(&place, table.to_toml().as_bytes(), Existing::Replaced)?;
    let older = table.date < ModelTable::built_in().date;
    match format {
        ListFormat::Json => terminal::out_json(&json!({
            "schema": "orchestrate/prices-update/1",
            "file": place.display().to_string(),
            "date": table.date,
            "prices": table.len(),
        })),
        ListFormat::Text => terminal::out(&format!(
            "wrote {}: {} of {}\n",
            place.display(),
            counted(table.len() as u64, "price", "prices"),
            table.date
        )),
    }
    if older {
        let date = &ModelTable::built_in().date;
        terminal::warn(
            &format!(
                "the table is older than the built-in one of {date}, whose prices hold where both have one"
            ),
            &["put a price that is to hold in any case into [prices] of your config".to_owned()],
        );
    }
    Ok(Exit::Ok)
}

/// The day, in UTC.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = time(Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)));
    now.split('T').next().unwrap_or_default().to_owned()
}

const HEADINGS: [&str; 8] =
    ["model", "input", "cached", "written", "output", "context", "answer", "from"];

/// A model's facts as cells.
fn row(name: &str, facts: &ModelFacts, origin: &str) -> Vec<String> {
    let rates = facts.price.map(|price| price.rates);
    let dollars =
        |rate: Option<Money>| rate.map(|rate| rate.times(TOKENS).exact()).unwrap_or_default();
    let tokens = |size: Option<u64>| size.map(count).unwrap_or_default();
    let long = facts.price.and_then(|price| price.long).is_some();
    vec![
        name.to_owned(),
        dollars(rates.map(|rates| rates.input)),
        dollars(rates.and_then(|rates| rates.cached)),
        dollars(rates.and_then(|rates| rates.cache_write)),
        dollars(rates.map(|rates| rates.output)),
        tokens(facts.context),
        tokens(facts.max_output),
        if long { format!("{origin}; dearer for long prompts") } else { origin.to_owned() },
    ]
}

/// Rows in columns: the first and the last to the left, figures to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    // Names stand in front: an alias and a model, or a model alone.
    let names = columns - HEADINGS.len() + 1;
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            // Writing to a String cannot fail.
            let _ = match column {
                0 => write!(line, "{cell:width$}"),
                column if column < names => write!(line, "  {cell:width$}"),
                column if column + 1 == columns => write!(line, "  {cell}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn known_json(known: &KnownModel) -> Value {
    let rates = |rates: &Rates| {
        let dollars = |rate: Money| usd(rate.times(TOKENS));
        json!({
            "input": dollars(rates.input),
            "output": dollars(rates.output),
            "cached": rates.cached.map(dollars),
            "cache_write": rates.cache_write.map(dollars),
        })
    };
    let (origin, date) = match &known.origin {
        PriceOrigin::Config => ("config", None),
        PriceOrigin::Brought(date) => ("brought", Some(date)),
        PriceOrigin::BuiltIn(date) => ("built-in", Some(date)),
        PriceOrigin::Local => ("local", None),
    };
    json!({
        "model": known.row,
        "price": known.facts.price.map(|price| rates(&price.rates)),
        "long": known.facts.price.and_then(|price| price.long).map(|long| json!({
            "above": long.above,
            "price": rates(&long.rates),
        })),
        "context": known.facts.context,
        "max_output": known.facts.max_output,
        "cache_from": known.facts.cache_from,
        "origin": origin,
        "date": date,
    })
}
