//! Chains of models: the one that is meant, and those that are asked where it cannot be had.

use orchestrate_core::request::ModelRef;
use serde::{Deserialize, Deserializer, de};

/// Models in a chain at most. Longer ones are slips of the keyboard.
const MOST: usize = 8;

/// A model and those that are asked in its place, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The model that is meant.
    pub model: ModelRef,
    /// The others.
    pub fallbacks: Vec<ModelRef>,
}

impl Chain {
    /// A model without others.
    pub fn only(model: ModelRef) -> Self {
        Self { model, fallbacks: Vec::new() }
    }

    /// All its models.
    pub fn models(&self) -> impl Iterator<Item = &ModelRef> {
        std::iter::once(&self.model).chain(&self.fallbacks)
    }
}

/// What an alias stands for, as it is written: a text, or a list of them. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spelled(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Spelled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Spelled;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a model or a list of models")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Spelled, E> {
                Ok(Spelled(vec![text.to_owned()]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Spelled, A::Error> {
                let mut models: Vec<String> = Vec::new();
                while let Some(model) = list.next_element()? {
                    if models.len() == MOST {
                        let message = format!("too many models, expected {MOST} at most");
                        return Err(de::Error::custom(message));
                    }
                    // A second time it would fail as it did the first.
                    if !models.contains(&model) {
                        models.push(model);
                    }
                }
                if models.is_empty() {
                    return Err(de::Error::custom("an empty list, expected at least one model"));
                }
                Ok(Spelled(models))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
