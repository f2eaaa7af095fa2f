//! Calling a persona by its name, title, abbreviation or alias.

use orchestrate_core::persona::Persona;

use super::tokens::{Token, tokenise};

/// Longer names are not looked for in tasks.
const MAX_NAME_WORDS: usize = 12;

/// How the personas of a library are called.
#[derive(Debug)]
pub(crate) struct Callings {
    /// The longest first, so that `ML Engineer - JAX Specialist` is not read as `ML Engineer`.
    callings: Vec<Calling>,
    slugs: Vec<String>,
}

#[derive(Debug)]
struct Calling {
    words: Vec<String>,
    persona: usize,
    /// An abbreviation as written: `DE` is a name and `de` a word of five languages.
    exact: Option<String>,
}

/// A persona named in a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) persona: usize,
    /// The first token and the one after the last.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Whether the task calls on the persona, rather than speak of the role.
    pub(crate) called: bool,
    /// Whether it would, if nobody else answered to the same words.
    pub(crate) shared: bool,
}

impl Callings {
    pub(crate) fn new(personas: &[&Persona]) -> Self {
        let mut callings = Vec::new();
        for (at, persona) in personas.iter().enumerate() {
            let names = [&persona.name, &persona.title].into_iter().chain(&persona.aliases);
            for name in names {
                callings.push(Calling { words: words(name), persona: at, exact: None });
            }
            if let Some(short) = &persona.abbreviation {
                let exact = Some(short.clone());
                callings.push(Calling { words: words(short), persona: at, exact });
            }
        }
        callings.retain(|calling| !calling.words.is_empty());
        callings.sort_by_key(|calling| std::cmp::Reverse(calling.words.len()));
        let slugs = personas.iter().map(|persona| persona.name.clone()).collect();
        Self { callings, slugs }
    }

    /// The personas a task names, in the order of the task.
    pub(crate) fn mentions(&self, tokens: &[Token], chunks: &[String]) -> Vec<Mention> {
        let mut mentions: Vec<Mention> = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let mut found: Vec<&Calling> = Vec::new();
            for calling in &self.callings {
                let longest = found.first().map_or(0, |found| found.words.len());
                if calling.words.len() >= longest && calling.fits(&tokens[at..]) {
                    found.push(calling);
                }
            }
            let Some(length) = found.first().map(|calling| calling.words.len()) else {
                at += 1;
                continue;
            };
            let to = at + length;
            let mut personas: Vec<usize> = found.iter().map(|calling| calling.persona).collect();
            personas.sort_unstable();
            personas.dedup();
            // What several personas answer to calls none of them, unless it is the very name of one.
            let only = personas.len() == 1;
            let calls = is_called(tokens, at, to) || goes_on(&mentions, tokens, at);
            let slug = |persona: &usize| self.is_slug(*persona, &tokens[at], chunks);
            let meant = personas.iter().copied().find(slug);
            for persona in personas {
                let called = meant == Some(persona) || (only && calls);
                let shared = calls && !only && meant.is_none();
                mentions.push(Mention { persona, from: at, to, called, shared });
            }
            at = to;
        }
        call_lists(&mut mentions, tokens);
        weigh_alternatives(&mut mentions, tokens);
        mentions
    }

    /// Whether the name is written with its hyphens, or behind an `@`.
    fn is_slug(&self, persona: usize, first: &Token, chunks: &[String]) -> bool {
        let slug = self.slugs[persona].as_str();
        let chunk = chunks[first.chunk].as_str();
        let alone =
            chunk.split(|c: char| !(c.is_alphanumeric() || c == '-')).any(|part| part == slug);
        alone && slug.contains('-')
    }
}

impl Calling {
    fn fits(&self, tokens: &[Token]) -> bool {
        if tokens.len() < self.words.len() {
            return false;
        }
        let fits = self.words.iter().zip(tokens).all(|(word, token)| token.folded == *word);
        fits && self.exact.as_ref().is_none_or(|exact| {
            let written = tokens[..self.words.len()].iter().map(|token| token.text.as_str());
            written.collect::<Vec<_>>()
                == exact.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>()
        })
    }
}

fn words(name: &str) -> Vec<String> {
    tokenise(name, MAX_NAME_WORDS).tokens.into_iter().map(|token| token.folded).collect()
}

/// Words that may stand between a cue and a name.
const ARTICLES: &[&str] = &[
    "the", "our", "your", "a", "an", "den", "die", "der", "dem", "das", "unseren", "unsere", "le",
    "la", "l", "notre", "au", "el", "al", "nuestro", "il", "lo", "o", "ao", "nosso", "de", "het",
    "onze",
];

/// Articles that point at one person, as in "I need the data engineer".
const POINTING: &[&str] = &[
    "the", "our", "den", "die", "der", "dem", "das", "unseren", "unsere", "le", "la", "l", "notre",
    "el", "al", "nuestro", "il", "lo", "o", "nosso", "de", "het", "onze",
];

/// Words before a name that make it a call where an article points at it.
const POINTED_CUES: &[&str] = &[
    "need", "want", "use", "using", "get", "have", "brauche", "brauchen", "will", "hole", "besoin",
    "veux", "necesito", "quiero", "voglio", "preciso", "quero", "wil",
];

/// Words that may stand beside a name that is all of a task.
const PLEASE: &[&str] = &["please", "bitte", "plait", "favor", "favore", "alsjeblieft", "graag"];

/// Words before a name that make it a call.
const CUES: &[&str] = &[
    "as", "ask", "let", "consult", "call", "hey", "hi", "hello", "dear", "persona", "role", "als",
    "frag", "frage", "lass", "demande", "demander", "comme", "como", "pregunta", "come", "chiedi",
    "pergunte", "vraag",
];

/// `As the <title>`, `ask the <title>`, `@<title>`, `<title>: …`, `<title>, please …`.
fn is_called(tokens: &[Token], from: usize, to: usize) -> bool {
    if tokens[from].before == Some('@') {
        return true;
    }
    let opens = from == 0 || (from == 1 && ARTICLES.contains(&tokens[0].folded.as_str()));
    let last = &tokens[to - 1];
    if opens && matches!(last.after, Some(':' | '：')) {
        return true;
    }
    if opens && last.after == Some(',') && tokens.get(to).is_some_and(|next| next.folded != "i") {
        return true;
    }
    let mut cue = from;
    let mut article = "";
    while cue > 0 && from - cue < 2 && ARTICLES.contains(&tokens[cue - 1].folded.as_str()) {
        cue -= 1;
        article = tokens[cue].folded.as_str();
    }
    // A name that is all there is.
    let rest = tokens[..cue].iter().chain(&tokens[to..]);
    if rest.clone().count() <= 3 && rest.clone().all(|t| PLEASE.contains(&t.folded.as_str())) {
        return true;
    }
    let Some(before) = cue.checked_sub(1).map(|at| tokens[at].folded.as_str()) else {
        return false;
    };
    // "The data engineer's table" is not a person who is wanted.
    let owns = tokens.get(to).is_some_and(|next| next.folded == "s" && next.before == Some('\''));
    let pointed = POINTED_CUES.contains(&before) && POINTING.contains(&article) && !owns;
    if !pointed && !CUES.contains(&before) {
        return false;
    }
    // "As a data engineer, I …" says who asks.
    let asks = tokens[to..].iter().take(2).any(|token| {
        ["i", "my", "we", "ich", "wir", "je", "yo", "io", "eu", "ik"]
            .contains(&token.folded.as_str())
    });
    !(asks && matches!(article, "a" | "an" | ""))
}

/// Names that are listed at the very beginning, and addressed, before a colon.
fn call_lists(mentions: &mut [Mention], tokens: &[Token]) {
    let opens = |mention: &Mention| {
        mention.from == 0 || (mention.from == 1 && ARTICLES.contains(&tokens[0].folded.as_str()))
    };
    if !mentions.first().is_some_and(opens) {
        return;
    }
    // What several personas answer to stands there once.
    let mut spans: Vec<(usize, usize)> =
        mentions.iter().map(|mention| (mention.from, mention.to)).collect();
    spans.dedup();
    let listed =
        spans.windows(2).take_while(|pair| is_listed(&tokens[pair[0].1..pair[1].0], LISTING));
    let last = listed.count();
    let (end, to) = spans[last];
    if last == 0 || !matches!(tokens[to - 1].after, Some(':' | '：')) {
        return;
    }
    let places: Vec<usize> = mentions.iter().map(|mention| mention.from).collect();
    for mention in mentions.iter_mut().take_while(|mention| mention.from <= end) {
        let only = places.iter().filter(|place| **place == mention.from).count() == 1;
        mention.called |= only;
        mention.shared |= !only && !mention.called;
    }
}

/// "The data engineer or the ML engineer" asks who it is to be, and calls neither.
fn weigh_alternatives(mentions: &mut [Mention], tokens: &[Token]) {
    for at in 1..mentions.len() {
        if mentions[at - 1].to <= mentions[at].from {
            let between = &tokens[mentions[at - 1].to..mentions[at].from];
            let weighs = between.iter().any(|token| ALTERNATIVES.contains(&token.folded.as_str()));
            if weighs && is_listed(between, ALTERNATIVES) {
                for weighed in &mut mentions[at - 1..=at] {
                    weighed.called = false;
                    weighed.shared = false;
                }
            }
        }
    }
}

/// Words that a list of names goes on with.
const LISTING: &[&str] = &["and", "und", "et", "y", "e", "plus", "with", "en", "as", "och"];

/// Words between alternatives.
const ALTERNATIVES: &[&str] = &["or", "oder", "ou", "o", "of", "eller"];

fn is_listed(between: &[Token], joints: &[&str]) -> bool {
    between.len() <= 3
        && between.iter().all(|token| {
            let word = token.folded.as_str();
            ARTICLES.contains(&word) || joints.contains(&word)
        })
}

/// Whether a name is listed right after one that was called: "as the X and the Y".
fn goes_on(mentions: &[Mention], tokens: &[Token], from: usize) -> bool {
    let Some(last) = mentions.last().filter(|last| last.called || last.shared) else {
        return false;
    };
    is_listed(&tokens[last.to..from], LISTING)
}
