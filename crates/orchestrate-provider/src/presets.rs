//! The providers that are known by name: one table, no code. A row says what its server speaks, where it
//! is, which variables hold its key, and what it does differently.

use crate::dialects::{
    AnthropicVersion, ChatQuirks, Dialect, EffortMember, SeedMember, TokenLimitParameter,
};

/// What a provider's server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `OpenAI`'s Chat Completions.
    ChatCompletions,
    /// The same on Azure, where models are deployments.
    Azure,
    /// `OpenAI`'s Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
    /// Ollama's own.
    Ollama,
}

impl Protocol {
    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::ChatCompletions => "Chat Completions",
            Self::Azure => "Chat Completions on Azure",
            Self::Responses => "Responses",
            Self::Anthropic => "Messages",
            Self::Gemini => "generateContent",
            Self::Ollama => "Ollama's chat",
        }
    }
}

/// An environment variable that holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyVariable {
    /// Its name.
    pub name: &'static str,
    /// Whether what it holds is sent as a bearer token whatever the dialect does with keys.
    pub is_token: bool,
}

/// One provider that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// The name in `name:model`.
    pub name: &'static str,
    /// The vendor or program.
    pub title: &'static str,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its address, unless everybody has one of their own.
    pub base_url: Option<&'static str>,
    /// The variable that names another address.
    pub address_variable: Option<&'static str>,
    /// The variables that hold its key; the first that is set wins.
    pub keys: &'static [KeyVariable],
    /// Whether it answers nobody without a key.
    pub needs_key: bool,
    /// Where a key is had, or the program is described.
    pub page: &'static str,
    /// A model for examples.
    pub example: &'static str,
    /// What it does differently, where it speaks Chat Completions.
    pub quirks: ChatQuirks,
}

impl Preset {
    /// The dialect with nothing but defaults.
    pub fn dialect(&self) -> Dialect {
        match self.protocol {
            Protocol::ChatCompletions | Protocol::Azure => Dialect::ChatCompletions(self.quirks),
            Protocol::Responses => Dialect::Responses,
            Protocol::Anthropic => Dialect::AnthropicMessages {
                version: AnthropicVersion::Newest,
                cache: true,
                max_tokens: None,
            },
            Protocol::Gemini => Dialect::Gemini { version: "v1".into() },
            Protocol::Ollama => Dialect::Ollama { context: None },
        }
    }

    /// Whether the server is a program on the user's own machine.
    pub fn is_local(&self) -> bool {
        self.base_url.is_some_and(|url| url.starts_with("http://127.0.0.1"))
    }
}

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

const fn key(name: &'static str) -> KeyVariable {
    KeyVariable { name, is_token: false }
}

const fn token(name: &'static str) -> KeyVariable {
    KeyVariable { name, is_token: true }
}

/// A vendor that speaks Chat Completions and answers nobody without a key.
const fn vendor(
    name: &'static str,
    title: &'static str,
    base_url: &'static str,
    keys: &'static [KeyVariable],
    page: &'static str,
    example: &'static str,
) -> Preset {
    Preset {
        name,
        title,
        protocol: Protocol::ChatCompletions,
        base_url: Some(base_url),
        address_variable: None,
        keys,
        needs_key: true,
        page,
        example,
        quirks: ChatQuirks::COMPATIBLE,
    }
}

/// A program on the user's own machine that speaks Chat Completions.
const fn local(
    name: &'static str,
    title: &'static str,
    base_url: &'static str,
    keys: &'static [KeyVariable],
    page: &'static str,
) -> Preset {
    Preset { needs_key: false, ..vendor(name, title, base_url, keys, page, "my-model") }
}

/// Every provider that is known by name.
pub static PRESETS: &[Preset] = &[
    Preset {
        address_variable: Some("OPENAI_BASE_URL"),
        quirks: ChatQuirks::OPENAI,
        ..vendor(
            "openai",
            "OpenAI",
            "https://api.openai.com/v1",
            &[key("OPENAI_API_KEY")],
            "https://platform.openai.com/api-keys",
            "gpt-5-mini",
        )
    },
    Preset {
        protocol: Protocol::Responses,
        address_variable: Some("OPENAI_BASE_URL"),
        ..vendor(
            "openai-responses",
            "OpenAI, by Responses",
            "https://api.openai.com/v1",
            &[key("OPENAI_API_KEY")],
            "https://platform.openai.com/api-keys",
            "gpt-5-mini",
        )
    },
    Preset {
        protocol: Protocol::Anthropic,
        address_variable: Some("ANTHROPIC_BASE_URL"),
        ..vendor(
            "anthropic",
            "Anthropic",
            "https://api.anthropic.com",
            &[key("ANTHROPIC_API_KEY"), token("ANTHROPIC_AUTH_TOKEN")],
            "https://platform.claude.com/settings/keys",
            "claude-sonnet-4-5",
        )
    },
    Preset {
        protocol: Protocol::Gemini,
        address_variable: Some("GOOGLE_GEMINI_BASE_URL"),
        ..vendor(
            "gemini",
            "Google Gemini",
            "https://generativelanguage.googleapis.com",
            &[key("GOOGLE_API_KEY"), key("GEMINI_API_KEY")],
            "https://aistudio.google.com/apikey",
            "gemini-2.5-flash",
        )
    },
    Preset {
        protocol: Protocol::Azure,
        base_url: None,
        address_variable: Some("AZURE_OPENAI_ENDPOINT"),
        quirks: ChatQuirks::OPENAI,
        ..vendor(
            "azure",
            "Azure OpenAI",
            "",
            &[token("AZURE_OPENAI_AD_TOKEN"), key("AZURE_OPENAI_API_KEY")],
            "https://ai.azure.com",
            "my-deployment",
        )
    },
    Preset {
        protocol: Protocol::Ollama,
        address_variable: Some("OLLAMA_HOST"),
        ..local(
            "ollama",
            "Ollama",
            "http://127.0.0.1:11434",
            &[key("OLLAMA_API_KEY")],
            "https://ollama.com/download",
        )
    },
    Preset {
        quirks: ChatQuirks { effort: EffortMember::Reasoning, ..ChatQuirks::COMPATIBLE },
        ..vendor(
            "openrouter",
            "OpenRouter",
            "https://openrouter.ai/api/v1",
            &[key("OPENROUTER_API_KEY")],
            "https://openrouter.ai/settings/keys",
            "openai/gpt-5-mini",
        )
    },
    Preset {
        quirks: ChatQuirks {
            effort: EffortMember::None,
            seed: SeedMember::None,
            ..ChatQuirks::COMPATIBLE
        },
        ..vendor(
            "deepseek",
            "DeepSeek",
            "https://api.deepseek.com/v1",
            &[key("DEEPSEEK_API_KEY")],
            "https://platform.deepseek.com/api_keys",
            "deepseek-chat",
        )
    },
    Preset {
        quirks: ChatQuirks {
            asks_for_usage: false,
            seed: SeedMember::RandomSeed,
            effort: EffortMember::None,
            ..ChatQuirks::COMPATIBLE
        },
        ..vendor(
            "mistral",
            "Mistral",
            "https://api.mistral.ai/v1",
            &[key("MISTRAL_API_KEY")],
            "https://console.mistral.ai/api-keys",
            "mistral-large-latest",
        )
    },
    Preset {
        quirks: ChatQuirks {
            token_limit: TokenLimitParameter::MaxCompletionTokens,
            ..ChatQuirks::COMPATIBLE
        },
        ..vendor(
            "groq",
            "Groq",
            "https://api.groq.com/openai/v1",
            &[key("GROQ_API_KEY")],
            "https://console.groq.com/keys",
            "llama-3.3-70b-versatile",
        )
    },
    vendor(
        "together",
        "Together",
        "https://api.together.xyz/v1",
        &[key("TOGETHER_API_KEY")],
        "https://api.together.ai/settings/api-keys",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ),
    vendor(
        "fireworks",
        "Fireworks",
        "https://api.fireworks.ai/inference/v1",
        &[key("FIREWORKS_API_KEY")],
        "https://app.fireworks.ai/settings/users/api-keys",
        "accounts/fireworks/models/deepseek-v3",
    ),
    Preset {
        quirks: ChatQuirks {
            token_limit: TokenLimitParameter::MaxCompletionTokens,
            ..ChatQuirks::COMPATIBLE
        },
        ..vendor(
            "xai",
            "xAI",
            "https://api.x.ai/v1",
            &[key("XAI_API_KEY")],
            "https://console.x.ai",
            "grok-4",
        )
    },
    Preset {
        quirks: ChatQuirks {
            token_limit: TokenLimitParameter::MaxCompletionTokens,
            ..ChatQuirks::COMPATIBLE
        },
        ..vendor(
            "cerebras",
            "Cerebras",
            "https://api.cerebras.ai/v1",
            &[key("CEREBRAS_API_KEY")],
            "https://cloud.cerebras.ai",
            "gpt-oss-120b",
        )
    },
    vendor(
        "nvidia",
        "NVIDIA",
        "https://integrate.api.nvidia.com/v1",
        &[key("NVIDIA_API_KEY")],
        "https://build.nvidia.com",
        "meta/llama-3.3-70b-instruct",
    ),
    vendor(
        "huggingface",
        "Hugging Face",
        "https://router.huggingface.co/v1",
        &[key("HF_TOKEN")],
        "https://huggingface.co/settings/tokens",
        "openai/gpt-oss-120b",
    ),
    local(
        "vllm",
        "vLLM",
        "http://127.0.0.1:8000/v1",
        &[key("VLLM_API_KEY")],
        "https://docs.vllm.ai",
    ),
    local(
        "llama-cpp",
        "llama.cpp's server",
        "http://127.0.0.1:8080/v1",
        &[key("LLAMA_API_KEY")],
        "https://github.com/ggml-org/llama.cpp",
    ),
    local("lm-studio", "LM Studio", "http://127.0.0.1:1234/v1", &[], "https://lmstudio.ai"),
    local(
        "litellm",
        "LiteLLM's proxy",
        "http://127.0.0.1:4000/v1",
        &[key("LITELLM_API_KEY")],
        "https://docs.litellm.ai",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::{Config, HttpProvider};

    #[test]
    fn every_row_stands_once_and_makes_a_provider() {
        let names: BTreeSet<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        assert_eq!(names.len(), PRESETS.len());
        for row in PRESETS {
            assert!(!matches!(row.name, "offline" | "command"), "{}", row.name);
            assert!(row.page.starts_with("https://"), "{}", row.name);
            assert!(!row.needs_key || !row.keys.is_empty(), "{}", row.name);
            let url = row.base_url.unwrap_or("https://r.example");
            // No address of a vendor is reached without encryption.
            assert!(row.is_local() || url.starts_with("https://"), "{}", row.name);
            assert!(HttpProvider::new(Config::new(row.name, row.dialect(), url)).is_ok());
        }
    }

    #[test]
    fn a_key_belongs_to_one_vendor() {
        for row in PRESETS {
            for other in PRESETS.iter().filter(|other| other.base_url != row.base_url) {
                let shared = row.keys.iter().find(|key| other.keys.contains(key));
                assert_eq!(shared, None, "{} and {}", row.name, other.name);
            }
        }
    }
}
