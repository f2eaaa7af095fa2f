//! How two personas differ, as plain data; what computes it and what shows it live elsewhere.

/// The difference of two personas, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaDiff {
    /// The name of the one compared from.
    pub from: String,
    /// The name of the one compared to.
    pub to: String,
    /// Whether the two files are the same to the byte.
    pub same_bytes: bool,
    /// The fields that differ, in the order of a persona file: front matter, identity, sections.
    pub fields: Vec<FieldDiff>,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDiff {
    /// The key of the front matter, `identity`, `sections` for their order, or a heading as `## Work`.
    pub field: String,
    /// What changed.
    pub change: Change,
}

/// What changed in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A single value; `None` where there is none.
    Value {
        /// Before.
        from: Option<String>,
        /// After.
        to: Option<String>,
    },
    /// A list whose items count as wholes.
    List {
        /// Items that are gone.
        removed: Vec<String>,
        /// Items that are new.
        added: Vec<String>,
        /// Whether the items that stayed stand in another order.
        reordered: bool,
    },
    /// Entries with an id of their own: gates, metrics, collaborators.
    Entries(Vec<EntryDiff>),
    /// A text by its lines.
    Lines(Vec<Line>),
}

/// One entry that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryDiff {
    /// What both are found by.
    pub id: String,
    /// The entry before, on one line.
    pub from: Option<String>,
    /// The entry after, on one line.
    pub to: Option<String>,
}

/// One line of a text that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// It stands in both.
    Same(String),
    /// It is gone.
    Removed(String),
    /// It is new.
    Added(String),
    /// So many lines that stand in both are left out here.
    Skipped(usize),
}

impl PersonaDiff {
    /// Whether no field differs; the bytes may, by comments or layout.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}
