//! Words that promise when a person comes, by language.

/// How a language promises.
struct Language {
    tag: &'static str,
    /// Promises as they stand.
    phrases: &'static [&'static str],
    /// Words for "at once": a promise where the sentence speaks of a person or an answer.
    soon: &'static [&'static str],
    /// Beginnings of words that speak of a person or an answer.
    people: &'static [&'static str],
    /// What stands before a span of time: "within".
    within: &'static [&'static str],
    /// Counts in words.
    counts: &'static [&'static str],
    /// Units that nobody can promise.
    units: &'static [&'static str],
    /// A sentence with one of these words makes a condition, or denies.
    unless: &'static [&'static str],
}

const LANGUAGES: &[Language] = &[
    Language {
        tag: "en",
        phrases: &[
            "right with you",
            "with you shortly",
            "with you in a moment",
            "with you in a minute",
            "with you in a second",
            "with you momentarily",
            "with you right away",
            "with you immediately",
            "with you any moment",
            "no time at all",
            "connect you immediately",
            "connecting you immediately",
            "connect you right away",
            "connecting you right away",
            "connect you straight away",
            "connect you instantly",
            "transfer you immediately",
            "transferring you immediately",
            "transfer you right away",
            "put you through immediately",
            "put you through right away",
        ],
        soon: &[
            "shortly",
            "momentarily",
            "in a moment",
            "in a minute",
            "in a second",
            "in a few moments",
            "any moment",
        ],
        people: &[
            "agent",
            "someone",
            "somebody",
            "specialist",
            "colleague",
            "representative",
            "teammate",
            "person",
            "human",
            "advis",
            "expert",
        ],
        within: &["within", "under", "than"],
        counts: &["a", "one", "two", "five", "ten", "few"],
        units: &["second", "seconds", "minute", "minutes", "min"],
        unless: &[
            "if", "unless", "not", "never", "cannot", "can't", "won't", "isn't", "might",
        ],
    },
    Language {
        tag: "es",
        phrases: &[],
        soon: &[
            "enseguida",
            "en seguida",
            "de inmediato",
            "inmediatamente",
            "al instante",
            "en un momento",
            "en un instante",
            "en unos instantes",
            "en breve",
            "en un minuto",
        ],
        people: &[
            "atend",
            "atien",
            "ayud",
            "contact",
            "respond",
            "respuesta",
            "conect",
            "paso",
            "pasar",
            "comunic",
            "contigo",
            "agente",
            "persona",
            "alguien",
            "especialista",
            "asesor",
            "humano",
            "compañer",
        ],
        within: &["en", "de", "menos"],
        counts: &["un", "dos", "cinco", "diez", "unos", "pocos"],
        units: &["segundo", "segundos", "minuto", "minutos", "min"],
        unless: &["si", "no", "nunca", "salvo", "quizá", "quizás"],
    },
    Language {
        tag: "de",
        phrases: &[],
        soon: &[
            "gleich",
            "sofort",
            "umgehend",
            "unverzüglich",
            "in kürze",
            "jeden moment",
            "jeden augenblick",
            "in einem moment",
            "in einem augenblick",
            "im handumdrehen",
        ],
        people: &[
            "verbind",
            "verbund",
            "meld",
            "kümmer",
            "hilft",
            "helf",
            "antwort",
            "kommt",
            "übern",
            "für",
            "ihnen",
            "dir",
            "mitarbeit",
            "kolleg",
            "mensch",
            "person",
            "jemand",
            "berat",
        ],
        within: &["in", "innerhalb", "von", "als", "binnen"],
        counts: &["einer", "einem", "zwei", "fünf", "zehn", "wenigen", "paar"],
        units: &["sekunde", "sekunden", "minute", "minuten", "min"],
        unless: &[
            "wenn",
            "falls",
            "nicht",
            "kein",
            "keine",
            "nie",
            "vielleicht",
        ],
    },
    Language {
        tag: "fr",
        phrases: &[],
        soon: &[
            "tout de suite",
            "immédiatement",
            "dans un instant",
            "dans quelques instants",
            "dans un moment",
            "d'un instant à l'autre",
            "sous peu",
            "sans attendre",
            "à l'instant",
        ],
        people: &[
            "conseill",
            "agent",
            "personne",
            "quelqu",
            "répond",
            "réponse",
            "contact",
            "connect",
            "transf",
            "mets",
            "mettons",
            "aide",
            "vous",
            "toi",
            "spécialiste",
            "humain",
            "collègue",
            "charge",
        ],
        within: &["dans", "en", "de", "sous", "d'ici"],
        counts: &["une", "deux", "cinq", "dix", "quelques"],
        units: &["seconde", "secondes", "minute", "minutes", "min"],
        unless: &["si", "ne", "pas", "jamais", "sauf", "peut-être"],
    },
    Language {
        tag: "it",
        phrases: &[],
        soon: &[
            "subito",
            "immediatamente",
            "a breve",
            "tra poco",
            "fra poco",
            "tra un attimo",
            "fra un attimo",
            "in un attimo",
            "all'istante",
            "tra un momento",
        ],
        people: &[
            "operator",
            "persona",
            "qualcuno",
            "collega",
            "rispond",
            "risposta",
            "contatt",
            "colleg",
            "pass",
            "aiut",
            "specialista",
            "assist",
            "agente",
            "te",
            "lei",
            "umano",
        ],
        within: &["entro", "tra", "fra", "di", "in"],
        counts: &["un", "due", "cinque", "dieci", "pochi", "qualche"],
        units: &["secondo", "secondi", "minuto", "minuti", "min"],
        unless: &["se", "non", "mai", "forse"],
    },
    Language {
        tag: "pt",
        phrases: &[],
        soon: &[
            "imediatamente",
            "de imediato",
            "em instantes",
            "em breve",
            "já já",
            "num instante",
            "num momento",
            "em um momento",
            "em um instante",
            "sem demora",
        ],
        people: &[
            "atend",
            "pessoa",
            "alguém",
            "agente",
            "colega",
            "respond",
            "resposta",
            "contact",
            "contat",
            "ajud",
            "especialista",
            "humano",
            "transfer",
            "consigo",
            "com você",
        ],
        within: &["em", "de", "menos"],
        counts: &["um", "dois", "cinco", "dez", "poucos", "alguns"],
        units: &["segundo", "segundos", "minuto", "minutos", "min"],
        unless: &["se", "não", "nunca", "talvez"],
    },
    Language {
        tag: "nl",
        phrases: &[],
        soon: &[
            "meteen",
            "direct",
            "onmiddellijk",
            "zo dadelijk",
            "zo meteen",
            "ogenblikkelijk",
            "zo bij",
        ],
        people: &[
            "medewerk",
            "collega",
            "iemand",
            "mens",
            "persoon",
            "antwoord",
            "verbind",
            "doorverbind",
            "help",
            "je",
            "jou",
            "u",
            "specialist",
        ],
        within: &["binnen", "over", "in"],
        counts: &["een", "twee", "vijf", "tien", "enkele", "paar"],
        units: &["seconde", "seconden", "minuut", "minuten", "min"],
        unless: &["als", "indien", "niet", "geen", "nooit", "misschien"],
    },
];

/// The words of a text (in lower case) in a language that promise a time, if there are any.
pub(super) fn promise(language: &str, text: &str) -> Option<String> {
    let tag = language.split(['-', '_']).next().unwrap_or(language);
    let language = LANGUAGES.iter().find(|l| l.tag == tag)?;
    text.split(['.', '!', '?', ';', '\n'])
        .find_map(|sentence| language.promise(sentence))
}

impl Language {
    fn promise(&self, sentence: &str) -> Option<String> {
        let words: Vec<&str> = sentence
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '(' | ')' | '"'))
            .filter(|w| !w.is_empty())
            .collect();
        if words.iter().any(|w| self.unless.contains(w)) {
            return None;
        }
        let line = format!(" {} ", words.join(" "));
        let says = |phrase: &&&str| line.contains(&format!(" {phrase} "));
        if let Some(phrase) = self.phrases.iter().find(says) {
            return Some((*phrase).to_owned());
        }
        let speaks_of_people = || {
            self.people.iter().any(|stem| match stem.chars().count() {
                // Short words stand alone.
                ..=3 => words.contains(stem),
                _ => line.contains(&format!(" {stem}")),
            })
        };
        if let Some(soon) = self.soon.iter().find(says)
            && speaks_of_people()
        {
            return Some((*soon).to_owned());
        }
        words.windows(3).find_map(|w| match w {
            [within, count, unit]
                if self.within.contains(within)
                    && (count.parse::<u32>().is_ok() || self.counts.contains(count))
                    && self.units.contains(unit) =>
            {
                Some(w.join(" "))
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::promise;

    #[test]
    fn promises_are_known_in_their_languages() {
        for (language, text) in [
            ("en", "someone will be right with you."),
            ("en-gb", "a colleague answers within five minutes"),
            ("en", "an answer in less than 2 minutes"),
            ("es", "te atenderá una persona de inmediato."),
            ("es", "un agente le atiende en 5 minutos"),
            ("de", "ein mensch meldet sich sofort."),
            ("de", "wir sind gleich für sie da!"),
            ("de", "jemand antwortet in wenigen minuten"),
            ("fr", "un conseiller vous répond tout de suite."),
            ("fr", "quelqu'un vous aide dans quelques minutes"),
            ("it", "un operatore le risponde subito."),
            ("pt", "uma pessoa atende em instantes."),
            ("nl", "een medewerker helpt je meteen."),
        ] {
            assert!(promise(language, text).is_some(), "{language}: {text}");
        }
    }

    #[test]
    fn what_looks_like_a_promise_is_none() {
        for (language, text) in [
            ("en", "right, i'll get you to a person with our whole chat."),
            (
                "en",
                "if nobody answers within 5 minutes, leave your email.",
            ),
            ("en", "a person may not answer within 5 minutes."),
            ("en", "someone answers … ."),
            ("es", "te paso con una persona, con toda la conversación."),
            ("es", "si no contestan en 5 minutos, deja tu correo."),
            (
                "de",
                "ich hole dir einen menschen, mit dem gleichen verlauf.",
            ),
            ("fr", "je vous mets en relation avec une personne."),
            ("it", "la passo a una persona."),
            ("pt", "vou passar a conversa a uma pessoa."),
            ("nl", "ik haal er een medewerker bij."),
            // Of a language that is not known nothing is said.
            ("pl", "ktoś odpowie natychmiast"),
        ] {
            assert_eq!(promise(language, text), None, "{language}: {text}");
        }
    }
}
