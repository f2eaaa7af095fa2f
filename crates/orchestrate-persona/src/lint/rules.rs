//! Every rule of the lint in one table: its code, its level, what it finds and how that is mended.
//! What is found is a sentence; how it is mended is advice, a lower-case fragment.

use orchestrate_core::diagnostic::{Rule, Severity};

/// Names each rule for the modules that apply it, and lists all of them for documents and reports.
macro_rules! rules {
    ($($name:ident $code:literal $severity:ident $fixable:literal $finds:literal $mend:literal)*) => {
        $(pub(super) const $name: Rule = Rule {
            code: $code,
            severity: Severity::$severity,
            finds: $finds,
            mend: $mend,
            fixable: $fixable,
        };)*

        /// Every rule of the lint, errors first, then warnings, then remarks.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    FRONT_MATTER_MISSING "front-matter-missing" Error false
        "The file does not begin with front matter."
        "put `---`, `name:`, `description:` and `---` at the very top, in front of the persona's text"
    FRONT_MATTER_UNTERMINATED "front-matter-unterminated" Error false
        "The front matter is never closed."
        "close it with a line that holds `---` and nothing else"
    NAME_MISSING "name-missing" Error false
        "The front matter has no `name`, or an empty one."
        "add `name:` with the file's name without its extension"
    DESCRIPTION_MISSING "description-missing" Error false
        "The front matter has no `description`, or an empty one."
        "add `description:` with a sentence on what the persona does and one on when to use it"
    DUPLICATE_NAME "duplicate-name" Error false
        "Two of the files checked together declare the same name."
        "rename one of them: a persona is found by its name"
    INVISIBLE_CHARACTER "invisible-character" Error true
        "A character that nobody can see, that reorders text or that controls a terminal."
        "delete it, in code as well: a persona must not tell a model what its reader cannot see"
    FRONT_MATTER_NOT_YAML "front-matter-not-yaml" Warning true
        "The front matter is not YAML, most often for an unquoted `: ` or a leading `*`."
        "quote the value; the message shows its quoted form"
    NAME_NOT_SLUG "name-not-slug" Warning false
        "The name is not made of small letters, digits and single hyphens, 2 to 64 of them."
        "write the slug that the message offers"
    NAME_DIFFERS_FROM_FILE "name-differs-from-file" Warning false
        "The name differs from the file's name, or for `SKILL.md` and `system.md` from the folder's."
        "rename the file or the persona"
    DESCRIPTION_TOO_LONG "description-too-long" Warning false
        "The description has more than 1,024 characters."
        "keep what it does and when to use it; move requests to `examples` and the rest to the body"
    DESCRIPTION_WITHOUT_TRIGGER "description-without-trigger" Warning false
        "The description does not say when to use the persona, and there is no `when_to_use`."
        "add a sentence that begins with `Use when` or `Use for`"
    NOT_UTF8 "not-utf8" Warning false
        "The file is not UTF-8; it was read as Windows-1252."
        "save it as UTF-8 after checking that the letters are right"
    BOM "bom" Warning true
        "The file begins with a byte order mark."
        "save it as UTF-8 without the mark; some programs do not see the front matter behind it"
    CRLF "crlf" Warning true
        "Lines end in CR LF or in a lone CR."
        "save the file with LF line ends"
    REPLACEMENT_CHARACTER "replacement-character" Warning false
        "U+FFFD stands where a character was lost in a conversion."
        "write what belongs there; the original may still have it"
    FENCE_UNBALANCED "fence-unbalanced" Warning false
        "A fenced code block is never closed, so that all below it is code."
        "close it with a line of the same marks"
    PROMPT_TOO_LONG "prompt-too-long" Warning false
        "The text below the front matter has more than 30,000 characters, or the file more than 512 KiB."
        "cut reference material, or split the persona: all of it is sent with every call"
    UNRESOLVED_COLLABORATOR "unresolved-collaborator" Warning false
        "`collaborates_with` names a persona that is neither in the library nor among the files."
        "correct the name, or add the persona"
    PRIVILEGED_KEY "privileged-key" Warning false
        "A key that elsewhere runs commands, opens connections or grants permissions."
        "remove it, or keep it below `x:`: a persona grants nothing and nothing here obeys it"
    SUSPICIOUS_TEXT "suspicious-text" Warning false
        "A phrase that overrides instructions or deceives the user, a download piped into a shell, or a \
         token of a chat template."
        "read the passage and remove it, or describe the matter in other words"
    NEAR_DUPLICATE "near-duplicate" Warning false
        "Four fifths of the text also stand in another of the files."
        "keep one of them, or say what makes each its own"
    DESCRIPTION_HAS_EXAMPLES "description-has-examples" Info true
        "The description holds `<example>` blocks."
        "move the users' requests to `examples:`"
    LITERAL_BACKSLASH_N "literal-backslash-n" Info true
        "The description holds `\\n` as two characters where a line break was meant."
        "write a space, or a block text after `description: |`"
    FENCE_NESTED "fence-nested" Info false
        "A code block opens inside one with as few marks, so that its end closes the outer one."
        "give the outer block more marks than the inner one has"
    TEMPLATE_SYNTAX_IN_BODY "template-syntax-in-body" Info false
        "`{{ }}`, `{% %}`, `${}`, `$ARGUMENTS` or `$1` outside code."
        "write what is meant: a persona's text is never run through a template engine"
    UNKNOWN_TOOL "unknown-tool" Info false
        "`tools` names one that is not known."
        "correct the name; a tool is a wish of the author's and never a grant"
    FOREIGN_MODEL "foreign-model" Info false
        "The file chooses a model."
        "leave `model` out, and name the model in the workflow or on the command line"
    GATE_NOT_CHECKABLE "gate-not-checkable" Info false
        "A gate says nothing that a reader of the work could check."
        "name what must be there and what it is held against"
    METRIC_NOT_NUMERIC "metric-not-numeric" Info false
        "A metric has no `name`, `op` and numeric `value`, so that no verdict can be computed."
        "give the figure, or leave the metric to people's judgement"
}
