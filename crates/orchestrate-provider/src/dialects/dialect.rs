//! The dialects that are known.

use serde::{Deserialize, Serialize};

use super::{
    anthropic::{Anthropic, AnthropicVersion},
    chat::{Chat, ChatQuirks},
    gemini::Gemini,
    ollama::Ollama,
    responses::Responses,
    wire::Wire,
};

/// What a server speaks, with what varies between the servers that speak it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialect {
    /// `OpenAI`'s Chat Completions, and everything compatible.
    ChatCompletions(ChatQuirks),
    /// The same in Azure's older form, where a model is a deployment in the address.
    AzureDeployments {
        /// The version of the interface, such as `2024-10-21`.
        version: String,
    },
    /// `OpenAI`'s Responses.
    Responses,
    /// Anthropic's Messages.
    AnthropicMessages {
        /// The version of the interface.
        version: AnthropicVersion,
        /// Whether the part of a prompt that stays the same is marked for the provider's cache.
        cache: bool,
        /// The longest answer in tokens where the request sets none; the dialect requires one.
        max_tokens: Option<u32>,
    },
    /// Gemini's generateContent.
    Gemini {
        /// The version in the path: `v1`, `v1beta` or a later one.
        version: String,
    },
    /// Ollama's own chat.
    Ollama {
        /// The context window in tokens; by default as large as the prompt needs.
        context: Option<u32>,
    },
}

impl Dialect {
    pub(crate) fn wire(&self) -> Box<dyn Wire> {
        match self.clone() {
            Self::ChatCompletions(quirks) => Box::new(Chat { quirks, azure_version: None }),
            Self::AzureDeployments { version } => {
                Box::new(Chat { quirks: ChatQuirks::OPENAI, azure_version: Some(version) })
            }
            Self::Responses => Box::new(Responses),
            Self::AnthropicMessages { version, cache, max_tokens } => {
                Box::new(Anthropic { version, cache, max_tokens })
            }
            Self::Gemini { version } => Box::new(Gemini { version }),
            Self::Ollama { context } => Box::new(Ollama { context }),
        }
    }
}

/// How hard a model that reasons shall think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Not at all, where the model can do without.
    None,
    /// As little as possible.
    Minimal,
    /// A little.
    Low,
    /// The usual.
    Medium,
    /// A lot.
    High,
    /// As much as the model can.
    Max,
}

impl Effort {
    /// The word that configs and most dialects use.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Max => "max",
        }
    }
}
