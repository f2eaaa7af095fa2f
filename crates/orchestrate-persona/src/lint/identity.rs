//! Rules about names.

use std::collections::BTreeMap;

use orchestrate_core::diagnostic::Diagnostic;

use super::{document::Document, rules};
use crate::fields::{is_slug, slugged};

pub(super) fn check(document: &Document<'_>, found: &mut Vec<Diagnostic>) {
    let Some(front) = document.front_matter() else { return };
    let stem = stem(document.path);
    let Some((name, place)) = document.declared("name") else {
        let (span, label) = match document.entry("name") {
            Some((key, _)) => (key.span.clone(), "empty"),
            None => (front.fence.clone(), "expected below this"),
        };
        found.push(
            rules::NAME_MISSING
                .found("the front matter has no `name`")
                .at(&document.source, span, label)
                .help(format!("add `name: {}`", slugged(stem))),
        );
        return;
    };
    let near = slugged(name);
    if !is_slug(name) {
        let mut diagnostic = rules::NAME_NOT_SLUG
            .found(format!("`{name}` is not a name: {}", "small letters, digits, single hyphens"))
            .at(&document.source, place.clone(), "");
        if is_slug(&near) {
            diagnostic = diagnostic.help(format!("write `{near}`"));
        }
        found.push(diagnostic);
    }
    if near != slugged(stem) {
        found.push(
            rules::NAME_DIFFERS_FROM_FILE
                .found(format!("the persona is named `{name}` and its file `{stem}`"))
                .at(&document.source, place, "")
                .help(format!(
                    "rename the file to `{near}.md`, or write `name: {}`",
                    slugged(stem)
                )),
        );
    }
}

/// What a file calls its persona: its name without extension, or the folder's where every file is
/// called alike.
fn stem(path: &str) -> &str {
    let mut parts = path.rsplit(['/', '\\', ':']);
    let file = parts.next().unwrap_or(path);
    if ["skill.md", "system.md"].iter().any(|common| file.eq_ignore_ascii_case(common))
        && let Some(folder) = parts.next().filter(|folder| !folder.is_empty())
    {
        return folder;
    }
    let plain = file.strip_suffix(".md").unwrap_or(file);
    [".agent", ".chatmode"].iter().find_map(|kind| plain.strip_suffix(kind)).unwrap_or(plain)
}

/// Finds names that several files declare; each is reported where it is declared again.
pub(super) fn duplicates(documents: &[Option<Document<'_>>], found: &mut [Vec<Diagnostic>]) {
    let mut first: BTreeMap<&str, &Document<'_>> = BTreeMap::new();
    for (document, found) in documents.iter().zip(found) {
        let Some((document, (name, place))) =
            document.as_ref().and_then(|document| Some((document, document.declared("name")?)))
        else {
            continue;
        };
        let Some(earlier) = first.get(name) else {
            first.insert(name, document);
            continue;
        };
        let mut diagnostic = rules::DUPLICATE_NAME
            .found(format!("another persona is named `{name}`: {}", earlier.path))
            .at(&document.source, place, "declared again here")
            .help(rules::DUPLICATE_NAME.mend);
        if let Some((_, place)) = earlier.declared("name") {
            diagnostic = diagnostic.at(&earlier.source, place, "first declared here");
        }
        found.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn a_file_that_is_always_called_alike_goes_by_its_folder() {
        assert_eq!(stem("a/tester.md"), "tester");
        assert_eq!(stem("a\\tester.agent.md"), "tester");
        assert_eq!(stem("skills/pdf-forms/SKILL.md"), "pdf-forms");
        assert_eq!(stem("SKILL.md"), "SKILL");
        assert_eq!(stem("built-in:tester.md"), "tester");
    }
}
