//! Names and hashes: what identifies a run, a step, a call and a piece of content.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The identifier of a run, a UUID version 7 in its lower-case hyphenated form, so that ids sort by
/// the time of creation. The core never makes one; it is passed in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// Wraps an identifier that the caller made.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path of a step or of a step instance. A step that runs once is its own only instance, so its path
/// is the key it has in the workflow file. An item of a fan-out is `step[3]`, counted from 0; a step of a
/// group is `group/step`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepPath(Arc<str>);

impl StepPath {
    /// Wraps a path that a compiler has checked.
    pub fn new(path: impl Into<Arc<str>>) -> Self {
        Self(path.into())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of one item of this fan-out, counted from 0.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        Self::new(format!("{self}[{index}]"))
    }

    /// The path of a step of this group.
    #[must_use]
    pub fn member(&self, name: &str) -> Self {
        Self::new(format!("{self}/{name}"))
    }

    /// The last name of the path, without the number of an item.
    pub fn name(&self) -> &str {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        last.split('[').next().unwrap_or_default()
    }

    /// The names of the path from the outside in, each with the number of its item.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Option<usize>)> {
        self.0.split('/').map(|part| match part.split_once('[') {
            Some((name, rest)) => (name, rest.strip_suffix(']').and_then(|text| text.parse().ok())),
            None => (part, None),
        })
    }

    /// The path without the numbers of items: that of the step in the plan.
    #[must_use]
    pub fn step(&self) -> Self {
        if !self.0.contains('[') {
            return self.clone();
        }
        let names: Vec<&str> = self.parts().map(|(name, _)| name).collect();
        Self::new(names.join("/"))
    }

    /// The numbers of the items that the path leads through, from the outside in.
    pub fn numbers(&self) -> Vec<usize> {
        self.parts().filter_map(|(_, number)| number).collect()
    }
}

impl fmt::Display for StepPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for StepPath {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}

/// What a call is made for. Each step makes one draft; a missing brief may cost one brief call, a value
/// that does not fit its schema a few repairs, and a review verdicts and revised versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Purpose {
    /// The step's own answer: deliverable and brief.
    #[default]
    Draft,
    /// The summary of a draft that came without one.
    Brief,
    /// An answer again, since its value did not fit the schema it was asked for under.
    Repair,
    /// What a reviewer says of the document.
    Verdict,
    /// A new version of the document, in answer to a review.
    Revise,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 5] =
        [Self::Draft, Self::Brief, Self::Repair, Self::Verdict, Self::Revise];

    /// The word used in call ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Brief => "brief",
            Self::Repair => "repair",
            Self::Verdict => "verdict",
            Self::Revise => "revise",
        }
    }
}

/// One model request within a step, written `model#draft.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    /// The step instance that makes the call.
    pub step: StepPath,
    /// What the call is for.
    pub purpose: Purpose,
    /// Counts calls of one purpose within a step, from 1.
    pub number: u16,
}

impl CallId {
    /// The first call of `purpose` in `step`.
    pub fn first(step: StepPath, purpose: Purpose) -> Self {
        Self { step, purpose, number: 1 }
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}.{}", self.step, self.purpose.as_str(), self.number)
    }
}

/// A text that should have been a call id or a digest and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}")]
pub struct ParseIdError {
    kind: &'static str,
    text: String,
}

impl FromStr for CallId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || ParseIdError { kind: "call id", text: text.to_owned() };
        let (step, call) = text.rsplit_once('#').ok_or_else(invalid)?;
        let (purpose, number) = call.rsplit_once('.').ok_or_else(invalid)?;
        let known = Purpose::ALL.into_iter().find(|known| known.as_str() == purpose);
        let purpose = known.ok_or_else(invalid)?;
        let number = number.parse().map_err(|_| invalid())?;
        Ok(Self { step: step.into(), purpose, number })
    }
}

/// A BLAKE3 hash of some content, 32 bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The hash of `content`.
    pub fn of(content: impl AsRef<[u8]>) -> Self {
        Self(*blake3::hash(content.as_ref()).as_bytes())
    }

    /// Wraps 32 bytes that are a hash already.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| ParseIdError { kind: "digest", text: text.to_owned() })
    }
}

/// Implements serde through `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($name:ty) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

serde_as_text!(CallId);
serde_as_text!(Digest);

/// Hashes fields one after another so that no two different lists of fields share an encoding:
/// every field is preceded by its length in bytes as a little-endian `u64`.
#[derive(Debug, Clone)]
pub struct FieldHasher(blake3::Hasher);

impl FieldHasher {
    /// A hasher for one domain; different domains never collide (BLAKE3 key derivation mode).
    pub fn new(domain: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(domain))
    }

    /// Adds one field.
    pub fn field(&mut self, content: impl AsRef<[u8]>) -> &mut Self {
        let content = content.as_ref();
        self.0.update(&(content.len() as u64).to_le_bytes());
        self.0.update(content);
        self
    }

    /// The hash of all fields so far.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_reads_back_what_it_prints() {
        let id = CallId { step: "outer[2]/inner#x".into(), purpose: Purpose::Brief, number: 7 };
        assert_eq!(id.to_string().parse::<CallId>(), Ok(id));
        for bad in ["", "data", "data#draft", "data#dance.1", "data#draft.x"] {
            assert!(bad.parse::<CallId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_knows_its_step_and_its_items() {
        let path = StepPath::from("outer").item(2).member("inner").item(0);
        assert_eq!(path.as_str(), "outer[2]/inner[0]");
        assert_eq!((path.step().as_str(), path.name()), ("outer/inner", "inner"));
        assert_eq!(path.numbers(), [2, 0]);
    }

    #[test]
    fn fields_cannot_be_shifted_into_each_other() {
        let hash = |fields: &[&str]| {
            let mut hasher = FieldHasher::new("test");
            for field in fields {
                hasher.field(field);
            }
            hasher.finish()
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["ab"]), hash(&["ab", ""]));
    }
}
