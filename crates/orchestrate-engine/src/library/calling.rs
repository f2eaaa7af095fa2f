//! Calling personas as people do: by name, title, abbreviation or alias.

use std::sync::Arc;

use orchestrate_core::{neutral, persona::Persona, suggest};

use super::PersonaLibrary;

/// The personas of a library that can be read.
#[derive(Debug, Default)]
pub struct ReadablePersonas {
    /// Them, in the order of names.
    pub personas: Vec<Arc<Persona>>,
    /// Names whose files cannot be read as personas.
    pub unreadable: Vec<String>,
}

/// A word that calls no persona.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCalled {
    /// Nobody is called so.
    #[error("unknown persona `{given}`")]
    Unknown {
        /// The word.
        given: String,
        /// What to do.
        help: Option<String>,
    },
    /// Several are called so.
    #[error("`{given}` is what {} are called", personas.join(" and "))]
    Ambiguous {
        /// The word.
        given: String,
        /// Their names.
        personas: Vec<String>,
    },
}

impl NotCalled {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { help, .. } => help.clone(),
            Self::Ambiguous { .. } => Some("give the name of the one you mean".into()),
        }
    }
}

impl PersonaLibrary {
    /// Reads every persona; a file that cannot be used does not hide the others.
    pub fn readable(&self) -> ReadablePersonas {
        let mut found = ReadablePersonas::default();
        for name in self.names() {
            match self.read(name).ok().flatten().and_then(|entry| entry.persona) {
                Some(persona) => found.personas.push(Arc::new(persona)),
                None => found.unreadable.push(name.to_owned()),
            }
        }
        found
    }
}

impl ReadablePersonas {
    /// The names of the personas that `words` call, each once, or every word that calls nobody. Case and
    /// what stands between words do not count.
    pub fn called(&self, words: &[String]) -> Result<Vec<String>, Vec<NotCalled>> {
        let mut names: Vec<String> = Vec::new();
        let mut faults = Vec::new();
        for word in words {
            match self.call(word) {
                Ok(name) if names.contains(&name) => {}
                Ok(name) => names.push(name),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(names) } else { Err(faults) }
    }

    fn call(&self, word: &str) -> Result<String, NotCalled> {
        let names = || self.personas.iter().map(|persona| persona.name.as_str());
        // The exact name comes first; why its file cannot be read is said where it is used.
        if let Some(exact) =
            names().chain(self.unreadable.iter().map(String::as_str)).find(|name| *name == word)
        {
            return Ok(exact.to_owned());
        }
        let wanted = folded(word);
        let so_called = self.personas.iter().filter(|persona| {
            !wanted.is_empty() && callings(persona).any(|calling| folded(calling) == wanted)
        });
        let so_called: Vec<String> = so_called.map(|persona| persona.name.clone()).collect();
        let given = neutral::excerpt(word, 60);
        match so_called.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(NotCalled::Unknown { help: self.advice(word), given }),
            _ => Err(NotCalled::Ambiguous { given, personas: so_called }),
        }
    }

    fn advice(&self, word: &str) -> Option<String> {
        let all = || self.personas.iter().flat_map(|persona| callings(persona));
        match suggest::closest(word, all()) {
            Some(close) => {
                let meant = self
                    .personas
                    .iter()
                    .find(|persona| callings(persona).any(|calling| calling == close))?;
                Some(format!("did you mean `{}`?", meant.name))
            }
            None => {
                suggest::advice(word, self.personas.iter().map(|persona| persona.name.as_str()))
            }
        }
    }
}

/// What a persona is called.
fn callings(persona: &Persona) -> impl Iterator<Item = &str> {
    let names = [persona.name.as_str(), persona.title.as_str()];
    let short = persona.abbreviation.as_deref();
    let aliases = persona.aliases.iter().map(String::as_str);
    names.into_iter().chain(short).chain(aliases)
}

/// Words in small letters with single spaces between them.
fn folded(text: &str) -> String {
    let small = text.to_lowercase();
    let words = small.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
