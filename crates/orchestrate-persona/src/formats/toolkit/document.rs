//! A foreign file opened: its text, its kind, and its structure where it has one.

use std::{ops::Range, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    neutral,
};

use super::{
    bytes,
    front::{self, Front},
    markdown,
    tree::{self, Map, Tree},
};
use crate::{hidden, read::MAX_FILE_BYTES};

/// A file as it lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignFile<'f> {
    /// Where it lies; its name and folder are hints, never proof.
    pub path: &'f str,
    /// What it holds.
    pub bytes: &'f [u8],
}

/// The longest picture that is searched for a character card; the card itself has a file's limit.
pub const MAX_PICTURE_BYTES: usize = 16 * 1024 * 1024;

/// Endings that say what a file is, and are no part of its name.
const ENDINGS: &[&str] = &[
    ".agent.md",
    ".chatmode.md",
    ".mode.md",
    ".prompt.md",
    ".md",
    ".mdc",
    ".txt",
    ".yaml",
    ".yml",
    ".jsonc",
    ".json",
    ".toml",
    ".csv",
    ".png",
];

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Markdown,
    Json,
    Yaml,
    Toml,
    Csv,
    /// A picture with a text inside, which is JSON.
    Png,
}

/// An opened file.
#[derive(Debug)]
pub(crate) struct Document<'f> {
    pub(crate) path: &'f str,
    pub(crate) bytes: &'f [u8],
    pub(crate) kind: Kind,
    /// The text, repaired; diagnostics point into it.
    pub(crate) source: Arc<Source>,
    /// The front matter of a Markdown file.
    pub(crate) front: Option<Front>,
    /// Where the body of a Markdown file begins.
    pub(crate) body_start: usize,
    /// The whole of a structured file.
    pub(crate) tree: Option<Tree>,
    /// What was noticed while opening.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What was repaired while opening.
    pub(crate) repaired: Vec<String>,
}

impl<'f> Document<'f> {
    /// Opens a file; an error where it is too large or a picture without a card.
    pub(crate) fn open(file: &ForeignFile<'f>) -> Result<Self, Diagnostic> {
        let named = |error: Diagnostic| {
            let empty = Source::new(file.path, "");
            error.at(&empty, 0..0, "")
        };
        if file.bytes.starts_with(PNG) {
            let card = card_in_png(file.bytes).map_err(named)?;
            let mut document = Self::of_text(file, &card);
            document.kind = Kind::Png;
            document.structure();
            return Ok(document);
        }
        if file.bytes.len() > MAX_FILE_BYTES {
            let message = format!("the file is longer than {} KiB", MAX_FILE_BYTES / 1024);
            let help = "a persona is a few pages; cut reference material, or split the file";
            return Err(named(Diagnostic::error("file-too-large", message).help(help)));
        }
        if file.bytes.contains(&0) {
            let help = "give a text file, or a PNG character card";
            let error = Diagnostic::error("not-text", "the file holds bytes that no text has");
            return Err(named(error.help(help)));
        }
        let mut document = Self::of_text(file, file.bytes);
        document.kind = document.guess_kind();
        document.structure();
        Ok(document)
    }

    fn of_text(file: &ForeignFile<'f>, text: &[u8]) -> Self {
        let decoded = bytes::decode(text);
        let (shown, removed) = hidden::without(&decoded.text);
        let source = Source::new(file.path, shown.as_ref());
        let mut document = Self {
            path: file.path,
            bytes: file.bytes,
            kind: Kind::Markdown,
            source,
            front: None,
            body_start: 0,
            tree: None,
            diagnostics: Vec::new(),
            repaired: Vec::new(),
        };
        for (code, message) in decoded.repairs {
            document.repaired.push(message.clone());
            document.warn(code, message, 0..0);
        }
        if let Some(first) = removed.first() {
            let message = hidden::told(&removed, true);
            document.repaired.push(message.clone());
            // Up to the first one, both texts are alike.
            document.warn("invisible-character", message, first.at..first.at);
        }
        document
    }

    /// Adds a warning that points at a range of the text.
    pub(crate) fn warn(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: Range<usize>,
    ) {
        let warning = Diagnostic::warning(code, message).at(&self.source, span, "");
        self.diagnostics.push(warning);
    }

    /// The text of a Markdown file below its front matter.
    pub(crate) fn body(&self) -> &str {
        &self.source.text[self.body_start..]
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.source.text
    }

    /// The entries at the top of a structured file.
    pub(crate) fn map(&self) -> Option<&Map> {
        self.tree.as_ref().and_then(Tree::map)
    }

    /// The entries of the front matter.
    pub(crate) fn front(&self) -> Option<&Map> {
        self.front.as_ref().map(|front| &front.map)
    }

    /// The file's name without folders, in small letters.
    pub(crate) fn file_name(&self) -> String {
        self.path.rsplit(['/', '\\']).next().unwrap_or(self.path).to_lowercase()
    }

    /// The file's name without its endings.
    pub(crate) fn stem(&self) -> String {
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or(self.path);
        let name = name.trim_start_matches('.');
        let lower = name.to_lowercase();
        let ending = ENDINGS.iter().find(|ending| lower.ends_with(**ending));
        let kept = name.len() - ending.map_or(0, |ending| ending.len());
        // An ending is ASCII, so what stands in front of it ends at a character.
        name.get(..kept).unwrap_or(name).to_owned()
    }

    /// The name of the folder that the file lies in.
    pub(crate) fn folder(&self) -> Option<&str> {
        let mut parts = self.path.rsplit(['/', '\\']);
        parts.next();
        parts.next().filter(|folder| !folder.is_empty() && *folder != ".")
    }

    /// Whether the path holds this piece.
    pub(crate) fn path_has(&self, piece: &str) -> bool {
        self.path.to_lowercase().replace('\\', "/").contains(piece)
    }

    fn guess_kind(&self) -> Kind {
        let name = self.file_name();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if ends(&[".md", ".mdc", ".markdown"]) {
            return Kind::Markdown;
        }
        if ends(&[".json", ".jsonc"]) {
            return Kind::Json;
        }
        if ends(&[".yaml", ".yml"]) || matches!(name.as_str(), ".roomodes") {
            return if self.text().trim_start().starts_with('{') { Kind::Json } else { Kind::Yaml };
        }
        if ends(&[".toml"]) {
            return Kind::Toml;
        }
        if ends(&[".csv"]) {
            return Kind::Csv;
        }
        self.kind_by_content()
    }

    /// For a file whose name says nothing.
    fn kind_by_content(&self) -> Kind {
        let text = self.text().trim_start();
        let first = text.lines().next().unwrap_or_default().to_lowercase();
        if text.starts_with(['{', '[']) && tree::json(text).is_ok() {
            return Kind::Json;
        }
        if first.starts_with("---") || first.starts_with("+++") || first.starts_with('#') {
            return Kind::Markdown;
        }
        let columns: Vec<String> =
            first.split(',').map(|column| column.trim_matches('"').to_owned()).collect();
        if columns.len() >= 2 && columns[0] == "act" && columns[1] == "prompt" {
            return Kind::Csv;
        }
        let several = |tree: Tree| tree.map().is_some_and(|map| map.0.len() > 1);
        if text.contains(" = ") && tree::toml(text).is_ok_and(several) {
            return Kind::Toml;
        }
        if text.contains(": ") && tree::yaml(text).is_ok_and(several) {
            return Kind::Yaml;
        }
        Kind::Markdown
    }

    /// Reads the structure that the kind promises, and notes where it is broken.
    fn structure(&mut self) {
        let text = Arc::clone(&self.source);
        let text = text.text.as_str();
        let broken = match self.kind {
            Kind::Markdown => {
                self.read_front();
                return;
            }
            Kind::Csv => return,
            Kind::Json | Kind::Png => match tree::json(text) {
                Ok(tree) => {
                    self.tree = Some(tree);
                    return;
                }
                Err(wrong) => Diagnostic::error(
                    "not-json",
                    format!("the file is not JSON: {wrong}"),
                )
                .at(&self.source, 0..0, ""),
            },
            Kind::Toml => match tree::toml(text) {
                Ok(tree) => {
                    self.tree = Some(tree);
                    return;
                }
                Err(wrong) => Diagnostic::error(
                    "not-toml",
                    format!("the file is not TOML: {wrong}"),
                )
                .at(&self.source, 0..0, ""),
            },
            Kind::Yaml => match tree::yaml(text) {
                Ok(tree) => {
                    self.tree = Some(tree);
                    return;
                }
                Err(wrong) => {
                    let mut error = Diagnostic::error(
                        "not-yaml",
                        format!("the file is not YAML: {}", wrong.message),
                    );
                    error.help.extend(wrong.help.map(str::to_owned));
                    error.at(&self.source, wrong.offset..wrong.offset, "")
                }
            },
        };
        self.diagnostics.push(broken);
    }

    fn read_front(&mut self) {
        let split = front::split(&self.source.text);
        self.body_start = split.body;
        if let Some(mark) = split.wrapping {
            // Blank, so that every other place in the text stays where it is.
            let mut text = self.source.text.clone();
            let length = mark.len();
            text.replace_range(mark, &" ".repeat(length));
            self.source = Source::new(self.path, text);
        }
        self.front = split.front;
        for remark in split.remarks {
            let mut diagnostic = if remark.error {
                Diagnostic::error(remark.code, remark.message.clone())
            } else {
                self.repaired.push(remark.message.clone());
                Diagnostic::warning(remark.code, remark.message.clone())
            };
            diagnostic.help.extend(remark.help);
            self.diagnostics.push(diagnostic.at(&self.source, remark.span, ""));
        }
    }

    /// The headings of a Markdown file, or the keys of a structured one: what was seen, for a refusal.
    pub(crate) fn seen(&self) -> Vec<String> {
        if let Some(Tree::List(entries)) = &self.tree {
            return vec![format!("a list of {} entries", entries.len())];
        }
        let keys = |map: &Map| map.0.iter().map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>();
        let mut seen = self.map().or(self.front()).map(keys).unwrap_or_default();
        if self.kind == Kind::Markdown {
            let blocks = markdown::blocks(self.body(), 3);
            let headings = blocks.iter().filter(|block| block.level > 0);
            seen.extend(headings.map(|block| {
                format!("`{} {}`", "#".repeat(block.level), neutral::excerpt(block.heading, 60))
            }));
        }
        seen
    }
}

/// The first bytes of every PNG file.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The JSON of a character card: base64 in a `tEXt` chunk named `ccv3` or `chara`.
fn card_in_png(bytes: &[u8]) -> Result<Vec<u8>, Diagnostic> {
    if bytes.len() > MAX_PICTURE_BYTES {
        let message = format!("the picture is larger than {} MiB", MAX_PICTURE_BYTES >> 20);
        return Err(Diagnostic::error("file-too-large", message));
    }
    let mut found: Option<(bool, &[u8])> = None;
    let mut rest = &bytes[PNG.len()..];
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((kind, after)) = after.split_first_chunk::<4>() else { break };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some(content) = after.get(..length) else { break };
        if kind == b"tEXt"
            && let Some(end) = content.iter().position(|&byte| byte == 0)
        {
            let newer = &content[..end] == b"ccv3";
            if newer || (&content[..end] == b"chara" && found.is_none()) {
                found = Some((newer, &content[end + 1..]));
            }
        }
        rest = after.get(length.saturating_add(4)..).unwrap_or_default();
    }
    let Some((_, coded)) = found else {
        return Err(Diagnostic::error("no-card", "the picture holds no character card")
            .help("cards are kept in a tEXt chunk named `chara` or `ccv3`"));
    };
    let compact: Vec<u8> =
        coded.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let card = STANDARD.decode(&compact).map_err(|_| {
        Diagnostic::error("card-not-base64", "the card inside the picture is not base64")
    })?;
    if card.len() > MAX_FILE_BYTES {
        let message = format!("the card is longer than {} KiB", MAX_FILE_BYTES / 1024);
        return Err(Diagnostic::error("file-too-large", message));
    }
    Ok(card)
}
