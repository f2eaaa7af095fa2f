//! The value that a step's answer has to be: a JSON Schema in the file, in a file beside it, or built in.

use std::sync::Arc;

use orchestrate_core::{diagnostic::Source, finding::Finding, neutral::excerpt, plan::OutputSpec};

use super::{fields, file::Catalogue, json_schema};
use crate::{
    codes,
    yaml::{Holds, Kind, Node, Sink, Text, read as read_yaml, with_help},
};

/// What to write, where nothing sensible stands.
const HELP: &str = "write `findings`, a file such as `output: schemas/answer.json`, or a JSON Schema: \
                    `{ type: object, properties: { score: { type: integer } } }`";

/// Reads `output:`; `None` where it cannot be used, which is reported. Those of all steps are read before any
/// template is checked: templates refer to those of other steps.
pub(super) fn read(
    sink: &mut Sink<'_>,
    node: &Node,
    catalogue: &dyn Catalogue,
) -> Option<OutputSpec> {
    if let Kind::Map(_) = &node.kind {
        let schema = json_schema::read_any(sink, node, "`output`", catalogue.schemas())?;
        return Some(OutputSpec { schema: Arc::new(schema), findings: false });
    }
    if !matches!(&node.kind, Kind::Scalar(scalar) if !scalar.is_null()) {
        let wanted = "a JSON Schema, a file or `findings`";
        fields::wrong_type(sink, node, "`output`", wanted, Some(HELP.to_owned()));
        return None;
    }
    let word = fields::text(sink, node, "`output`")?;
    if word.text == "findings" {
        return Some(OutputSpec { schema: Arc::new(Finding::list_schema()), findings: true });
    }
    if is_schema_file(&word.text) {
        let schema = from_file(sink, &word, catalogue)?;
        return Some(OutputSpec { schema: Arc::new(schema), findings: false });
    }
    let message = format!("`{}` is no built-in output and no file", excerpt(&word.text, 80));
    let problem = sink.error(codes::BAD_VALUE, &word.span, message);
    let advice = orchestrate_core::suggest::closest(&word.text, ["findings"]);
    let help = advice.map_or_else(|| HELP.to_owned(), |near| format!("did you mean `{near}`?"));
    sink.push(problem.help(help));
    None
}

fn is_schema_file(text: &str) -> bool {
    [".json", ".yaml", ".yml"].iter().any(|end| text.len() > end.len() && text.ends_with(end))
}

fn from_file(
    sink: &mut Sink<'_>,
    path: &Text,
    catalogue: &dyn Catalogue,
) -> Option<serde_json::Value> {
    let text = path.text.as_str();
    let stays = !text.starts_with('/')
        && !text.contains(['\\', ':'])
        && orchestrate_core::neutral::visible(text) == text
        && text.split('/').all(|part| !part.is_empty() && part != "..");
    if !stays {
        let message = "the file of `output` does not lie below the folder of the workflow";
        let problem = sink.error(codes::UNSAFE_PATH, &path.span, message);
        sink.push(problem.help("write a path from there: `schemas/answer.json`"));
        return None;
    }
    let source = match catalogue.include(text) {
        Ok(source) => source,
        Err(why) => {
            let message = format!("the file `{}` of `output` cannot be read", excerpt(text, 120));
            let problem = sink.error(codes::UNREADABLE_FILE, &path.span, message);
            sink.push(with_help(problem, Some(why)));
            return None;
        }
    };
    let (schema, found) = schema_in(&source, catalogue);
    for problem in found {
        sink.push(problem);
    }
    schema
}

fn schema_in(
    source: &Arc<Source>,
    catalogue: &dyn Catalogue,
) -> (Option<serde_json::Value>, Vec<orchestrate_core::diagnostic::Diagnostic>) {
    let mut sink = Sink::new(source);
    let schema = read_yaml(&mut sink, Holds::SCHEMA).and_then(|root| {
        json_schema::read_any(&mut sink, &root, "the schema", catalogue.schemas())
    });
    let schema = schema.filter(|_| !sink.has_errors());
    (schema, sink.finish())
}
