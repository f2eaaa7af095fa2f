//! The stable codes of this crate's diagnostics.

/// The file is larger than a workflow may be.
pub const FILE_TOO_LARGE: &str = "file-too-large";
/// The file holds nothing, or only comments.
pub const EMPTY_FILE: &str = "empty-file";
/// The text is not YAML.
pub const YAML_SYNTAX: &str = "yaml-syntax";
/// A value starts with `{{` and is not quoted, so that YAML reads it as a map.
pub const UNQUOTED_TEMPLATE: &str = "unquoted-template";
/// The file holds more than one YAML document.
pub const SEVERAL_DOCUMENTS: &str = "several-documents";
/// A key stands twice in one map.
pub const DUPLICATE_KEY: &str = "duplicate-key";
/// A key is a list or a map.
pub const KEY_NOT_TEXT: &str = "key-not-text";
/// A YAML tag, such as `!include`, that the language does not have.
pub const UNKNOWN_TAG: &str = "unknown-tag";
/// An alias inside the node that it stands for.
pub const CIRCULAR_ALIAS: &str = "circular-alias";
/// Aliases that would make the file too large.
pub const TOO_MANY_ALIASES: &str = "too-many-aliases";
/// More problems than are worth reading at once.
pub const TOO_MANY_PROBLEMS: &str = "too-many-problems";
/// A key that the language does not have there.
pub const UNKNOWN_KEY: &str = "unknown-key";
/// A key that has to be there and is not.
pub const MISSING_KEY: &str = "missing-key";
/// A value of another kind than the key takes.
pub const WRONG_TYPE: &str = "wrong-type";
/// A number outside its range.
pub const OUT_OF_RANGE: &str = "out-of-range";
/// A text that is not written as its key asks for.
pub const BAD_VALUE: &str = "bad-value";
/// The file needs a newer program.
pub const NEWER_LANGUAGE: &str = "newer-language";
/// A name with characters that names cannot have.
pub const BAD_NAME: &str = "bad-name";
/// An input whose keys contradict each other.
pub const INPUT_CONFLICT: &str = "input-conflict";
/// A default that is no value of its input.
pub const BAD_DEFAULT: &str = "bad-default";
/// A given value that is none of its input.
pub const BAD_INPUT: &str = "bad-input";
/// A value that is too large or nests too deep.
pub const VALUE_TOO_LARGE: &str = "value-too-large";
/// A JSON Schema that is none, or that says what it may not say here.
pub const BAD_SCHEMA: &str = "bad-schema";
/// A step with none or several of `persona`, `render`, `approve` and `steps`.
pub const STEP_KIND: &str = "step-kind";
/// A key that this kind of step does not take.
pub const KEY_NOT_FOR_STEP: &str = "key-not-for-step";
/// A condition that is no question with the answer yes or no.
pub const BAD_CONDITION: &str = "bad-condition";
/// A list of a fan-out that is none.
pub const BAD_LIST: &str = "bad-list";
/// A key that says nothing where it stands (`when` without needs, a status that is always the same).
pub const USELESS_KEY: &str = "useless-key";
/// A step of a group with the id of one around it, or an item with the name of one around it.
pub const SHADOWED_NAME: &str = "shadowed-name";
/// Groups within groups within groups, deeper than the language has them.
pub const NESTED_TOO_DEEP: &str = "nested-too-deep";
/// A key that does nothing where it stands.
pub const INERT_KEY: &str = "inert-key";
/// A persona that no library has.
pub const UNKNOWN_PERSONA: &str = "unknown-persona";
/// A review whose persona has no gates, and that has none itself.
pub const NO_GATES: &str = "no-gates";
/// A value of the chosen enum that no case covers.
pub const UNCOVERED_CASE: &str = "uncovered-case";
/// A case that the chosen enum can never have.
pub const IMPOSSIBLE_CASE: &str = "impossible-case";
/// A path that would leave the output folder, or is no file.
pub const UNSAFE_PATH: &str = "unsafe-path";
/// A file that the workflow names and that cannot be read.
pub const UNREADABLE_FILE: &str = "unreadable-file";
/// Two steps that save the same file.
pub const DUPLICATE_SAVE: &str = "duplicate-save";
/// A step that does not exist.
pub const UNKNOWN_STEP: &str = "unknown-step";
/// A step that needs itself.
pub const SELF_NEED: &str = "self-need";
/// A need named twice.
pub const DUPLICATE_NEED: &str = "duplicate-need";
/// A reference to a step that is not among the needs (a warning: the edge is added).
pub const UNDECLARED_NEED: &str = "undeclared-need";
/// Steps that need each other in a circle.
pub const CYCLE: &str = "cycle";
/// An input that does not exist.
pub const UNKNOWN_INPUT: &str = "unknown-input";
/// A variable that templates do not have.
pub const UNKNOWN_VARIABLE: &str = "unknown-variable";
/// Something that a step, a brief or an input does not have.
pub const UNKNOWN_ATTRIBUTE: &str = "unknown-attribute";
/// A filter, test or function that templates do not have.
pub const UNKNOWN_FILTER: &str = "unknown-filter";
/// A reference to a whole collection where one of its members is meant.
pub const INCOMPLETE_REFERENCE: &str = "incomplete-reference";
/// A name with a hyphen behind a dot, which reads as a subtraction.
pub const HYPHEN_IN_REFERENCE: &str = "hyphen-in-reference";
/// A template that cannot be read.
pub const TEMPLATE_SYNTAX: &str = "template-syntax";
/// A statement or operator that templates do not have here.
pub const TEMPLATE_UNSUPPORTED: &str = "template-unsupported";
/// A template expression beyond the limits.
pub const TEMPLATE_TOO_COMPLEX: &str = "template-too-complex";
