//! Every code with its page of the documentation.

use flow_grammar::Severity;

/// A code.
#[derive(Debug)]
pub struct Code {
    /// `F0701`.
    pub code: &'static str,
    /// The severity that it usually has.
    pub severity: Severity,
    /// What is found, in a few words.
    pub title: &'static str,
    page: &'static str,
}

macro_rules! codes {
    ($($code:literal $severity:ident $title:literal;)*) => {
        /// All codes, in order.
        pub const CODES: &[Code] = &[$(Code {
            code: $code,
            severity: Severity::$severity,
            title: $title,
            page: include_str!(concat!("../../../docs/diagnostics/", $code, ".md")),
        }),*];
    };
}

codes! {
    "F0101" Error "a syntax error";
    "F0201" Error "an unknown name";
    "F0202" Error "a name declared twice";
    "F0203" Error "no bot, or more than one";
    "F0204" Error "a file that is not there, or outside the project";
    "F0205" Warning "something declared and never used";
    "F0206" Warning "the same example in two intents, or equal labels in one choice";
    "F0301" Error "a type mismatch";
    "F0302" Error "wrong arguments";
    "F0303" Error "values that no arm or band covers";
    "F0304" Error "bands that overlap, or an arm never taken";
    "F0401" Warning "a node, or a step, that nothing leads to";
    "F0402" Error "a path on which the customer is left hanging";
    "F0403" Error "a loop without a step that surely waits";
    "F0404" Error "a place from which no person can be reached";
    "F0405" Warning "a question in a part that only rules can leave";
    "F0406" Error "a circle of visits, or `back` where nothing visits";
    "F0408" Error "a `call` without `failed`";
    "F0409" Error "a regulated intent answered below people";
    "F0501" Error "a read of what can be unknown";
    "F0601" Error "a rule whose condition can never hold";
    "F0602" Warning "a rule that other rules always beat";
    "F0603" Error "a rule that does not climb the ladder";
    "F0604" Error "a comparison outside its signal's range";
    "F0605" Error "two rules that tie with different effects";
    "F0701" Error "a case that the routing matrix leaves uncovered";
    "F0702" Error "a row that can never match";
    "F0703" Warning "a row to a team that lacks what the row demands";
    "F0704" Warning "a time when nobody is there and nothing is planned";
    "F0705" Error "a people tier without a way to its people; overflow in a circle";
    "F0707" Warning "a promise that the hours cannot keep";
    "F0801" Error "a required field that nothing can collect";
    "F0802" Warning "a handoff without words, or with a promise that nobody can keep";
    "F0803" Error "a callback without a phone, a ticket without an email";
    "F0804" Warning "a model can answer before it was disclosed";
    "F0901" Error "a text that lacks a language, or says other things in it";
    "F0902" Error "more than a channel takes";
    "F1001" Error "private data leaves without being shared";
    "F1002" Error "a secret in a text or slot, or a key written out";
    "F1003" Error "something might be done twice, or without consent";
    "F1004" Error "a profile read before identity can have been proven";
    "F1101" Error "a hook script that cannot run";
    "F1201" Error "a test that cannot be run as written";
}

/// The page about a code, in Markdown.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    CODES.iter().find(|c| c.code == code).map(|c| c.page)
}
