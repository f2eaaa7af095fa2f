//! What a task rules out, sets aside or only mentions, told by the small words around it.

use super::{
    language::{Language, SmallWords, Standing},
    tokens::Token,
    weights::Weights,
};

/// How the words of a task are meant.
#[derive(Debug, Clone)]
pub(crate) struct Stance {
    /// For each token, the place of the word that rules it out.
    pub(crate) ruled_out: Vec<Option<usize>>,
    /// For each token, the share of its weight that is left.
    pub(crate) share: Vec<f64>,
}

impl Stance {
    /// Reads the stance towards each token.
    pub(crate) fn read(tokens: &[Token], languages: &[Language], weights: &Weights) -> Self {
        let mut stance =
            Self { ruled_out: vec![None; tokens.len()], share: vec![1.0; tokens.len()] };
        stance.set_aside_before_contrast(tokens, languages, weights);
        for at in 0..tokens.len() {
            if BACKGROUND.contains(&tokens[at].folded.as_str()) && at > 0 {
                stance.share[at - 1] *= weights.background;
            }
            if let Some(length) = starts(&tokens[at..], DISMISS_AFTER, languages) {
                let clause = tokens[at].clause;
                for next in (at + length..tokens.len()).take_while(|i| tokens[*i].clause == clause)
                {
                    stance.share[next] = 0.0;
                }
            } else if starts(&tokens[at..], DISMISS_BEFORE, languages).is_some() {
                let clause = tokens[at].clause;
                for past in (0..at).rev().take_while(|i| tokens[*i].clause == clause) {
                    stance.share[past] = 0.0;
                }
            }
            if let Some(length) = cue(tokens, at, languages) {
                stance.rule_out(tokens, at, at + length, languages);
            }
        }
        stance
    }

    /// What is said before a `but` is what the task is not mainly about.
    fn set_aside_before_contrast(
        &mut self,
        tokens: &[Token],
        languages: &[Language],
        weights: &Weights,
    ) {
        let last = (2..tokens.len())
            .rev()
            .find(|at| starts(&tokens[*at..], CONTRAST, languages).is_some());
        // A contrast that ends the text says nothing of what follows.
        if let Some(at) = last.filter(|at| at + 3 < tokens.len()) {
            for share in &mut self.share[..at] {
                *share *= weights.before_contrast;
            }
        }
    }

    /// Rules out the first thing named after a cue, and those that are listed with it.
    fn rule_out(&mut self, tokens: &[Token], cue: usize, after: usize, languages: &[Language]) {
        let small = SmallWords::built_in();
        let mut skipped = 0;
        let mut named = 0;
        for at in after..tokens.len() {
            let word = tokens[at].folded.as_str();
            let lists = LISTING.contains(&word);
            if tokens[at].clause != tokens[cue].clause && !lists && named == 0 {
                return;
            }
            if tokens[at].clause > tokens[cue].clause + 1 {
                return;
            }
            if lists {
                named = 0;
                skipped = 0;
            } else if SKIPPED.contains(&word)
                || small.standing(word, languages) == Some(Standing::Stop)
            {
                // The first thing named has ended, or has not begun for too long.
                skipped += 1;
                if named > 0 || skipped > 4 || !SKIPPED.contains(&word) {
                    return;
                }
            } else {
                if tokens[at].clause != tokens[cue].clause
                    && !LISTING.contains(&tokens[at - 1].folded.as_str())
                {
                    return;
                }
                named += 1;
                if named > 5 {
                    return;
                }
                self.ruled_out[at] = Some(cue);
            }
        }
    }
}

/// Words that a list goes on with.
const LISTING: &[&str] = &[
    "or", "nor", "and", "oder", "und", "ou", "et", "ni", "o", "y", "e", "of", "en", "och", "eller",
];

/// Words that may stand between a cue and what it rules out.
const SKIPPED: &[&str] = &[
    "a",
    "al",
    "an",
    "any",
    "ask",
    "asking",
    "bitte",
    "consult",
    "con",
    "das",
    "de",
    "dem",
    "den",
    "der",
    "des",
    "die",
    "do",
    "du",
    "een",
    "ein",
    "eine",
    "einen",
    "el",
    "from",
    "het",
    "il",
    "in",
    "involve",
    "involving",
    "just",
    "la",
    "le",
    "les",
    "lo",
    "los",
    "me",
    "met",
    "mit",
    "need",
    "o",
    "on",
    "os",
    "our",
    "please",
    "really",
    "the",
    "to",
    "touch",
    "um",
    "uma",
    "un",
    "una",
    "une",
    "use",
    "user",
    "usar",
    "usare",
    "using",
    "utiliser",
    "via",
    "want",
    "wanting",
    "with",
    "avec",
    "com",
    "necessarily",
];

/// Words after something that make it the asker, not the matter.
const BACKGROUND: &[&str] = &[
    "team",
    "teams",
    "guys",
    "folks",
    "colleagues",
    "department",
    "people",
    "group",
    "equipo",
    "equipe",
    "abteilung",
];

/// The small words of each language that rule something out.
const CUES: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "not",
            "no",
            "without",
            "never",
            "instead of",
            "rather than",
            "other than",
            "anything but",
            "away from",
            "apart from",
            "except",
            "anyone but",
            "anybody but",
            "everyone but",
            "everybody but",
            "all but",
            "skip",
            "leave out",
        ],
    ),
    (
        "de",
        &["nicht", "kein", "keine", "keinen", "keiner", "ohne", "statt", "anstatt", "anstelle von"],
    ),
    ("fr", &["pas", "sans", "aucun", "aucune", "au lieu de", "plutot que"]),
    ("es", &["no", "sin", "ningun", "ninguna", "en lugar de", "en vez de"]),
    ("it", &["non", "senza", "nessun", "nessuna", "invece di", "anziche"]),
    ("pt", &["nao", "sem", "nenhum", "nenhuma", "em vez de"]),
    ("nl", &["niet", "geen", "zonder", "in plaats van"]),
    ("sv", &["inte", "ingen", "utan", "i stallet for"]),
    ("ru", &["не", "без", "вместо"]),
    ("pl", &["nie", "bez", "zamiast"]),
];

/// A person of whom this is said does not act.
const STAYS_OUT: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "must not",
            "should not",
            "shall not",
            "may not",
            "can not",
            "cannot",
            "will not",
            "is on holiday",
            "is on vacation",
            "is on leave",
            "is away",
            "is ill",
            "is sick",
            "is unavailable",
            "is not available",
        ],
    ),
    ("de", &["soll nicht", "darf nicht", "kann nicht", "ist im urlaub", "ist krank"]),
    ("fr", &["ne doit pas", "ne peut pas", "est en vacances", "est absent"]),
    ("es", &["no debe", "no puede", "esta de vacaciones"]),
    ("it", &["non deve", "non puo", "e in vacanza"]),
    ("pt", &["nao deve", "nao pode", "esta de ferias"]),
    ("nl", &["mag niet", "moet niet", "is op vakantie"]),
];

/// Whether a task says of the person whose name ends before `after` that they stay out of it. Other
/// than a thing, which "must not be restarted", a person must not act.
pub(crate) fn stays_out(tokens: &[Token], after: usize, languages: &[Language]) -> bool {
    let Some(length) = starts(&tokens[after..], STAYS_OUT, languages) else { return false };
    let next = tokens.get(after + length).map(|token| token.folded.as_str());
    let then = tokens.get(after + length + 1).map(|token| token.folded.as_str());
    match next {
        Some("be") => matches!(then, Some("asked" | "involved" | "consulted" | "called")),
        _ => true,
    }
}

/// After one of these a cue rules nothing out.
const NOT_RULING: &[&str] = &[
    "longer",
    "only",
    "sure",
    "yet",
    "matter",
    "enough",
    "idea",
    "more",
    "nur",
    "mehr",
    "seulement",
    "solo",
    "so",
];

/// What follows is set aside.
const DISMISS_AFTER: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "not about",
            "not interested in",
            "not looking for",
            "no interest in",
            "not asking about",
            "not asking for",
        ],
    ),
    ("de", &["nicht um", "kein interesse an"]),
    ("fr", &["agit pas de", "pas question de"]),
    ("es", &["no se trata de", "no busco"]),
    ("it", &["non si tratta di", "non cerco"]),
    ("pt", &["nao se trata de", "nao procuro"]),
    ("nl", &["niet om"]),
];

/// What precedes in the same clause is set aside.
const DISMISS_BEFORE: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "is not the question",
            "is not the point",
            "is not the issue",
            "is not the problem",
            "is not the topic",
            "is not the bottleneck",
            "is not my question",
            "not at issue",
            "is fine",
            "works fine",
            "is finished",
            "is done",
        ],
    ),
    ("de", &["ist nicht das thema", "ist nicht das problem", "ist nicht die frage", "ist fertig"]),
    ("fr", &["est pas la question", "est pas le sujet", "est pas le probleme"]),
    ("es", &["no es el problema", "no es el tema", "no es la cuestion"]),
    ("it", &["non e il problema", "non e il punto"]),
    ("pt", &["nao e o problema", "nao e a questao"]),
    ("nl", &["is niet het probleem", "is niet de vraag"]),
];

/// The matter stands after these.
const CONTRAST: &[(&str, &[&str])] = &[
    ("en", &["but", "however", "this is about", "what i need", "what we need", "my question is"]),
    ("de", &["aber", "jedoch", "sondern", "es geht um"]),
    ("fr", &["mais", "cependant", "il s agit de"]),
    ("es", &["pero", "sino", "sin embargo", "se trata de"]),
    ("it", &["ma", "pero", "tuttavia", "si tratta di"]),
    ("pt", &["mas", "porem", "trata se de"]),
    ("nl", &["maar", "het gaat om"]),
    ("sv", &["men"]),
    ("ru", &["но"]),
    ("pl", &["ale"]),
    ("tr", &["ama"]),
];

/// The number of words of a cue that stands at `at` and rules out what follows.
fn cue(tokens: &[Token], at: usize, languages: &[Language]) -> Option<usize> {
    let token = &tokens[at];
    if ["不用", "不要", "别用", "不是"].iter().any(|end| token.folded.ends_with(end)) {
        return Some(1);
    }
    let length = starts(&tokens[at..], CUES, languages)?;
    // Portuguese `no` means "in the".
    if token.folded == "no" && languages.contains(&Language::Portuguese) {
        return None;
    }
    let asks_why = at > 0 && ["why", "warum", "pourquoi"].contains(&tokens[at - 1].folded.as_str());
    let next = tokens.get(at + length).map(|token| token.folded.as_str());
    let rules = !asks_why && next.is_some_and(|next| !NOT_RULING.contains(&next));
    rules.then_some(length)
}

/// The number of words of the longest phrase of these languages that begins the text.
fn starts(tokens: &[Token], phrases: &[(&str, &[&str])], languages: &[Language]) -> Option<usize> {
    let spoken = |code: &str| languages.iter().any(|language| language.code() == code);
    let phrases = phrases.iter().filter(|(code, _)| spoken(code)).flat_map(|(_, list)| *list);
    let begins = |phrase: &&&str| {
        let mut words = 0;
        phrase.split(' ').all(|word| {
            words += 1;
            tokens.get(words - 1).is_some_and(|token| token.folded == word)
        })
    };
    phrases.filter(begins).map(|phrase| phrase.split(' ').count()).max()
}

#[cfg(test)]
mod tests {
    use super::{super::analysis::analyse, *};

    fn ruled_out(text: &str, expected: &[&str]) {
        let analysis = analyse(text, 100);
        let stance = Stance::read(&analysis.tokens, &analysis.languages, &Weights::TUNED);
        let found: Vec<&str> = (analysis.tokens.iter().zip(&stance.ruled_out))
            .filter(|(_, cue)| cue.is_some())
            .map(|(token, _)| token.text.as_str())
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    fn set_aside(text: &str, expected: &[&str]) {
        let analysis = analyse(text, 100);
        let stance = Stance::read(&analysis.tokens, &analysis.languages, &Weights::TUNED);
        let found: Vec<&str> = (analysis.tokens.iter().zip(&stance.share))
            .filter(|(_, share)| **share < 1.0)
            .map(|(token, _)| token.text.as_str())
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_cue_rules_out_the_thing_named_after_it() {
        ruled_out("We want it without TensorFlow", &["TensorFlow"]);
        ruled_out("Do it without using Redis at all", &["Redis"]);
        ruled_out("Please don't ask the data engineer about this", &["data", "engineer"]);
        ruled_out("Bitte ohne Spark rechnen", &["Spark", "rechnen"]);
        ruled_out("Elasticsearch instead of Redis", &["Redis"]);
    }

    #[test]
    fn a_list_goes_on_being_ruled_out() {
        ruled_out("without TensorFlow or PyTorch", &["TensorFlow", "PyTorch"]);
    }

    #[test]
    fn not_only_and_why_not_rule_nothing_out() {
        ruled_out("not only Redis", &[]);
        ruled_out("Why not Redis?", &[]);
        ruled_out("Redis no longer answers", &[]);
        ruled_out("no banco de dados do cliente", &[]);
    }

    #[test]
    fn what_stands_before_a_but_is_set_aside() {
        set_aside("Orders live there, but shoppers want search", &["Orders", "live", "there"]);
        set_aside("Plain words without contrast", &[]);
    }

    #[test]
    fn what_a_task_is_not_about_is_set_aside() {
        set_aside("Choose a model, deployment is not the question", &["deployment"]);
        set_aside("It is not about training", &["training"]);
    }

    #[test]
    fn whose_question_it_is_does_not_make_it_the_matter() {
        set_aside("our Spark team asks", &["Spark"]);
    }
}
