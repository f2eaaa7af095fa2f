//! Rules about the front matter as a whole.

use orchestrate_core::{diagnostic::Diagnostic, neutral};

use super::{
    check::first_line,
    document::{Broken, Document, Front},
    fix, rules,
};

/// A longer quoted form is cut in the message; mending writes all of it.
const SHOWN: usize = 240;

pub(super) fn check(document: &Document<'_>, found: &mut Vec<Diagnostic>) {
    let front = match &document.front {
        Front::Unusable(error) => {
            found.push(unusable(error));
            return;
        }
        Front::Read(front) => front,
    };
    let Some(wrong) = &front.not_yaml else { return };
    for broken in &front.broken {
        found.push(not_yaml(document, broken));
    }
    if front.broken.is_empty() {
        let text = &document.source.text;
        let end = wrong.offset + text[wrong.offset..].chars().next().map_or(0, char::len_utf8);
        let message = format!("the front matter is not YAML: {}", wrong.message);
        let mut diagnostic =
            rules::FRONT_MATTER_NOT_YAML.found(message).at(&document.source, wrong.offset..end, "");
        diagnostic.help.extend(wrong.help.map(str::to_owned));
        found.push(diagnostic);
    }
}

/// What the reader says of a front matter that it cannot find, at this lint's level.
fn unusable(error: &Diagnostic) -> Diagnostic {
    let rule = [rules::FRONT_MATTER_MISSING, rules::FRONT_MATTER_UNTERMINATED]
        .into_iter()
        .find(|rule| rule.code == error.code)
        // What remains is one too long to be read, so that nobody knows whether it is YAML.
        .unwrap_or(rules::FRONT_MATTER_NOT_YAML);
    Diagnostic { code: rule.code, severity: rule.severity, ..error.clone() }
}

fn not_yaml(document: &Document<'_>, broken: &Broken) -> Diagnostic {
    let line = first_line(&document.source, &broken.span);
    let quoted = neutral::excerpt(&fix::quoted(&broken.value), SHOWN);
    rules::FRONT_MATTER_NOT_YAML
        .found(format!("the value of `{}` is not YAML: {}", broken.key, broken.why))
        .at(&document.source, line, "read as plain text")
        .help(format!("quote it: {}: {quoted}", broken.key))
}
