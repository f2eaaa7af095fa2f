//! Every kind of mess, and how many files have it.

/// Something that is wrong or odd about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mess {
    /// A byte order mark.
    Bom,
    /// Every line ends in CR LF.
    Crlf,
    /// Some lines do.
    MixedEnds,
    /// Bytes of Windows-1252.
    Windows1252,
    /// Characters that nobody can see.
    Invisible,
    /// A code block inside another with as few marks.
    NestedFence,
    /// A code block that is never closed.
    UnbalancedFence,
    /// A line `---` in the body.
    DashLine,
    /// Placeholders of a template engine.
    Template,
    /// As long as the longest that were seen.
    Largest,
    /// A description with an unquoted `: `.
    Colon,
    /// A value that begins with an unquoted `*`.
    Star,
    /// `<example>` blocks in the description.
    Examples,
    /// `\n` as two characters in the description.
    BackslashN,
    /// A description of more than 1,024 characters.
    LongDescription,
    /// A description that does not say when to use the persona.
    NoTrigger,
    /// A name that is not the file's.
    NameDiffers,
    /// A name with spaces and capitals.
    NameNotSlug,
    /// A file that says the same as another in another folder.
    NameRepeats,
    /// No name at all, as in the first form of plugin agents.
    NameAbsent,
    /// Tools in one text with commas.
    ToolsComma,
}

/// Which files a mess is found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// All that are text.
    Texts,
    /// Those with a body in Markdown below front matter.
    Front,
    /// Subagents of Claude Code.
    Agents,
    /// Agent Skills and subagents of Claude Code.
    Long,
}

/// How often a mess was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What was seen.
    pub mess: Mess,
    /// In how many files.
    pub seen: usize,
    /// Of how many.
    pub of: usize,
    pub(super) among: Among,
}

macro_rules! rates {
    ($($mess:ident $seen:literal of $of:literal $among:ident)*) => {
        /// Every kind of mess with its rate.
        pub const RATES: &[Rate] =
            &[$(Rate { mess: Mess::$mess, seen: $seen, of: $of, among: Among::$among }),*];
    };
}

rates! {
    Bom 138 of 7800 Texts
    Crlf 47 of 7800 Texts
    MixedEnds 133 of 7800 Texts
    Windows1252 13 of 2211 Agents
    Invisible 4 of 4000 Front
    NestedFence 128 of 4000 Front
    UnbalancedFence 61 of 4000 Front
    DashLine 152 of 4000 Front
    Template 60 of 4000 Front
    Largest 2 of 4000 Long
    Colon 139 of 2198 Agents
    Star 5 of 2198 Agents
    Examples 564 of 2211 Agents
    BackslashN 391 of 2211 Agents
    LongDescription 436 of 2211 Agents
    NoTrigger 829 of 2211 Agents
    NameDiffers 289 of 2211 Agents
    NameNotSlug 206 of 2211 Agents
    NameRepeats 145 of 2211 Agents
    NameAbsent 76 of 2211 Agents
    ToolsComma 1399 of 2211 Agents
}
