//! `personas.lock`: which personas a project uses, byte for byte.
//!
//! The file is TOML, one table for each persona, sorted by name, so that a change of one persona is a
//! change of one line.

use std::{collections::BTreeMap, fmt, ops::Range, str::FromStr, sync::Arc};

use orchestrate_core::{
    diagnostic::{Diagnostic, Source, has_errors},
    neutral, suggest,
};
use sha2::Digest as _;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The name of the file.
pub const LOCK_FILE: &str = "personas.lock";

/// A longer file is refused: it would hold more than ten thousand personas.
pub const MAX_LOCK_BYTES: usize = 4 * 1024 * 1024;

/// The only version there is.
const VERSION: &str = "1";
const KEYS: &[&str] = &["version", "persona"];
const PERSONA_KEYS: &[&str] = &["name", "source", "licence", "sha256"];
const BUILT_IN: &str = "built-in";

/// The SHA-256 of a persona file's bytes, written as 64 small hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that should have been a SHA-256 and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseSha256Error {
    /// It has another number of characters than 64.
    #[error("a SHA-256 has 64 hexadecimal digits, this has {0} characters")]
    Length(usize),
    /// It holds something else than small hexadecimal digits.
    #[error("a SHA-256 is made of the digits 0 to 9 and a to f")]
    Digits,
}

impl FromStr for Sha256 {
    type Err = ParseSha256Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if length != 64 {
            return Err(ParseSha256Error::Length(length));
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let [high, low] = pair else { return Err(ParseSha256Error::Digits) };
            let (high, low) = digit(*high).zip(digit(*low)).ok_or(ParseSha256Error::Digits)?;
            *byte = high << 4 | low;
        }
        Ok(Self(hash))
    }
}

/// Where a persona comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonaSource {
    /// It is part of the program.
    BuiltIn,
    /// A file, relative to the lock file's folder where it lies below it, with `/` between the parts.
    Path(String),
}

impl fmt::Display for PersonaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str(BUILT_IN),
            // A file may be called like the word.
            Self::Path(path) if path == BUILT_IN => write!(f, "./{path}"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

impl From<&str> for PersonaSource {
    fn from(text: &str) -> Self {
        if text == BUILT_IN { Self::BuiltIn } else { Self::Path(text.to_owned()) }
    }
}

/// One persona as it is locked, or as it is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPersona {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub source: PersonaSource,
    /// Under which licence, where that is known.
    pub licence: Option<String>,
    /// The hash of its file's bytes.
    pub sha256: Sha256,
}

/// The content of a lock file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    personas: BTreeMap<String, LockedPersona>,
}

/// How a persona in use differs from the locked one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// It is not in the lock file.
    NotLocked {
        /// The persona.
        name: String,
    },
    /// Its bytes differ.
    Changed {
        /// The persona.
        name: String,
        /// The hash in the lock file.
        locked: Sha256,
        /// The hash of the file in use.
        used: Sha256,
    },
    /// Its bytes are those that were locked, and it comes from elsewhere.
    Moved {
        /// The persona.
        name: String,
        /// The source in the lock file.
        locked: PersonaSource,
        /// The source in use.
        used: PersonaSource,
    },
}

impl Mismatch {
    /// The persona.
    pub fn name(&self) -> &str {
        match self {
            Self::NotLocked { name } | Self::Changed { name, .. } | Self::Moved { name, .. } => {
                name
            }
        }
    }

    /// Whether a run must not go on: the text is another one than was locked, or was never locked.
    pub fn refuses(&self) -> bool {
        match self {
            Self::NotLocked { .. } | Self::Changed { .. } => true,
            Self::Moved { .. } => false,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLocked { name } => write!(f, "persona `{name}` is not in {LOCK_FILE}"),
            Self::Changed { name, locked, used } => {
                let short = |hash: &Sha256| hash.to_string()[..12].to_owned();
                let (locked, used) = (short(locked), short(used));
                write!(f, "persona `{name}` has changed: locked {locked}…, found {used}…")
            }
            Self::Moved { name, locked, used } => {
                let shown = |source: &PersonaSource| neutral::one_line(&source.to_string());
                let (locked, used) = (shown(locked), shown(used));
                write!(f, "persona `{name}` comes from `{used}`, and was locked from `{locked}`")
            }
        }
    }
}

impl Lock {
    /// A lock of these personas; of two with one name the later one counts.
    pub fn new(personas: impl IntoIterator<Item = LockedPersona>) -> Self {
        let named = personas.into_iter().map(|persona| (persona.name.clone(), persona));
        Self { personas: named.collect() }
    }

    /// The locked personas by name.
    pub fn personas(&self) -> impl Iterator<Item = &LockedPersona> {
        self.personas.values()
    }

    /// Compares the personas in use with the locked ones, in the order given. A locked persona that is
    /// not in use is no mismatch: another run may use it.
    pub fn verify(&self, used: &[LockedPersona]) -> Vec<Mismatch> {
        used.iter().filter_map(|persona| self.mismatch(persona)).collect()
    }

    fn mismatch(&self, used: &LockedPersona) -> Option<Mismatch> {
        let name = used.name.clone();
        let Some(locked) = self.personas.get(&name) else {
            return Some(Mismatch::NotLocked { name });
        };
        if locked.sha256 != used.sha256 {
            return Some(Mismatch::Changed { name, locked: locked.sha256, used: used.sha256 });
        }
        (locked.source != used.source).then(|| Mismatch::Moved {
            name,
            locked: locked.source.clone(),
            used: used.source.clone(),
        })
    }

    /// Locks the personas in use as they are and keeps the others. A licence that is no longer known
    /// is kept only while the bytes are the same.
    pub fn update(&mut self, used: &[LockedPersona]) {
        for persona in used {
            let mut persona = persona.clone();
            if let Some(before) = self.personas.get(&persona.name)
                && before.sha256 == persona.sha256
            {
                persona.licence = persona.licence.or_else(|| before.licence.clone());
            }
            self.personas.insert(persona.name.clone(), persona);
        }
    }

    /// The file's text; equal locks give equal bytes.
    pub fn render(&self) -> String {
        let mut text = format!(
            "# The personas in use, byte for byte. Written by orchestrate.\nversion = {VERSION}\n"
        );
        for LockedPersona { name, source, licence, sha256 } in self.personas.values() {
            text.push_str("\n[[persona]]\n");
            let licence = licence.as_deref().map(|licence| ("licence", licence.to_owned()));
            let entries = [("name", name.clone()), ("source", source.to_string())].into_iter();
            for (key, value) in entries.chain(licence).chain([("sha256", sha256.to_string())]) {
                text.extend([key, " = ", &quoted(&value), "\n"]);
            }
        }
        text
    }

    /// Reads a lock file and reports all mistakes at once; there is a lock only where none of them is an
    /// error. All of them are: what a lock does not understand it must not pass.
    pub fn parse(source: &Arc<Source>) -> (Option<Self>, Vec<Diagnostic>) {
        let mut reader = Reader { source, diagnostics: Vec::new() };
        let lock = reader.lock();
        let sound = !has_errors(&reader.diagnostics);
        let place = |found: &Diagnostic| found.labels.first().map(|label| label.span.start);
        reader.diagnostics.sort_by_key(place);
        (lock.filter(|_| sound), reader.diagnostics)
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || neutral::is_hidden(c) => {
                quoted.extend(["\\U", &format!("{:08X}", u32::from(c))]);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Reads one file, noting every mistake and going on.
struct Reader<'s> {
    source: &'s Arc<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(&mut self, code: &'static str, span: Range<usize>, message: String, help: &str) {
        let error = Diagnostic::error(code, message).at(self.source, span, "");
        self.diagnostics.push(if help.is_empty() { error } else { error.help(help) });
    }

    fn lock(&mut self) -> Option<Lock> {
        let text = self.source.text.as_str();
        if text.len() > MAX_LOCK_BYTES {
            let message = format!("{LOCK_FILE} is longer than {MAX_LOCK_BYTES} bytes");
            self.error("file-too-large", 0..0, message, "write it anew with `--update-lock`");
            return None;
        }
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let message = format!("{LOCK_FILE} is not TOML: {}", error.message());
                let help = "a merge may have left its marks; `--update-lock` writes the file anew";
                self.error("not-toml", span, message, help);
                return None;
            }
        };
        self.known_keys(table.get_ref(), KEYS);
        self.version(table.get_ref());
        let mut lock = Lock::default();
        for persona in self.tables(table.get_ref()) {
            let Some(read) = self.persona(&persona) else { continue };
            let (name, place) = (read.name.clone(), persona.span());
            if lock.personas.insert(name.clone(), read).is_some() {
                let message = format!("`{name}` is locked twice");
                self.error("duplicate-name", place, message, "delete one of the two");
            }
        }
        Some(lock)
    }

    fn known_keys(&mut self, table: &DeTable<'_>, known: &'static [&'static str]) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let message = format!("unknown key `{name}`");
                let help = suggest::advice(name, known.iter().copied()).unwrap_or_default();
                self.error("unknown-key", key.span(), message, &help);
            }
        }
    }

    fn version(&mut self, table: &DeTable<'_>) {
        match table.get("version") {
            None => {
                let message = format!("{LOCK_FILE} has no `version`");
                self.error("missing-key", 0..0, message, "add `version = 1` at the top");
            }
            Some(version) => {
                let known =
                    version.get_ref().as_integer().is_some_and(|number| number.as_str() == VERSION);
                if !known {
                    let message = format!("{LOCK_FILE} is of another version than {VERSION}");
                    let help = "a newer program wrote it: use that one";
                    self.error("unknown-version", version.span(), message, help);
                }
            }
        }
    }

    fn tables<'t>(&mut self, table: &'t DeTable<'t>) -> Vec<Spanned<&'t DeTable<'t>>> {
        let Some(value) = table.get("persona") else { return Vec::new() };
        let help = "write each persona below a line `[[persona]]`";
        let Some(array) = value.get_ref().as_array() else {
            self.error("wrong-type", value.span(), "`persona` must be a list".to_owned(), help);
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(array.len());
        for entry in array {
            if let Some(table) = entry.get_ref().as_table() {
                tables.push(Spanned::new(entry.span(), table));
            } else {
                let message = "an entry of `persona` must be a table".to_owned();
                self.error("wrong-type", entry.span(), message, help);
            }
        }
        tables
    }

    fn persona(&mut self, table: &Spanned<&DeTable<'_>>) -> Option<LockedPersona> {
        self.known_keys(table.get_ref(), PERSONA_KEYS);
        let name = self.text(table, "name", true);
        let source = self.text(table, "source", true);
        let licence = self.text(table, "licence", false);
        let hash = self.text(table, "sha256", true);
        let sha256 = hash.and_then(|hash| match hash.get_ref().parse::<Sha256>() {
            Ok(sha256) => Some(sha256),
            Err(error) => {
                let help = "`--update-lock` writes the hash of the file in use";
                self.error("wrong-hash", hash.span(), error.to_string(), help);
                None
            }
        });
        Some(LockedPersona {
            name: name?.into_inner(),
            source: PersonaSource::from(source?.get_ref().as_str()),
            licence: licence.map(Spanned::into_inner),
            sha256: sha256?,
        })
    }

    /// A text of a table that is not empty.
    fn text(
        &mut self,
        table: &Spanned<&DeTable<'_>>,
        key: &'static str,
        required: bool,
    ) -> Option<Spanned<String>> {
        let Some(value) = table.get_ref().get(key) else {
            if required {
                let message = format!("this persona has no `{key}`");
                self.error("missing-key", table.span(), message, "`--update-lock` writes it");
            }
            return None;
        };
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => {
                Some(Spanned::new(value.span(), text.clone().into_owned()))
            }
            _ => {
                let message = format!("`{key}` must be a text that is not empty");
                self.error("wrong-type", value.span(), message, "put it in quotes");
                None
            }
        }
    }
}
