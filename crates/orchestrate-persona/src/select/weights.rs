//! Every figure the scoring uses, in one place. They were tuned on two thirds of the labelled tasks.

/// The fields of a persona that tell what it is for, in the order of [`Weights::fields`].
pub(crate) const FIELDS: [&str; 10] = [
    "name",
    "title",
    "aliases",
    "tags",
    "synonyms",
    "capabilities",
    "when_to_use",
    "description",
    "examples",
    "referrals",
];

/// How many of the fields are names or lists of terms; the others are sentences.
pub(crate) const TERM_FIELDS: usize = 5;
/// From here on the fields tell of cases, in which anything may be mentioned.
pub(crate) const ASIDE_FIELDS: usize = 8;

/// The figures of the scoring.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    /// What one occurrence in a field counts, before saturation.
    pub(crate) fields: [f64; FIELDS.len()],
    /// Half of a term's weight is reached when its occurrences count so much.
    pub(crate) saturation: f64,
    /// How much a persona with more terms than the average is held back, 0 to 1.
    pub(crate) length: f64,
    /// The share of a term's weight that `when_not_to_use` takes away.
    pub(crate) against: f64,
    /// A word that says little of a subject, such as a common verb.
    pub(crate) weak: f64,
    /// A word taken for another one by its letters.
    pub(crate) fuzzy: f64,
    /// A part of a compound or of an identifier.
    pub(crate) part: f64,
    /// What stands before a `but`.
    pub(crate) before_contrast: f64,
    /// A technology that only tells whose the question is, as in "our Spark team".
    pub(crate) background: f64,
    /// An idea of the vocabulary counts more than a bare word.
    pub(crate) concept: f64,
    /// A bare word that stands in sentences only, and among no persona's names, tags or synonyms.
    pub(crate) prose: f64,
    /// What a word unknown to every persona takes from the confidence.
    pub(crate) unknown_word: f64,
    /// The same for an idea the vocabulary knows and no persona has.
    pub(crate) unknown_concept: f64,
    /// The share of that which is left in a library none of whose personas declares words of its own:
    /// that such a library lacks an idea says less.
    pub(crate) undeclared: f64,
    /// Below this confidence no persona fits.
    pub(crate) floor: f64,
    /// A further persona needs this share of the first one's score from terms of its own.
    pub(crate) several: f64,
    /// And at least this much in all.
    pub(crate) several_floor: f64,
}

impl Weights {
    /// The tuned figures.
    pub(crate) const TUNED: Self = Self {
        fields: [3.0, 2.5, 2.5, 2.5, 2.5, 1.5, 1.3, 1.3, 1.0, 0.8],
        saturation: 2.0,
        length: 0.3,
        against: 0.5,
        weak: 0.15,
        fuzzy: 0.75,
        part: 0.7,
        before_contrast: 0.55,
        background: 0.35,
        concept: 1.2,
        prose: 0.6,
        unknown_word: 0.09,
        unknown_concept: 0.7,
        undeclared: 0.3,
        floor: 0.3,
        several: 0.25,
        several_floor: 0.6,
    };
}
