//! What the engine says where the author wrote nothing, in the languages it knows; others read English.

/// The languages, in the order of every table here.
const LANGUAGES: [&str; 7] = ["en", "es", "fr", "de", "pt", "it", "nl"];

pub(crate) fn language_index(language: &str) -> usize {
    let base = language.split(['-', '_']).next().unwrap_or(language);
    LANGUAGES
        .iter()
        .position(|known| *known == base)
        .unwrap_or(0)
}

macro_rules! texts {
    ($($name:ident: [$($text:literal),* $(,)?],)*) => {
        /// A built-in text; `{0}` and `{1}` are filled in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Builtin { $($name),* }

        impl Builtin {
    /// Whether a word is this text in one of the languages.
    pub(crate) fn is_in_any(self, word: &str) -> bool {
        self.table().iter().any(|text| text.eq_ignore_ascii_case(word))
    }

            const fn table(self) -> [&'static str; 7] {
                match self { $(Self::$name => [$($text),*]),* }
            }
        }
    };
}

texts! {
    Yes: ["Yes", "Sí", "Oui", "Ja", "Sim", "Sì", "Ja"],
    No: ["No", "No", "Non", "Nein", "Não", "No", "Nee"],
    Done: ["Done", "Listo", "Terminé", "Fertig", "Pronto", "Fatto", "Klaar"],
    Invalid: ["Sorry, I didn't understand that.", "Perdona, no lo he entendido.", "Désolé, je n'ai pas compris.",
        "Entschuldigung, das habe ich nicht verstanden.", "Desculpe, não entendi.", "Scusa, non ho capito.", "Sorry, dat begreep ik niet."],
    InvalidFile: ["Sorry, I can't take that file. Please send {0}.", "Perdona, no puedo aceptar ese archivo. Envía {0}.",
        "Désolé, je ne peux pas accepter ce fichier. Envoyez {0}.", "Diese Datei kann ich leider nicht annehmen. Bitte senden Sie {0}.",
        "Desculpe, não posso aceitar esse ficheiro. Envie {0}.", "Mi dispiace, non posso accettare questo file. Invia {0}.",
        "Sorry, dat bestand kan ik niet aannemen. Stuur {0}."],
    AFile: ["a file", "un archivo", "un fichier", "eine Datei", "um ficheiro", "un file", "een bestand"],
    UpTo: ["{0} up to {1} MB", "{0} de hasta {1} MB", "{0} de {1} Mo au plus", "{0} bis {1} MB", "{0} até {1} MB", "{0} fino a {1} MB", "{0} tot {1} MB"],
    WhatIs: ["What is your {0}?", "¿Cuál es tu {0}?", "Quel est votre {0} ?", "Wie lautet Ihr {0}?", "Qual é o seu {0}?", "Qual è il tuo {0}?", "Wat is uw {0}?"],
    AskedForHuman: ["I'm connecting you with a person now.", "Te paso con una persona.", "Je vous mets en relation avec une personne.",
        "Ich verbinde Sie mit einem Menschen.", "Vou passar para uma pessoa.", "Ti metto in contatto con una persona.", "Ik verbind u door met een medewerker."],
    Handoff: ["I'm passing you on to a person, with our whole chat.", "Te paso con una persona, con toda nuestra conversación.",
        "Je vous passe une personne, avec toute notre conversation.", "Ich gebe Sie mit unserem ganzen Gespräch an einen Menschen weiter.",
        "Vou passar para uma pessoa, com toda a nossa conversa.", "Ti passo a una persona, con tutta la nostra conversazione.",
        "Ik geef u door aan een medewerker, met ons hele gesprek."],
    Connected: ["You're now with {0}.", "Ahora te atiende {0}.", "Vous êtes maintenant avec {0}.", "Sie sprechen jetzt mit {0}.",
        "Agora está com {0}.", "Ora parli con {0}.", "U spreekt nu met {0}."],
    Position: ["You're number {0} in the queue.", "Eres el número {0} en la cola.", "Vous êtes numéro {0} dans la file.", "Sie sind Nummer {0} in der Warteschlange.",
        "É o número {0} na fila.", "Sei il numero {0} in coda.", "U bent nummer {0} in de rij."],
    Waiting: ["Thanks for waiting. A person will answer as soon as possible.", "Gracias por esperar. Una persona responderá lo antes posible.",
        "Merci de patienter. Une personne répondra dès que possible.", "Danke fürs Warten. Ein Mensch antwortet so bald wie möglich.",
        "Obrigado por esperar. Uma pessoa responderá assim que possível.", "Grazie per l'attesa. Una persona risponderà appena possibile.",
        "Bedankt voor het wachten. Een medewerker antwoordt zo snel mogelijk."],
    NobodyThere: ["Nobody is available right now. You keep your place, and we'll answer as soon as someone is.",
        "Ahora no hay nadie disponible. Guardamos tu sitio y responderemos en cuanto haya alguien.",
        "Personne n'est disponible pour l'instant. Vous gardez votre place et nous répondrons dès que possible.",
        "Gerade ist niemand da. Sie behalten Ihren Platz, und wir antworten, sobald jemand da ist.",
        "Neste momento não há ninguém disponível. Guardamos o seu lugar e respondemos assim que houver alguém.",
        "Al momento non c'è nessuno. Conservi il tuo posto e risponderemo appena possibile.",
        "Er is nu niemand beschikbaar. U houdt uw plaats en we antwoorden zodra er iemand is."],
    Closed: ["Our team is back {0}.", "Nuestro equipo vuelve {0}.", "Notre équipe est de retour {0}.", "Unser Team ist {0} wieder da.",
        "A nossa equipa volta {0}.", "Il nostro team torna {0}.", "Ons team is {0} terug."],
    OfferPerson: ["Would you like to talk to a person?", "¿Quieres hablar con una persona?", "Voulez-vous parler à une personne ?",
        "Möchten Sie mit einem Menschen sprechen?", "Quer falar com uma pessoa?", "Vuoi parlare con una persona?", "Wilt u met een medewerker spreken?"],
    OfferTier: ["Shall I pass you on to {0}?", "¿Te paso con {0}?", "Dois-je vous passer {0} ?", "Soll ich Sie an {0} weitergeben?",
        "Quer que passe para {0}?", "Ti passo a {0}?", "Zal ik u doorverbinden met {0}?"],
    Offer: ["Would one of these suit you better?", "¿Te viene mejor alguna de estas opciones?", "L'une de ces options vous convient-elle mieux ?",
        "Passt Ihnen eine dieser Möglichkeiten besser?", "Alguma destas opções seria melhor?", "Preferisci una di queste possibilità?",
        "Past een van deze mogelijkheden u beter?"],
    Callback: ["Call me back", "Llamadme", "Rappelez-moi", "Rufen Sie mich an", "Liguem-me", "Richiamatemi", "Bel mij terug"],
    Ticket: ["Write to me", "Escribidme", "Écrivez-moi", "Schreiben Sie mir", "Escrevam-me", "Scrivetemi", "Schrijf mij"],
    Stay: ["I'll wait", "Espero", "J'attends", "Ich warte", "Eu espero", "Aspetto", "Ik wacht"],
    CarryOn: ["Carry on here", "Seguir aquí", "Continuer ici", "Hier weitermachen", "Continuar aqui", "Continua qui", "Hier verdergaan"],
    TicketBy: ["We'll write to you {0}.", "Te escribiremos {0}.", "Nous vous écrirons {0}.", "Wir schreiben Ihnen {0}.", "Vamos escrever-lhe {0}.",
        "Ti scriveremo {0}.", "We schrijven u {0}."],
    TicketSoon: ["We'll write to you soon.", "Te escribiremos pronto.", "Nous vous écrirons bientôt.", "Wir schreiben Ihnen bald.", "Vamos escrever-lhe em breve.",
        "Ti scriveremo presto.", "We schrijven u binnenkort."],
    CallbackBy: ["We'll call you {0}.", "Te llamaremos {0}.", "Nous vous appellerons {0}.", "Wir rufen Sie {0} an.", "Vamos ligar-lhe {0}.",
        "Ti chiameremo {0}.", "We bellen u {0}."],
    CallbackSoon: ["We'll call you soon.", "Te llamaremos pronto.", "Nous vous appellerons bientôt.", "Wir rufen Sie bald an.", "Vamos ligar-lhe em breve.",
        "Ti chiameremo presto.", "We bellen u binnenkort."],
    By: ["at the latest {0}", "como muy tarde {0}", "au plus tard {0}", "spätestens {0}", "o mais tardar {0}", "al più tardi {0}", "uiterlijk {0}"],
    Stayed: ["All right, you keep your place.", "De acuerdo, guardas tu sitio.", "D'accord, vous gardez votre place.", "Gut, Sie behalten Ihren Platz.",
        "Certo, mantém o seu lugar.", "Va bene, conservi il tuo posto.", "Goed, u houdt uw plaats."],
    Helped: ["Did that help?", "¿Te ha servido?", "Cela vous a-t-il aidé ?", "Hat das geholfen?", "Isto ajudou?", "È stato utile?", "Heeft dat geholpen?"],
    Glad: ["Glad to hear it. Is there anything else?", "Me alegro. ¿Algo más?", "Tant mieux. Autre chose ?", "Das freut mich. Sonst noch etwas?",
        "Ainda bem. Mais alguma coisa?", "Bene. C'è altro?", "Fijn. Verder nog iets?"],
    SayMore: ["Sorry about that. Could you tell me more?", "Lo siento. ¿Puedes contarme más?", "Désolé. Pouvez-vous m'en dire plus ?",
        "Das tut mir leid. Können Sie mir mehr dazu sagen?", "Lamento. Pode dizer-me mais?", "Mi dispiace. Puoi dirmi di più?",
        "Dat spijt me. Kunt u er meer over vertellen?"],
    AllRight: ["All right. What else can I do?", "De acuerdo. ¿Qué más puedo hacer?", "D'accord. Que puis-je faire d'autre ?", "Gut. Was kann ich sonst tun?",
        "Certo. Que mais posso fazer?", "Va bene. Cos'altro posso fare?", "Goed. Wat kan ik verder doen?"],
    Consent: ["May I do this for you: {0}?", "¿Puedo hacer esto por ti: {0}?", "Puis-je faire ceci pour vous : {0} ?", "Darf ich das für Sie tun: {0}?",
        "Posso fazer isto por si: {0}?", "Posso fare questo per te: {0}?", "Mag ik dit voor u doen: {0}?"],
    Code: ["We sent you a code. Please type it here.", "Te hemos enviado un código. Escríbelo aquí.", "Nous vous avons envoyé un code. Saisissez-le ici.",
        "Wir haben Ihnen einen Code geschickt. Bitte geben Sie ihn hier ein.", "Enviámos-lhe um código. Escreva-o aqui.",
        "Ti abbiamo inviato un codice. Scrivilo qui.", "We hebben u een code gestuurd. Typ die hier."],
    WrongCode: ["That is not the right code. Please try again.", "Ese no es el código correcto. Inténtalo de nuevo.",
        "Ce n'est pas le bon code. Veuillez réessayer.", "Das ist nicht der richtige Code. Bitte versuchen Sie es noch einmal.",
        "Esse não é o código certo. Tente de novo.", "Non è il codice giusto. Riprova.", "Dat is niet de juiste code. Probeer het nog eens."],
    Scale: ["Please choose a number from {0} to {1}.", "Elige un número del {0} al {1}.", "Choisissez un nombre de {0} à {1}.",
        "Bitte wählen Sie eine Zahl von {0} bis {1}.", "Escolha um número de {0} a {1}.", "Scegli un numero da {0} a {1}.", "Kies een getal van {0} tot {1}."],
    Survey: ["How did we do, from {0} (bad) to {1} (great)?", "¿Qué tal lo hemos hecho, de {0} (mal) a {1} (genial)?",
        "Comment était-ce, de {0} (mauvais) à {1} (excellent) ?", "Wie waren wir, von {0} (schlecht) bis {1} (sehr gut)?",
        "Como foi, de {0} (mau) a {1} (ótimo)?", "Com'è andata, da {0} (male) a {1} (benissimo)?", "Hoe deden we het, van {0} (slecht) tot {1} (goed)?"],
    Sorry: ["Something went wrong on our side.", "Algo ha fallado por nuestra parte.", "Une erreur est survenue de notre côté.",
        "Bei uns ist etwas schiefgelaufen.", "Algo correu mal do nosso lado.", "Qualcosa è andato storto da parte nostra.", "Er ging bij ons iets mis."],
    AlwaysOpen: ["around the clock", "las 24 horas", "24 heures sur 24", "rund um die Uhr", "24 horas por dia", "24 ore su 24", "dag en nacht"],
    NeverOpen: ["closed", "cerrado", "fermé", "geschlossen", "fechado", "chiuso", "gesloten"],
    Today: ["today at {0}", "hoy a las {0}", "aujourd'hui à {0}", "heute um {0}", "hoje às {0}", "oggi alle {0}", "vandaag om {0}"],
    Tomorrow: ["tomorrow at {0}", "mañana a las {0}", "demain à {0}", "morgen um {0}", "amanhã às {0}", "domani alle {0}", "morgen om {0}"],
    OnDay: ["on {0} at {1}", "el {0} a las {1}", "{0} à {1}", "am {0} um {1}", "{0} às {1}", "{0} alle {1}", "op {0} om {1}"],
    And: ["and", "y", "et", "und", "e", "e", "en"],
    About: ["about {0}", "unos {0}", "environ {0}", "etwa {0}", "cerca de {0}", "circa {0}", "ongeveer {0}"],
    SecondUnit: ["second", "segundo", "seconde", "Sekunde", "segundo", "secondo", "seconde"],
    MinuteUnit: ["minute", "minuto", "minute", "Minute", "minuto", "minuto", "minuut"],
    HourUnit: ["hour", "hora", "heure", "Stunde", "hora", "ora", "uur"],
    DayUnit: ["day", "día", "jour", "Tag", "dia", "giorno", "dag"],
    Seconds: ["seconds", "segundos", "secondes", "Sekunden", "segundos", "secondi", "seconden"],
    Minute: ["a minute", "un minuto", "une minute", "eine Minute", "um minuto", "un minuto", "een minuut"],
    Minutes: ["minutes", "minutos", "minutes", "Minuten", "minutos", "minuti", "minuten"],
    Hour: ["an hour", "una hora", "une heure", "eine Stunde", "uma hora", "un'ora", "een uur"],
    Hours: ["hours", "horas", "heures", "Stunden", "horas", "ore", "uur"],
    Day: ["a day", "un día", "un jour", "ein Tag", "um dia", "un giorno", "een dag"],
    Days: ["days", "días", "jours", "Tage", "dias", "giorni", "dagen"],
}

impl Builtin {
    /// The text in a language, else in English.
    pub(crate) fn get(self, language: &str) -> &'static str {
        let [english, ..] = self.table();
        self.table()
            .get(language_index(language))
            .copied()
            .unwrap_or(english)
    }

    /// The text with its first gaps filled.
    pub(crate) fn fill(self, language: &str, first: &str, second: &str) -> String {
        self.get(language)
            .replace("{0}", first)
            .replace("{1}", second)
    }
}

const MONTHS: [[&str; 12]; 7] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
    [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
];

const WEEKDAYS: [[&str; 7]; 7] = [
    [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ],
    [
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
    ],
    [
        "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
    ],
    [
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
        "Sonntag",
    ],
    [
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "sábado",
        "domingo",
    ],
    [
        "lunedì",
        "martedì",
        "mercoledì",
        "giovedì",
        "venerdì",
        "sabato",
        "domenica",
    ],
    [
        "maandag",
        "dinsdag",
        "woensdag",
        "donderdag",
        "vrijdag",
        "zaterdag",
        "zondag",
    ],
];

const TO: [&str; 7] = ["to", "a", "à", "bis", "a", "a", "t/m"];

/// A month's name; months from 1.
pub(crate) fn month(language: &str, month: i8) -> &'static str {
    let index = usize::try_from(month - 1).unwrap_or(0);
    MONTHS
        .get(language_index(language))
        .and_then(|names| names.get(index))
        .copied()
        .unwrap_or("")
}

/// A weekday's name; Monday is 0.
pub(crate) fn weekday(language: &str, day: usize) -> &'static str {
    WEEKDAYS
        .get(language_index(language))
        .and_then(|names| names.get(day))
        .copied()
        .unwrap_or("")
}

/// "to", between two weekdays.
pub(crate) fn to(language: &str) -> &'static str {
    TO.get(language_index(language)).copied().unwrap_or("to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_read_their_language_and_strangers_english() {
        assert_eq!(Builtin::Yes.get("de-AT"), "Ja");
        assert_eq!(Builtin::Yes.get("other"), "Yes");
        assert_eq!(
            Builtin::OnDay.fill("en", "Monday", "09:00"),
            "on Monday at 09:00"
        );
    }
}
