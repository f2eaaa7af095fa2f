//! Includes and macros, written out where a workflow is compiled.
//!
//! `{% include "notes.md" %}` becomes the file's text and `{{ name(…) }}` the macro's body with its
//! parameters set, so that what is checked, recorded and rendered is one plain template. Nothing is captured
//! on the way: a text keeps its fence and the caps of rendering hold, whatever a macro says.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use minijinja::machinery::{Token, tokenize};
use orchestrate_core::diagnostic::Source;

use super::analysis::{Form, Problem, range, syntax, too_complex};
use crate::codes;

/// The largest template with everything written out, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// Includes and calls of macros in one template.
const MOST_EXPANSIONS: usize = 2_000;
/// Files within each other.
const DEEPEST: usize = 8;

/// Gives the files that templates include.
pub(crate) trait Includes {
    /// The text of a file by its path from the workflow's folder, or why there is none.
    fn include(&self, path: &str) -> Result<Arc<Source>, String>;
}

/// A template with everything written out, and where each part of it stands.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    pub(crate) text: String,
    pieces: Vec<Piece>,
}

/// A part of an expanded template.
#[derive(Debug)]
struct Piece {
    /// Its bytes in the expanded text.
    at: Range<usize>,
    /// The file that it is copied from; none for the template itself.
    file: Option<Arc<Source>>,
    /// Where it stands there.
    from: Range<usize>,
    /// Whether it stands there as it is, and not in place of it.
    copied: bool,
    /// What of the template itself it came by.
    by: Range<usize>,
}

/// A place in a template or in a file that it includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The file; none for the template itself.
    pub(crate) file: Option<Arc<Source>>,
    /// The bytes there.
    pub(crate) span: Range<usize>,
    /// What of the template itself it came by.
    pub(crate) by: Range<usize>,
}

impl Expanded {
    /// A template that includes nothing and calls no macro.
    pub(crate) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), pieces: Vec::new() }
    }

    /// Where a range of the expanded text stands.
    pub(crate) fn spot(&self, range: &Range<usize>) -> Spot {
        let after = self.pieces.partition_point(|piece| piece.at.start <= range.start);
        let Some(piece) = after.checked_sub(1).and_then(|at| self.pieces.get(at)) else {
            return Spot { file: None, span: range.clone(), by: range.clone() };
        };
        let span = if piece.copied {
            let start = piece.from.start + (range.start - piece.at.start);
            let length = range.end.min(piece.at.end).saturating_sub(range.start);
            start.min(piece.from.end)..(start + length).min(piece.from.end)
        } else {
            piece.from.clone()
        };
        let by = if piece.file.is_none() && piece.copied { span.clone() } else { piece.by.clone() };
        Spot { file: piece.file.clone(), span, by }
    }
}

/// What became of a template.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    /// The template itself.
    pub(crate) main: Expanded,
    /// The body of each macro with its parameters, to be checked by itself.
    pub(crate) bodies: Vec<Expanded>,
    /// What is wrong with includes and macros.
    pub(crate) problems: Vec<(Spot, Problem)>,
}

/// Whether a text has anything to write out.
fn is_affected(text: &str) -> bool {
    text.contains("{%") && (text.contains("include") || text.contains("macro"))
}

/// Writes out what a template includes, and the macros that it calls.
pub(crate) fn expand(text: &str, files: &dyn Includes) -> Expansion {
    if !is_affected(text) || too_complex(text, Form::Template).is_some() {
        return Expansion { main: Expanded::plain(text), ..Expansion::default() };
    }
    let mut expander = Expander {
        files,
        macros: Vec::new(),
        names: BTreeMap::new(),
        out: Expanded::default(),
        problems: Vec::new(),
        open: Vec::new(),
        expansions: 0,
        too_large: false,
    };
    let here = Place { file: None, text: Arc::from(text), by: None };
    expander.write(&here, 0..text.len(), usize::MAX);
    let main = std::mem::take(&mut expander.out);
    let bodies = (0..expander.macros.len()).map(|at| expander.body(at)).collect();
    Expansion { main, bodies, problems: expander.problems }
}

/// A text that is being written out.
#[derive(Clone)]
struct Place {
    file: Option<Arc<Source>>,
    text: Arc<str>,
    /// What of the template itself led here; none in the template itself.
    by: Option<Range<usize>>,
}

#[derive(Clone)]
struct Macro {
    place: Place,
    parameters: Vec<(String, Option<String>)>,
    body: Range<usize>,
}

/// `{% … %}` or `{{ … }}` with its tokens.
struct Tag<'t> {
    at: Range<usize>,
    is_block: bool,
    tokens: Vec<(Token<'t>, Range<usize>)>,
}

impl Tag<'_> {
    fn word(&self) -> &str {
        match self.tokens.first() {
            Some((Token::Ident(word), _)) if self.is_block => word,
            _ => "",
        }
    }
}

struct Expander<'f> {
    files: &'f dyn Includes,
    macros: Vec<Macro>,
    /// The macros by name, those that were defined last.
    names: BTreeMap<String, usize>,
    out: Expanded,
    problems: Vec<(Spot, Problem)>,
    /// Files that are being included.
    open: Vec<String>,
    expansions: usize,
    too_large: bool,
}

impl Expander<'_> {
    /// Writes a part of a text out. Macros from `limit` on are not to be called there.
    fn write(&mut self, place: &Place, part: Range<usize>, limit: usize) {
        let text = Arc::clone(&place.text);
        let written = &text[part.clone()];
        let readable = too_complex(written, Form::Template).is_none();
        let Some(tags) = readable.then(|| tags(written, part.start)).flatten() else {
            // The parser says what is wrong with it.
            self.copy(place, part);
            return;
        };
        let mut done = part.start;
        let mut at = 0;
        while let Some(tag) = tags.get(at) {
            at += 1;
            match tag.word() {
                "include" => {
                    self.copy(place, done..tag.at.start);
                    self.keep_trimming(place, tag, true);
                    self.include(place, tag, limit);
                    self.keep_trimming(place, tag, false);
                    done = tag.at.end;
                }
                "macro" => {
                    let end = tags[at..].iter().position(|tag| tag.word() == "endmacro");
                    let Some(end) = end.map(|end| at + end) else { continue };
                    self.copy(place, done..tag.at.start);
                    if let Some(nested) = tags[at..end].iter().find(|tag| tag.word() == "macro") {
                        self.report(
                            place,
                            &nested.at,
                            "a macro stands inside another one",
                            "define it before",
                        );
                    } else {
                        self.define(place, tag, tag.at.end..tags[end].at.start, limit);
                    }
                    done = tags[end].at.end;
                    at = end + 1;
                }
                _ => {
                    if let Some((name, known)) = self.called(tag) {
                        self.copy(place, done..tag.at.start);
                        self.call(place, tag, &name, known, limit);
                        done = tag.at.end;
                    }
                }
            }
        }
        self.copy(place, done..part.end);
    }

    fn copy(&mut self, place: &Place, part: Range<usize>) {
        if part.is_empty() || self.is_too_large(place, &part, part.len()) {
            return;
        }
        let start = self.out.text.len();
        self.out.text.push_str(&place.text[part.clone()]);
        let by = place.by.clone().unwrap_or_else(|| part.clone());
        let at = start..self.out.text.len();
        let file = place.file.clone();
        self.out.pieces.push(Piece { at, file, from: part, copied: true, by });
    }

    /// Writes a text that stands for `of`.
    fn write_for(&mut self, place: &Place, of: &Range<usize>, text: &str) {
        if self.is_too_large(place, of, text.len()) {
            return;
        }
        let start = self.out.text.len();
        self.out.text.push_str(text);
        let by = place.by.clone().unwrap_or_else(|| of.clone());
        let at = start..self.out.text.len();
        let file = place.file.clone();
        self.out.pieces.push(Piece { at, file, from: of.clone(), copied: false, by });
    }

    fn is_too_large(&mut self, place: &Place, at: &Range<usize>, more: usize) -> bool {
        // What the workflow says itself has limits of its own.
        let is_foreign = place.by.is_some();
        if is_foreign && self.out.text.len() + more > MOST_BYTES && !self.too_large {
            self.too_large = true;
            self.report(
                place,
                at,
                "with its includes and macros written out, a template has at most 1 MiB",
                "include less",
            );
        }
        self.too_large
    }

    /// `{%- include … -%}` takes white space away, and so has what stands for it.
    fn keep_trimming(&mut self, place: &Place, tag: &Tag<'_>, before: bool) {
        let written = &place.text[tag.at.clone()];
        if before && written.starts_with("{%-") {
            self.write_for(place, &tag.at, "{#- #}");
        } else if !before && written.ends_with("-%}") {
            self.write_for(place, &tag.at, "{# -#}");
        }
    }

    fn report(&mut self, place: &Place, at: &Range<usize>, message: &str, help: &str) {
        let by = place.by.clone().unwrap_or_else(|| at.clone());
        let spot = Spot { file: place.file.clone(), span: at.clone(), by };
        let problem = Problem {
            code: codes::TEMPLATE_UNSUPPORTED,
            message: message.to_owned(),
            help: Some(help.to_owned()),
            span: 0..0,
        };
        self.problems.push((spot, problem));
    }

    /// Whether one more expansion is allowed.
    fn counts(&mut self, place: &Place, at: &Range<usize>) -> bool {
        self.expansions += 1;
        if self.expansions == MOST_EXPANSIONS {
            let message = format!("a template includes and calls at most {MOST_EXPANSIONS} times");
            self.report(place, at, &message, "write it as text, or loop over a list");
        }
        self.expansions < MOST_EXPANSIONS
    }

    fn include(&mut self, place: &Place, tag: &Tag<'_>, limit: usize) {
        let path = match tag.tokens.as_slice() {
            [_, (Token::Str(path), _)] => (*path).to_owned(),
            [_, (Token::String(path), _)] => path.to_string(),
            _ => {
                let help = "write `{% include \"notes.md\" %}`";
                self.report(place, &tag.at, "an include names one file, as it stands", help);
                return;
            }
        };
        if !self.counts(place, &tag.at) {
            return;
        }
        if self.open.contains(&path) {
            let message = format!("`{path}` includes itself");
            self.report(place, &tag.at, &message, "remove one of the includes");
            return;
        }
        if self.open.len() == DEEPEST {
            let message = format!("includes stand more than {DEEPEST} deep in each other");
            self.report(place, &tag.at, &message, "include the file from the workflow itself");
            return;
        }
        match self.files.include(&path) {
            Err(message) => {
                let help = "name a file in the workflow's folder or below, by its path from there";
                self.report(place, &tag.at, &message, help);
            }
            Ok(file) => {
                // As templates are read from files elsewhere: the last line feed is the editor's.
                let text = file.text.strip_suffix('\n').unwrap_or(&file.text);
                let inside = Place {
                    text: Arc::from(text),
                    file: Some(file.clone()),
                    by: Some(place.by.clone().unwrap_or_else(|| tag.at.clone())),
                };
                self.open.push(path);
                self.write(&inside, 0..inside.text.len(), limit);
                self.open.pop();
            }
        }
    }

    /// Takes in `{% macro name(a, b=1) %}…{% endmacro %}`.
    fn define(&mut self, place: &Place, tag: &Tag<'_>, body: Range<usize>, limit: usize) {
        let help = "write `{% macro name(one, other='x') %}…{% endmacro %}`";
        let Some(((Token::Ident(name), _), parameters)) = tag.tokens[1..].split_first() else {
            self.report(place, &tag.at, "this macro has no name", help);
            return;
        };
        if limit != usize::MAX {
            self.report(
                place,
                &tag.at,
                "a macro is defined in the workflow or a file, not by a macro",
                help,
            );
            return;
        }
        let Some(parameters) = arguments(parameters) else {
            self.report(place, &tag.at, "the parameters of this macro cannot be read", help);
            return;
        };
        let mut known: Vec<(String, Option<String>)> = Vec::new();
        for parameter in parameters {
            let name = match parameter {
                [(Token::Ident(name), _)] => Some((*name, None)),
                [(Token::Ident(name), _), (Token::Assign, _), value @ ..] => {
                    text_of(&place.text, value).map(|value| (*name, Some(value)))
                }
                _ => None,
            };
            match name {
                Some((name, _)) if known.iter().any(|(other, _)| other == name) => {
                    self.report(
                        place,
                        &tag.at,
                        "a parameter of this macro stands there twice",
                        help,
                    );
                }
                Some((name, default)) => known.push((name.to_owned(), default)),
                None => self.report(place, &tag.at, "a parameter of this macro has no name", help),
            }
        }
        self.names.insert((*name).to_owned(), self.macros.len());
        self.macros.push(Macro { place: place.clone(), parameters: known, body });
    }

    /// The macro that a tag calls, and nothing else.
    fn called(&self, tag: &Tag<'_>) -> Option<(String, usize)> {
        let (Token::Ident(name), _) = tag.tokens.first()? else { return None };
        let calls = !tag.is_block
            && matches!(tag.tokens.get(1), Some((Token::ParenOpen, _)))
            && arguments(&tag.tokens[1..]).is_some();
        calls.then(|| self.names.get(*name).map(|&known| ((*name).to_owned(), known))).flatten()
    }

    fn call(&mut self, place: &Place, tag: &Tag<'_>, name: &str, known: usize, limit: usize) {
        if known >= limit {
            let message = format!("macro `{name}` is not known here");
            self.report(place, &tag.at, &message, "a macro calls only those that stand before it");
            return;
        }
        if !self.counts(place, &tag.at) {
            return;
        }
        let Some(values) = self.values(place, tag, name, known) else { return };
        let called = self.macros[known].clone();
        // Two steps, so that no parameter is taken for a variable that an argument names.
        let number = self.expansions;
        let join = |pairs: Vec<String>| pairs.join(", ");
        let given = values.iter().enumerate();
        let given = given.map(|(at, (_, value))| format!("__{number}_{at} = ({value})")).collect();
        let taken = values.iter().enumerate();
        let taken = taken.map(|(at, (name, _))| format!("{name} = __{number}_{at}")).collect();
        let open = format!("{{% with {} %}}{{% with {} %}}", join(given), join(taken));
        self.write_for(place, &tag.at, &open);
        let by = place.by.clone().unwrap_or_else(|| tag.at.clone());
        let inside = Place { by: Some(by), ..called.place };
        self.write(&inside, called.body, known);
        self.write_for(place, &tag.at, "{% endwith %}{% endwith %}");
    }

    /// The value of each parameter, in the order of the definition.
    fn values(
        &mut self,
        place: &Place,
        tag: &Tag<'_>,
        name: &str,
        known: usize,
    ) -> Option<Vec<(String, String)>> {
        let parameters = self.macros[known].parameters.clone();
        let mut values: Vec<Option<String>> = vec![None; parameters.len()];
        let named = |name: &str| parameters.iter().position(|(known, _)| known == name);
        let mut sound = true;
        for (at, argument) in arguments(&tag.tokens[1..])?.into_iter().enumerate() {
            let (slot, value) = match argument {
                [(Token::Ident(name), _), (Token::Assign, _), value @ ..] => (named(name), value),
                value => (Some(at).filter(|at| *at < parameters.len()), value),
            };
            match (slot, text_of(&place.text, value)) {
                (Some(slot), Some(value)) if values[slot].is_none() => values[slot] = Some(value),
                _ => sound = false,
            }
        }
        let complete: Option<Vec<(String, String)>> = parameters
            .iter()
            .zip(values)
            .map(|((name, default), value)| Some((name.clone(), value.or(default.clone())?)))
            .collect();
        if complete.is_none() || !sound {
            let takes: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("the call does not fit macro `{name}`");
            self.report(place, &tag.at, &message, &format!("it takes ({})", takes.join(", ")));
            return None;
        }
        complete
    }

    /// The body of a macro with its parameters, as it is checked.
    fn body(&mut self, at: usize) -> Expanded {
        let defined = self.macros[at].clone();
        let whole = defined.body.clone();
        let names = defined.parameters.iter().map(|(name, _)| format!("{name} = none"));
        let open = format!("{{% with {} %}}", names.collect::<Vec<_>>().join(", "));
        self.out = Expanded::default();
        // What is wrong with calls in it was said where it is called, or is said now.
        self.write_for(&defined.place, &whole, &open);
        self.write(&defined.place, defined.body, at);
        self.write_for(&defined.place, &whole, "{% endwith %}");
        std::mem::take(&mut self.out)
    }
}

/// The tags of a text that begins at `offset`; none where it cannot be read.
fn tags(text: &str, offset: usize) -> Option<Vec<Tag<'_>>> {
    let mut tags: Vec<Tag<'_>> = Vec::new();
    let mut open: Option<Tag<'_>> = None;
    for token in tokenize(text, false, syntax()) {
        let (token, span) = token.ok()?;
        let span = range(span);
        let span = span.start + offset..span.end + offset;
        match token {
            Token::VariableStart | Token::BlockStart => {
                let is_block = matches!(token, Token::BlockStart);
                open = Some(Tag { at: span, is_block, tokens: Vec::new() });
            }
            Token::VariableEnd | Token::BlockEnd => {
                let mut tag = open.take()?;
                tag.at.end = span.end;
                tags.push(tag);
            }
            Token::TemplateData(_) => {}
            token => open.as_mut()?.tokens.push((token, span)),
        }
    }
    Some(tags)
}

type Tokens<'a, 't> = &'a [(Token<'t>, Range<usize>)];

/// What stands in `( … )` between commas; none where that is not all there is.
fn arguments<'a, 't>(tokens: Tokens<'a, 't>) -> Option<Vec<Tokens<'a, 't>>> {
    let [(Token::ParenOpen, _), inner @ .., (Token::ParenClose, _)] = tokens else { return None };
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, (token, _)) in inner.iter().enumerate() {
        match token {
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                depth = depth.checked_sub(1)?;
            }
            Token::Comma if depth == 0 => {
                found.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < inner.len() {
        found.push(&inner[start..]);
    }
    (depth == 0).then_some(found)
}

/// The text that tokens were read from.
fn text_of(text: &str, tokens: Tokens<'_, '_>) -> Option<String> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    text.get(first.1.start..last.1.end).map(str::to_owned)
}
