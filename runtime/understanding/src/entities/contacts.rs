//! Addresses, telephone numbers, links, names.

use super::{Found, Scene, constant, stands_alone};
use flow_compiler::value::Value;
use flow_engine::signals::EntityKind;
use phonenumber::country::Id;
use regex::Regex;
use std::sync::LazyLock;

struct Patterns {
    email: Regex,
    url: Regex,
    phone: Regex,
    phone_word: Regex,
    order_word: Regex,
    name_any: Regex,
    name_capital: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    email: constant(r"(?i)\b[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b"),
    url: constant(r"(?i)\b(?:https?://|www\.)[^\s<>]+"),
    phone: constant(r"\+?\(?\d[\d \-.()/]{5,18}\d"),
    phone_word: constant(
        r"(?i)\b(?:phone|mobile|cell|call me|ring me|text me|tel|whatsapp|tel[eé]fono|m[oó]vil|ll[aá]m[ae]me|celular|telefon|handy|telefone|telefono|cellulare|t[eé]l[eé]phone|portable|telefoon|mobiel)\b",
    ),
    order_word: constant(
        r"(?i)(?:\b(?:order|invoice|ticket|case|tracking|reference|ref|account|card|number|no|id|purchase|pedido|factura|cuenta|bestellung|rechnung|commande|facture)\b[ .:#nº°-]*|#\s*)$",
    ),
    name_any: constant(
        r"(?i)\b(?:my name is|my name's|name's|mi nombre es|me llamo|je m['’]appelle|mon nom est|ich hei(?:ß|ss)e|mein name ist|meu nome [eé]|me chamo|mi chiamo|il mio nome [eè]|mijn naam is|ik heet)\s+(?P<n>[\p{L}][\p{L}'’-]*(?:\s+[\p{L}][\p{L}'’-]*){0,3})",
    ),
    name_capital: constant(
        r"\b(?:[Ii]['’]?m|[Ii] am|[Tt]his is|[Ss]oy|[Jj]e suis|[Ss]ono|[Ss]ou(?: [oa])?|[Ii]k ben)\s+(?P<n>\p{Lu}[\p{L}'’-]*(?:\s+\p{Lu}[\p{L}'’-]*){0,2})",
    ),
});

/// E-mail addresses and links.
pub(super) fn addresses(text: &str, found: &mut Found) {
    for m in PATTERNS.url.find_iter(text) {
        let url = m
            .as_str()
            .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '"', '\'']);
        found.take(
            EntityKind::Url,
            Value::text(url),
            m.start(),
            m.start() + url.len(),
        );
    }
    for m in PATTERNS.email.find_iter(text) {
        found.take(
            EntityKind::Email,
            Value::text(m.as_str()),
            m.start(),
            m.end(),
        );
    }
}

/// Telephone numbers. A bare run of digits is one only where a telephone is spoken of, so that order numbers stay order numbers.
pub(super) fn phones(text: &str, scene: &Scene<'_>, asked: bool, found: &mut Found) {
    for m in PATTERNS.phone.find_iter(text) {
        let digits = m.as_str().chars().filter(char::is_ascii_digit).count();
        if !(7..=15).contains(&digits)
            || !stands_alone(text, m.start(), m.end())
            || !found.free(m.start(), m.end())
        {
            continue;
        }
        let before = text.get(..m.start()).unwrap_or_default();
        let international = m.as_str().starts_with('+');
        let spoken_of = asked || PATTERNS.phone_word.is_match(text);
        let grouped = m.as_str().contains([' ', '-', '.', '(']);
        if !international && !spoken_of && (!grouped || PATTERNS.order_word.is_match(before)) {
            continue;
        }
        if before.ends_with(['-', '/', '#', '$', '€', '£']) {
            continue;
        }
        let country = if international { None } else { country(scene) };
        if let Ok(number) = phonenumber::parse(country, m.as_str())
            && phonenumber::is_valid(&number)
        {
            let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
            found.take(EntityKind::Phone, Value::text(e164), m.start(), m.end());
        }
    }
}

/// Where a national number is at home: by the time zone, else by the language.
fn country(scene: &Scene<'_>) -> Option<Id> {
    let zone = scene.timezone.iana_name().unwrap_or_default();
    let by_zone = match zone {
        "Europe/London" => Some(Id::GB),
        "Europe/Dublin" => Some(Id::IE),
        "Europe/Madrid" | "Atlantic/Canary" => Some(Id::ES),
        "Europe/Paris" => Some(Id::FR),
        "Europe/Berlin" | "Europe/Busingen" => Some(Id::DE),
        "Europe/Vienna" => Some(Id::AT),
        "Europe/Zurich" => Some(Id::CH),
        "Europe/Rome" => Some(Id::IT),
        "Europe/Lisbon" => Some(Id::PT),
        "Europe/Amsterdam" => Some(Id::NL),
        "Europe/Brussels" => Some(Id::BE),
        "Europe/Stockholm" => Some(Id::SE),
        "Europe/Copenhagen" => Some(Id::DK),
        "Europe/Oslo" => Some(Id::NO),
        "Europe/Warsaw" => Some(Id::PL),
        "America/Sao_Paulo" => Some(Id::BR),
        "America/Mexico_City" => Some(Id::MX),
        "America/Argentina/Buenos_Aires" => Some(Id::AR),
        "America/Bogota" => Some(Id::CO),
        "Asia/Kolkata" => Some(Id::IN),
        "Australia/Sydney" | "Australia/Melbourne" => Some(Id::AU),
        "America/New_York"
        | "America/Chicago"
        | "America/Denver"
        | "America/Los_Angeles"
        | "America/Toronto" => Some(Id::US),
        _ => None,
    };
    by_zone.or(match scene.language {
        "en" => Some(Id::US),
        "es" => Some(Id::ES),
        "fr" => Some(Id::FR),
        "de" => Some(Id::DE),
        "it" => Some(Id::IT),
        "pt" => Some(Id::PT),
        "nl" => Some(Id::NL),
        _ => None,
    })
}

/// Words that end a name, or are none.
const NO_NAME: &[&str] = &[
    "and",
    "but",
    "from",
    "with",
    "at",
    "my",
    "i",
    "the",
    "a",
    "an",
    "not",
    "in",
    "on",
    "for",
    "here",
    "is",
    "speaking",
    "calling",
    "y",
    "e",
    "et",
    "und",
    "en",
    "de",
    "pero",
    "mi",
    "soy",
    "con",
    "ich",
    "je",
    "very",
    "so",
    "really",
    "still",
    "waiting",
    "sorry",
    "happy",
    "sure",
    "done",
    "ok",
    "fine",
    "angry",
    "trying",
    "looking",
    "having",
    "just",
    "going",
    "useless",
    "ridiculous",
    "wrong",
    "unhappy",
    "please",
    "because",
    "writing",
    "what",
    "it",
];

/// Names: "my name is Ana", "I'm Ana". Without a clear phrase only words with a capital are names.
pub(super) fn names(text: &str, expecting: Option<&str>, found: &mut Found) {
    let asked = expecting.is_some_and(|e| {
        e.trim_start_matches("customer.")
            .split('_')
            .any(|w| w == "name")
    });
    let shouted = !text.chars().any(char::is_lowercase);
    let hit = PATTERNS
        .name_any
        .captures(text)
        .map(|c| (c, true))
        .or_else(|| {
            PATTERNS
                .name_capital
                .captures(text)
                .filter(|_| !shouted)
                .map(|c| (c, false))
        });
    if let Some((captures, clear)) = hit {
        if let Some(m) = captures.name("n") {
            let name = cut(m.as_str(), clear);
            if !name.is_empty() {
                found.add(
                    EntityKind::Name,
                    Value::text(titled(name)),
                    m.start(),
                    m.start() + name.len(),
                );
            }
        }
        return;
    }
    let bare = text.trim().trim_end_matches(['.', '!', ',']);
    let words: Vec<&str> = bare.split_whitespace().collect();
    if asked
        && (1..=4).contains(&words.len())
        && words.iter().all(|w| {
            w.chars().all(|c| c.is_alphabetic() || "'’-.".contains(c))
                && !NO_NAME.contains(&w.to_lowercase().as_str())
        })
    {
        let start = text.find(bare).unwrap_or_default();
        found.add(
            EntityKind::Name,
            Value::text(titled(bare)),
            start,
            start + bare.len(),
        );
    }
}

/// The words up to the first that is no name; with capitals elsewhere, up to the first in small letters.
fn cut(name: &str, clear: bool) -> &str {
    let capital = name.chars().next().is_some_and(char::is_uppercase);
    let mut end = 0;
    for (count, word) in name.split_whitespace().enumerate() {
        let small = word.chars().next().is_some_and(char::is_lowercase);
        if NO_NAME.contains(&word.to_lowercase().as_str())
            || (capital && small)
            || (!capital && count == 2)
            || (!clear && small)
        {
            break;
        }
        let at = name
            .get(end..)
            .and_then(|rest| rest.find(word))
            .unwrap_or_default();
        end += at + word.len();
    }
    name.get(..end).unwrap_or_default()
}

/// `ana silva` as `Ana Silva`; what has capitals is kept.
fn titled(name: &str) -> String {
    if name.chars().any(char::is_uppercase) {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len());
    let mut first = true;
    for c in name.chars() {
        if first {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        first = c == ' ' || c == '-';
    }
    out
}
