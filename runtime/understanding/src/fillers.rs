//! Words that say nothing of what a message is about: articles, pronouns, politeness, "all" and "some".

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::LazyLock;

/// Folded, by language.
const LISTS: [(&str, &str); 7] = [
    (
        "en",
        "a an the this that these those my your our their his her its i me you he she it we they us them who what which when where why how \
         is are am was were be been being do does did done have has had can could will would shall should may might must not no yes yeah ok \
         okay please hi hello hey thanks thank sorry well sure right and or but if so then than as of to for from with without in on at by \
         up off out about into over here there now again still just only also too very really much many more most some any all everything \
         anything something nothing every each both other another one ones thing things want like need get got go let make know tell",
    ),
    (
        "es",
        "el la los las lo un una unos unas mi mis tu tus su sus yo me te se nos le les que quien cual cuando donde como cuanto por para con \
         sin de del al a en es son soy esta estan hay ser no si ya y o pero muy mas todo toda todos todas algo nada cada otro otra esto eso \
         este ese esa aqui ahora favor gracias hola vale bien tambien solo quiero puedo tengo necesito ha he uno",
    ),
    (
        "fr",
        "le la les l un une des du de d mon ma mes ton ta tes son sa ses je j tu il elle on nous vous ils elles me te se moi toi lui que qu \
         qui quoi quel quelle quand ou comment pourquoi pour avec sans par sur dans en au aux est sont suis ai as a avez ne n pas non oui et \
         mais si plus tres tout toute tous toutes rien quelque chose cela ca ce c cette ces y ici maintenant merci bonjour salut svp s plait \
         bien aussi veux peux",
    ),
    (
        "de",
        "der die das den dem des ein eine einen einem einer mein meine meinen dein deine ihr ihre ich du er sie es wir mich mir dich dir uns \
         euch was wer wo wann wie warum welche ist sind bin war habe hat haben sein kann will mochte wird nicht nein ja und oder aber wenn \
         so dann dass mit ohne fur von zu zum zur im in am an auf aus bei nach vor alles alle etwas nichts jede andere noch nur auch schon \
         mal doch hier dort jetzt sehr mehr bitte danke hallo ok gut",
    ),
    (
        "pt",
        "o a os as um uma uns umas meu minha meus minhas seu sua eu tu ele ela nos voce voces me te se lhe que quem qual quando onde como \
         quanto por para com sem de do da dos das no na nos nas em ao e ou mas se ja sim nao e sao sou esta ha ser muito mais tudo todo toda \
         todos todas algo nada cada outro outra isso isto este essa aqui agora favor obrigado obrigada ola oi bem tambem so quero posso tenho \
         preciso",
    ),
    (
        "it",
        "il lo la i gli le l un uno una mio mia miei mie tuo tua suo sua io tu lui lei noi voi loro mi ti si ci vi che chi quale quando dove \
         come quanto perche per con senza di del della dei delle da dal in nel nella a al alla su e o ma se gia non no sono ho hai ha essere \
         molto piu tutto tutta tutti tutte qualcosa niente nulla ogni altro altra questo questa quello qui ora favore grazie ciao salve bene \
         anche solo voglio posso prego",
    ),
    (
        "nl",
        "de het een mijn jouw uw zijn haar ik jij je u hij zij ze we wij me mij ons hen wat wie welke waar wanneer hoe waarom is ben was heb \
         heeft hebben kan wil word wordt niet geen nee ja en of maar als dan dat dit die er met zonder voor van te naar in op aan bij uit om \
         alles alle iets niets elke andere nog ook al hier daar nu zeer heel meer alstublieft alsjeblieft dank bedankt hallo hoi goed graag",
    ),
];

static FILLERS: LazyLock<FxHashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut out: FxHashMap<&'static str, Vec<&'static str>> = FxHashMap::default();
    for (language, list) in LISTS {
        for word in list.split_whitespace() {
            out.entry(word).or_default().push(language);
        }
    }
    out
});

/// Whether a word is a filler in one of these languages. Numbers say nothing either.
pub(crate) fn is_filler(word: &str, languages: &[SmolStr]) -> bool {
    word.chars().all(|c| c.is_numeric())
        || FILLERS.get(word).is_some_and(|known| {
            languages
                .iter()
                .any(|l| known.contains(&l.split(['-', '_']).next().unwrap_or(l)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_fillers_in_their_languages() {
        let en = [SmolStr::new_static("en-GB")];
        let es = [SmolStr::new_static("es")];
        assert!(is_filler("please", &en) && is_filler("all", &en) && is_filler("7", &en));
        assert!(is_filler("todo", &es));
        assert!(!is_filler("todo", &en) && !is_filler("cancel", &en));
    }
}
