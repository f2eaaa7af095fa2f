//! Which files a corpus has, and each of them when it is asked for.

use super::{
    dice::Dice,
    dirt, friends,
    mess::{Among, Mess, RATES},
    shapes,
};

/// A kind of file and how many of 7,800 were of it.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// The id of the format, or what it is taken for.
    pub kind: &'static str,
    /// How many there were.
    pub seen: usize,
    among: Option<Among>,
    make: fn(&mut Dice, &Draw<'_>) -> Shape,
}

/// What a file is drawn from.
#[derive(Debug)]
pub(super) struct Draw<'m> {
    /// The file's number within its kind.
    pub(super) number: usize,
    pub(super) mess: &'m [Mess],
}

impl Draw<'_> {
    pub(super) fn has(&self, mess: Mess) -> bool {
        self.mess.contains(&mess)
    }
}

/// A file before the mess of bytes.
#[derive(Debug)]
pub(super) struct Shape {
    /// Below a folder of the file's own.
    pub(super) path: String,
    pub(super) content: Content,
    pub(super) expected: Expected,
    pub(super) leaves: Vec<String>,
}

/// What a file holds.
#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

impl Shape {
    pub(super) fn of(path: String, text: String, personas: usize, leaves: Vec<String>) -> Self {
        Self { path, content: Content::Text(text), expected: Expected::Personas(personas), leaves }
    }

    pub(super) fn refused(path: String, text: String) -> Self {
        let content = Content::Text(text);
        Self { path, content, expected: Expected::Refused, leaves: Vec::new() }
    }
}

/// What an import of a file has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// So many personas.
    Personas(usize),
    /// None, and an error that says why.
    Refused,
}

/// A generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorpusFile {
    /// Where it lies in the corpus.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// The kind of file, as in [`SHARES`].
    pub kind: &'static str,
    /// What is wrong with it.
    pub mess: Vec<Mess>,
    /// What an import has to give.
    pub expected: Expected,
    /// The texts that have to come out.
    pub leaves: Vec<String>,
}

macro_rules! shares {
    ($($kind:literal $seen:literal $among:expr, $make:path;)*) => {
        /// Every kind of file, formats first, with its share of 7,800.
        pub const SHARES: &[Share] =
            &[$(Share { kind: $kind, seen: $seen, among: $among, make: $make }),*];
    };
}

shares! {
    "claude-code" 2211 Some(Among::Agents), shapes::front::claude_code;
    "agent-skill" 1500 Some(Among::Long), shapes::front::agent_skill;
    "copilot" 700 Some(Among::Front), shapes::front::copilot;
    "lobe" 500 Some(Among::Texts), shapes::structured::lobe;
    "roo" 300 Some(Among::Texts), shapes::several::roo;
    "opencode" 250 Some(Among::Front), shapes::front::opencode;
    "crewai" 240 Some(Among::Texts), shapes::several::crewai;
    "fabric" 230 Some(Among::Texts), shapes::markdown::fabric;
    "codex" 180 Some(Among::Texts), shapes::structured::codex;
    "goose" 180 Some(Among::Texts), shapes::structured::goose;
    "bmad" 160 Some(Among::Texts), shapes::structured::bmad;
    "character-card" 160 None, shapes::structured::character_card;
    "kiro" 140 Some(Among::Texts), shapes::structured::kiro;
    "sections" 132 Some(Among::Texts), shapes::markdown::sections;
    "gemini-cli" 120 Some(Among::Front), shapes::front::gemini_cli;
    "cagent" 120 Some(Among::Texts), shapes::several::cagent;
    "canonical" 60 None, shapes::front::canonical;
    "praisonai" 60 Some(Among::Texts), shapes::several::praisonai;
    "agent-framework" 60 Some(Among::Texts), shapes::structured::agent_framework;
    "xml-persona" 39 Some(Among::Texts), shapes::markdown::xml_persona;
    "catalogue" 12 Some(Among::Texts), shapes::several::catalogue;
    "project-document" 10 Some(Among::Texts), shapes::several::project_document;
    "prompts-csv" 6 Some(Among::Texts), shapes::several::prompts_csv;
    "editor rule" 260 Some(Among::Texts), friends::editor_rule;
    "false friend" 165 Some(Among::Texts), friends::false_friend;
    "beyond a limit" 5 None, friends::beyond_a_limit;
}

/// A corpus that is known by its size and seed; the files are made one at a time.
#[derive(Debug, Clone)]
pub struct Corpus {
    seed: u64,
    /// The share, the number within it, and the mess of each file.
    files: Vec<(usize, usize, Vec<Mess>)>,
}

impl Corpus {
    /// Plans so many files, but at least one of each kind.
    pub fn new(files: usize, seed: u64) -> Self {
        let all: usize = SHARES.iter().map(|share| share.seen).sum();
        let mut plan = Vec::new();
        for (at, share) in SHARES.iter().enumerate().skip(1) {
            let count = (share.seen * files / all).max(1);
            plan.extend((0..count).map(|number| (at, number, Vec::new())));
        }
        let rest = files.saturating_sub(plan.len()).max(1);
        plan.splice(0..0, (0..rest).map(|number| (0, number, Vec::new())));
        let mut corpus = Self { seed, files: plan };
        corpus.spread();
        corpus
    }

    /// Gives each mess to as many files as its rate says, but at least to one.
    fn spread(&mut self) {
        for (at, rate) in RATES.iter().enumerate() {
            let fits = |kind: usize| match (rate.among, SHARES[kind].among) {
                (_, None) => false,
                (Among::Texts, Some(_)) => true,
                (Among::Front, Some(among)) => among != Among::Texts,
                (Among::Agents, Some(among)) => among == Among::Agents,
                (Among::Long, Some(among)) => matches!(among, Among::Agents | Among::Long),
            };
            let mut files: Vec<usize> =
                (0..self.files.len()).filter(|&file| fits(self.files[file].0)).collect();
            let count = (files.len() * rate.seen).div_ceil(rate.of);
            Dice::new(self.seed, at).shuffle(&mut files);
            let apart = |mess: &[Mess]| mess.iter().any(|&other| excludes(rate.mess, other));
            let free = files.into_iter().filter(|&file| !apart(&self.files[file].2));
            for file in free.take(count).collect::<Vec<_>>() {
                self.files[file].2.push(rate.mess);
            }
        }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none, which never is.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files, each made when its turn comes.
    pub fn files(&self) -> impl Iterator<Item = CorpusFile> + '_ {
        (0..self.len()).map(|at| self.file(at))
    }

    /// The file with this number, counted from 0.
    ///
    /// # Panics
    ///
    /// Where there are fewer.
    pub fn file(&self, at: usize) -> CorpusFile {
        let (kind, number, mess) = &self.files[at];
        let of = &SHARES[*kind];
        // A file that repeats another is drawn as that one was.
        let drawn = if mess.contains(&Mess::NameRepeats) { at.saturating_sub(1) } else { at };
        let mut dice = Dice::new(self.seed, drawn + RATES.len());
        let shape = (of.make)(&mut dice, &Draw { number: *number, mess });
        let bytes = match shape.content {
            Content::Text(text) => dirt::dirty(&text, mess),
            Content::Bytes(bytes) => bytes,
        };
        CorpusFile {
            path: format!("{}/{number}/{}", of.kind.replace(' ', "-"), shape.path),
            bytes,
            kind: of.kind,
            mess: mess.clone(),
            expected: shape.expected,
            leaves: shape.leaves,
        }
    }
}

/// Whether two kinds of mess cannot be in one file.
fn excludes(one: Mess, other: Mess) -> bool {
    let groups: [&[Mess]; 3] = [
        &[Mess::Crlf, Mess::MixedEnds],
        &[Mess::Bom, Mess::Windows1252, Mess::Invisible],
        &[Mess::NameDiffers, Mess::NameNotSlug, Mess::NameAbsent],
    ];
    one == other || groups.iter().any(|group| group.contains(&one) && group.contains(&other))
}
