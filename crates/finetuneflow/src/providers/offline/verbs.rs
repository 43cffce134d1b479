//! Verb forms: which words can be the verb of a clause, and their dictionary form.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::lexicon::Language;

/// A conjugated main verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerbForm {
    /// Dictionary form.
    pub lemma: String,
    /// "does", "do" or "did" for English; empty for French.
    pub support: &'static str,
}

/// Dictionary forms of regular verbs, and of irregular ones whose "-s" form is regular.
static REGULAR: LazyLock<HashSet<&str>> = LazyLock::new(|| REGULAR_WORDS.split_ascii_whitespace().collect());

const REGULAR_WORDS: &str = "
open close cost last start begin end finish stop take leave depart arrive run weigh measure contain hold
seat have include offer own employ need require receive get give pay earn wear use carry bring keep store
lie stand hang live work lead manage direct head teach train supervise organise organize help answer call
contact report inform tell ask sign submit send return borrow lend rent hire buy sell order book reserve
cancel renew register apply serve eat drink cook clean wash check inspect test repair replace change charge
cover reach turn switch press push pull lock unlock enter exit visit meet gather play make produce deliver
collect pick drop park drive ride walk show display belong consist depend expire continue remain stay wait
sleep grow plant water feed build found create write read print copy scan fill empty recycle separate wrap
put place hand choose elect vote approve decide grant refund reimburse save protect warn ring sound light
heat cool connect support speak learn study celebrate follow know want like come go allow forbid provide
supply lose find win count equal host house accept add attend join invite move mark record log mix boil bake
rise fall freeze care look publish present prepare plan operate handle assign issue complete confirm notify
avoid remove attach load unload lift tie climb cross sail row swim ski paint cut saw weave smoke touch
evacuate become see watch guard patrol swap share deposit withdraw tidy carve draw sink sit throw break burn
catch chase admit advise announce appear appoint arrange assemble bind bury commute compare compete compose
comprise concern conduct consult contribute defend define describe deserve destroy develop dig dim dine
discover discuss dismiss distribute dive donate dry edit enable encourage engage enjoy ensure equip examine
expect explain extend extinguish fasten fetch fix hear hide hunt identify illuminate improve inherit insert
install insure intend introduce invent invest jump let listen marry melt mend mention obey observe obtain
occupy occur overlook praise prevent promote prove recommend recover reduce refer refresh regulate rely
remind reopen repeat resign resist restore retire reveal rinse rotate select settle sew sharpen shrink shut
sing slow solve spend suffer suggest survive suspend thank tighten translate understand undo unite unpack
untie unwind urge vary warm withstand
";

const IRREGULAR: &[(&str, &str, &str)] = &[
    ("has", "have", "does"),
    ("had", "have", "did"),
    ("began", "begin", "did"),
    ("took", "take", "did"),
    ("left", "leave", "did"),
    ("ran", "run", "did"),
    ("held", "hold", "did"),
    ("gave", "give", "did"),
    ("got", "get", "did"),
    ("paid", "pay", "did"),
    ("brought", "bring", "did"),
    ("kept", "keep", "did"),
    ("stood", "stand", "did"),
    ("led", "lead", "did"),
    ("taught", "teach", "did"),
    ("told", "tell", "did"),
    ("sent", "send", "did"),
    ("bought", "buy", "did"),
    ("sold", "sell", "did"),
    ("met", "meet", "did"),
    ("made", "make", "did"),
    ("drove", "drive", "did"),
    ("built", "build", "did"),
    ("wrote", "write", "did"),
    ("chose", "choose", "did"),
    ("spoke", "speak", "did"),
    ("came", "come", "did"),
    ("went", "go", "did"),
    ("lost", "lose", "did"),
    ("found", "find", "did"),
    ("won", "win", "did"),
    ("rang", "ring", "did"),
    ("grew", "grow", "did"),
    ("goes", "go", "does"),
    ("does", "do", "does"),
    ("became", "become", "did"),
    ("saw", "see", "did"),
    ("lay", "lie", "did"),
    ("wore", "wear", "did"),
    ("set", "set", "do"),
    ("sets", "set", "does"),
    ("put", "put", "do"),
    ("puts", "put", "does"),
    ("sank", "sink", "did"),
    ("drew", "draw", "did"),
    ("rose", "rise", "did"),
    ("fell", "fall", "did"),
    ("sat", "sit", "did"),
    ("slept", "sleep", "did"),
    ("swam", "swim", "did"),
    ("threw", "throw", "did"),
    ("broke", "break", "did"),
    ("caught", "catch", "did"),
    ("flew", "fly", "did"),
    ("froze", "freeze", "did"),
    ("heard", "hear", "did"),
    ("knew", "know", "did"),
    ("lent", "lend", "did"),
    ("lit", "light", "did"),
    ("rode", "ride", "did"),
    ("sang", "sing", "did"),
    ("shook", "shake", "did"),
    ("spent", "spend", "did"),
    ("struck", "strike", "did"),
    ("swept", "sweep", "did"),
    ("woke", "wake", "did"),
    ("ate", "eat", "did"),
    ("drank", "drink", "did"),
    ("fed", "feed", "did"),
    ("hung", "hang", "did"),
    ("bore", "bear", "did"),
    ("bound", "bind", "did"),
    ("dug", "dig", "did"),
    ("forgot", "forget", "did"),
    ("fought", "fight", "did"),
    ("hid", "hide", "did"),
    ("laid", "lay", "did"),
    ("meant", "mean", "did"),
    ("shot", "shoot", "did"),
    ("stuck", "stick", "did"),
    ("tore", "tear", "did"),
    ("understood", "understand", "did"),
    ("died", "die", "did"),
    ("dies", "die", "does"),
    ("die", "die", "do"),
];

const FRENCH: &[(&str, &str)] = &[
    ("a", "avoir"),
    ("ont", "avoir"),
    ("fait", "faire"),
    ("font", "faire"),
    ("va", "aller"),
    ("vont", "aller"),
    ("vient", "venir"),
    ("viennent", "venir"),
    ("tient", "tenir"),
    ("tiennent", "tenir"),
    ("reçoit", "recevoir"),
    ("reçoivent", "recevoir"),
    ("met", "mettre"),
    ("mettent", "mettre"),
    ("prend", "prendre"),
    ("prennent", "prendre"),
    ("part", "partir"),
    ("partent", "partir"),
    ("finit", "finir"),
    ("finissent", "finir"),
    ("contient", "contenir"),
    ("contiennent", "contenir"),
    ("ouvre", "ouvrir"),
    ("ouvrent", "ouvrir"),
    ("offre", "offrir"),
    ("offrent", "offrir"),
    ("pèse", "peser"),
    ("pèsent", "peser"),
    ("accueille", "accueillir"),
    ("accueillent", "accueillir"),
    ("sert", "servir"),
    ("servent", "servir"),
    ("vend", "vendre"),
    ("vendent", "vendre"),
    ("rend", "rendre"),
    ("comprend", "comprendre"),
    ("comprennent", "comprendre"),
    ("appartient", "appartenir"),
    ("dort", "dormir"),
    ("sort", "sortir"),
    ("réunit", "réunir"),
    ("réunissent", "réunir"),
    ("fournit", "fournir"),
    ("remplit", "remplir"),
    ("devient", "devenir"),
    ("vit", "vivre"),
    ("vivent", "vivre"),
    ("suit", "suivre"),
    ("suivent", "suivre"),
    ("lit", "lire"),
    ("écrit", "écrire"),
    ("permet", "permettre"),
    ("permettent", "permettre"),
    ("répond", "répondre"),
    ("répondent", "répondre"),
    ("dispose", "disposer"),
    ("disposent", "disposer"),
    ("possède", "posséder"),
    ("possèdent", "posséder"),
    ("protège", "protéger"),
    ("gère", "gérer"),
];

const FRENCH_ER: &[&str] = &[
    "coût",
    "ferm",
    "dur",
    "commenc",
    "début",
    "termin",
    "trouv",
    "mesur",
    "compt",
    "dirig",
    "anim",
    "encadr",
    "travaill",
    "pay",
    "gagn",
    "port",
    "utilis",
    "apport",
    "gard",
    "rest",
    "demand",
    "donn",
    "remplac",
    "nettoi",
    "contrôl",
    "vérifi",
    "répar",
    "rembours",
    "réserv",
    "annul",
    "lou",
    "achèt",
    "emprunt",
    "command",
    "présent",
    "sign",
    "signal",
    "inform",
    "appell",
    "téléphon",
    "contact",
    "abrit",
    "héberg",
    "arriv",
    "expir",
    "continu",
    "arrêt",
    "démarr",
    "déroul",
    "organis",
    "fabriqu",
    "livr",
    "cultiv",
    "visit",
    "habit",
    "parl",
    "enseign",
    "form",
    "mang",
    "jou",
    "fonctionn",
    "indiqu",
    "affich",
    "montr",
    "circul",
    "bénéfici",
    "touch",
    "situ",
    "occup",
    "comport",
    "coordonn",
    "assur",
];

/// The dictionary form of a conjugated main verb of the language, if the word can be one.
pub fn main_verb(lower: &str, language: Language) -> Option<VerbForm> {
    match language {
        Language::English => english(lower),
        Language::French => french(lower),
    }
}

fn english(lower: &str) -> Option<VerbForm> {
    let form = |lemma: &str, support| Some(VerbForm { lemma: lemma.to_string(), support });
    if let Some((_, lemma, support)) = IRREGULAR.iter().find(|(surface, ..)| *surface == lower) {
        return form(lemma, support);
    }
    if REGULAR.contains(lower) {
        return form(lower, "do");
    }
    for (ending, replacement) in [("ies", "y"), ("es", ""), ("s", "")] {
        if let Some(stem) = lower.strip_suffix(ending) {
            let base = format!("{stem}{replacement}");
            if REGULAR.contains(base.as_str()) {
                return form(&base, "does");
            }
        }
    }
    for (ending, replacement) in [("ied", "y"), ("ed", ""), ("d", "")] {
        if let Some(stem) = lower.strip_suffix(ending) {
            let base = format!("{stem}{replacement}");
            if REGULAR.contains(base.as_str()) {
                return form(&base, "did");
            }
        }
    }
    None
}

fn french(lower: &str) -> Option<VerbForm> {
    if let Some((_, lemma)) = FRENCH.iter().find(|(surface, _)| *surface == lower) {
        return Some(VerbForm { lemma: (*lemma).to_string(), support: "" });
    }
    let stem = lower.strip_suffix("ent").or_else(|| lower.strip_suffix('e'))?;
    let base = stem.strip_suffix('e').filter(|_| stem.ends_with("ge")).unwrap_or(stem);
    FRENCH_ER.contains(&base).then(|| VerbForm { lemma: format!("{base}er"), support: "" })
}

/// Dictionary form of the imperative at the head of a sentence ("Call the desk …").
pub fn imperative(lower: &str, language: Language) -> Option<String> {
    match language {
        Language::English => REGULAR.contains(lower).then(|| lower.to_string()),
        Language::French => {
            let stem = lower.strip_suffix("ez")?;
            (stem.chars().count() > 2).then(|| {
                let irregular = [
                    ("pren", "prendre"),
                    ("met", "mettre"),
                    ("mett", "mettre"),
                    ("ten", "tenir"),
                    ("écriv", "écrire"),
                    ("rend", "rendre"),
                    ("ouvr", "ouvrir"),
                    ("remett", "remettre"),
                    ("sort", "sortir"),
                    ("ven", "venir"),
                    ("remplissez", "remplir"),
                    ("rempliss", "remplir"),
                ];
                irregular
                    .iter()
                    .find(|(head, _)| *head == stem)
                    .map_or_else(|| format!("{stem}er"), |(_, lemma)| (*lemma).to_string())
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_to_their_lemma() {
        let cases = [
            ("opens", "open", "does"),
            ("closes", "close", "does"),
            ("carries", "carry", "does"),
            ("paid", "pay", "did"),
            ("needed", "need", "did"),
            ("lasts", "last", "does"),
            ("require", "require", "do"),
            ("closed", "close", "did"),
        ];
        for (surface, lemma, support) in cases {
            assert_eq!(english(surface), Some(VerbForm { lemma: lemma.into(), support }), "{surface}");
        }
        for (surface, lemma) in [
            ("coûte", "coûter"),
            ("ferment", "fermer"),
            ("dirigent", "diriger"),
            ("a", "avoir"),
            ("pèsent", "peser"),
        ] {
            assert_eq!(french(surface).map(|form| form.lemma).as_deref(), Some(lemma), "{surface}");
        }
        assert_eq!(english("table"), None);
        assert_eq!(imperative("appelez", Language::French).as_deref(), Some("appeler"));
    }
}
