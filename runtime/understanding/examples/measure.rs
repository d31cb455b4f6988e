//! Measures understanding on public data: `FLOW_DATA_DIR=.. cargo run --release -p flow-understanding --example measure`.
//! Trains on the train files, reports on the test files. Where the data is absent it says so and does nothing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement may stop at a broken file"
)]

use flow_understanding::classifier::Classifier;
use flow_understanding::normalise::words;
use flow_understanding::spec::{Example, Labelled, Spec};
use flow_understanding::{Context, Understanding, background};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Random bots per size.
const ROUNDS: u32 = 12;

type Rows = Vec<Vec<String>>;

fn main() {
    let Some(dir) = std::env::var_os("FLOW_DATA_DIR")
        .map(PathBuf::from)
        .filter(|d| d.is_dir())
    else {
        println!("FLOW_DATA_DIR names no folder of data: nothing is measured");
        return;
    };
    // Arguments pick sections.
    let only: Vec<String> = std::env::args().skip(1).collect();
    type Section = (&'static str, fn(&Path));
    let sections: [Section; 6] = [
        ("intents", intents),
        ("small", small_bots),
        ("human", human),
        ("sentiment", feelings),
        ("language", languages),
        ("speed", speed),
    ];
    for (name, section) in sections {
        if only.is_empty() || only.iter().any(|o| o == name) {
            section(&dir);
        }
    }
}

fn load(dir: &Path, file: &str) -> Option<Rows> {
    let text = std::fs::read_to_string(dir.join(file)).ok();
    if text.is_none() {
        println!("{file} is absent: skipped");
    }
    Some(
        text?
            .lines()
            .map(|l| l.split('\t').map(str::to_owned).collect())
            .collect(),
    )
}

fn by_label(rows: &Rows) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut out: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for r in rows.iter().filter(|r| r[1] != "oos") {
        out.entry(r[1].clone()).or_default().push(words(&r[0]));
    }
    out
}

#[derive(Default)]
struct Tally {
    n: f64,
    right: f64,
    kept: f64,
    far: f64,
    far_refused: f64,
    far_sure: f64,
    sure: f64,
    sure_right: f64,
    bins: [(f64, f64); 10],
}

impl Tally {
    fn add(&mut self, classifier: &Classifier, names: &[String], text: &str, label: Option<&str>) {
        let meaning = classifier.classify(&words(text));
        let best = meaning
            .guesses
            .first()
            .map_or(("", 0.0), |(c, p)| (names[*c].as_str(), *p));
        let sure = meaning.in_scope && best.1 >= 0.8;
        let Some(label) = label else {
            self.far += 1.0;
            self.far_refused += f64::from(u8::from(!meaning.in_scope));
            self.far_sure += f64::from(u8::from(sure));
            return;
        };
        let right = best.0 == label;
        self.n += 1.0;
        self.right += f64::from(u8::from(right));
        self.kept += f64::from(u8::from(right && meaning.in_scope));
        self.sure += f64::from(u8::from(sure));
        self.sure_right += f64::from(u8::from(sure && right));
        let bin = &mut self.bins[((best.1 * 10.0) as usize).min(9)];
        bin.0 += best.1;
        bin.1 += f64::from(u8::from(right));
    }

    fn print(&self, name: &str, note: &str) {
        let ece: f64 = self.bins.iter().map(|(p, r)| (p - r).abs()).sum::<f64>() / self.n;
        println!(
            "{name:<22} accuracy {:5.1}  right and in scope {:5.1}  calibration error {:4.1}  sure {:5.1}% of which right {:5.1}%  out of scope: refused {:5.1}%, sure {:4.1}%  {note}",
            100.0 * self.right / self.n,
            100.0 * self.kept / self.n,
            100.0 * ece,
            100.0 * self.sure / self.n,
            100.0 * self.sure_right / self.sure.max(1.0),
            100.0 * self.far_refused / self.far.max(1.0),
            100.0 * self.far_sure / self.far.max(1.0),
        );
    }
}

fn intents(dir: &Path) {
    println!("\nIntents");
    let background = background(&["en".into()]);
    for (set, part) in [
        ("clinc150", "train_5"),
        ("clinc150", "train_10"),
        ("clinc150", "train"),
        ("banking77", "train_5"),
        ("banking77", "train_10"),
    ] {
        let (Some(train), Some(test)) = (
            load(dir, &format!("{set}.{part}.tsv")),
            load(dir, &format!("{set}.test.tsv")),
        ) else {
            continue;
        };
        let labelled = by_label(&train);
        let names: Vec<String> = labelled.keys().cloned().collect();
        let classes: Vec<_> = labelled.into_values().collect();
        let start = Instant::now();
        let classifier = Classifier::train(&classes, &background);
        let took = start.elapsed();
        let mut tally = Tally::default();
        let start = Instant::now();
        for r in &test {
            tally.add(
                &classifier,
                &names,
                &r[0],
                Some(r[1].as_str()).filter(|l| *l != "oos"),
            );
        }
        let each = start.elapsed() / u32::try_from(test.len()).unwrap();
        tally.print(
            &format!("{set} {part}"),
            &format!(
                "trained in {took:.0?}, {each:.1?} a message, temperature {:.3}",
                classifier.temperature()
            ),
        );
    }
}

/// Bots of the usual size: 8 intents of CLINC150 drawn at random, few examples each; all other intents' messages are out of scope.
fn small_bots(dir: &Path) {
    println!("\nSmall bots: 8 intents");
    let (Some(train), Some(test)) = (
        load(dir, "clinc150.train.tsv"),
        load(dir, "clinc150.test.tsv"),
    ) else {
        return;
    };
    let background = background(&["en".into()]);
    let labelled = by_label(&train);
    let all: Vec<&String> = labelled.keys().collect();
    for shots in [2, 3, 5, 10] {
        let mut tally = Tally::default();
        let mut seed = 12_345u64;
        let mut next = |n: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % n
        };
        let mut took = std::time::Duration::ZERO;
        for _ in 0..ROUNDS {
            let mut names: Vec<String> = Vec::new();
            while names.len() < 8 {
                let name = all[next(all.len())];
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            let classes: Vec<Vec<Vec<String>>> = names
                .iter()
                .map(|n| {
                    (0..shots)
                        .map(|_| labelled[n][next(labelled[n].len())].clone())
                        .collect()
                })
                .collect();
            let start = Instant::now();
            let classifier = Classifier::train(&classes, &background);
            took += start.elapsed();
            for (i, r) in test.iter().enumerate() {
                let own = names.contains(&r[1]);
                if own || i % 47 == 0 {
                    tally.add(&classifier, &names, &r[0], own.then_some(r[1].as_str()));
                }
            }
        }
        tally.print(
            &format!("{shots} examples each"),
            &format!("trained in {:.1?}", took / ROUNDS),
        );
    }
}

fn bot(languages: &[&str]) -> Understanding {
    let refund = Labelled {
        name: "refund".into(),
        examples: vec![Example::plain("en", "I want my money back")],
    };
    Understanding::of(&Spec {
        languages: languages.iter().map(|l| (*l).into()).collect(),
        intents: vec![refund],
        ..Spec::default()
    })
}

fn context() -> Context<'static> {
    Context {
        language: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        timezone: TimeZone::UTC,
        expecting: None,
    }
}

fn human(dir: &Path) {
    println!("\nWish for a person");
    let understanding = bot(&["en"]);
    let mut wrong: Vec<String> = Vec::new();
    if let Some(rows) = load(dir, "bitext.part.tsv") {
        let (mut n, mut heard, mut others, mut alarms) = (0, 0, 0, 0);
        for r in &rows {
            let asks = understanding.signals(&r[0], &context()).asks_for_human;
            if r[1] == "contact_human_agent" {
                n += 1;
                heard += u32::from(asks);
            } else if r[1] != "contact_customer_service" {
                others += 1;
                alarms += u32::from(asks);
            }
            if asks != (r[1] == "contact_human_agent") && r[1] != "contact_customer_service" {
                wrong.push(format!("{asks}: {}", r[0]));
            }
        }
        println!(
            "bitext: heard {heard} of {n} ({:.1}%), false alarms {alarms} of {others} ({:.2}%)",
            100.0 * f64::from(heard) / f64::from(n),
            100.0 * f64::from(alarms) / f64::from(others)
        );
    }
    for file in ["clinc150.test.tsv", "banking77.test.tsv"] {
        let Some(rows) = load(dir, file) else {
            continue;
        };
        let alarms: Vec<&String> = rows
            .iter()
            .map(|r| &r[0])
            .filter(|t| understanding.signals(t, &context()).asks_for_human)
            .collect();
        println!(
            "{file}: {} of {} ({:.2}%)",
            alarms.len(),
            rows.len(),
            100.0 * alarms.len() as f64 / rows.len() as f64
        );
        wrong.extend(alarms.into_iter().map(|t| format!("true: {t}")));
    }
    if std::env::var_os("SHOW").is_some() {
        wrong.iter().for_each(|w| println!("    {w}"));
    }
}

fn feelings(dir: &Path) {
    println!("\nSentiment");
    let understanding = bot(&["en"]);
    for file in ["sentiment_tweets.test.tsv", "sentiment_amazon.train.tsv"] {
        let Some(rows) = load(dir, file) else {
            continue;
        };
        let (mut right, mut polar, mut polar_right) = (0, 0, 0);
        for r in &rows {
            let s = understanding.signals(&r[0], &context()).sentiment;
            let found = if s >= 0.05 {
                "pos"
            } else if s <= -0.05 {
                "neg"
            } else {
                "neu"
            };
            right += u32::from(found == r[1]);
            if r[1] != "neu" {
                polar += 1;
                polar_right += u32::from((s > 0.0) == (r[1] == "pos") && s != 0.0);
            }
        }
        println!(
            "{file}: {:.1}% of three classes, {:.1}% of the polar ones",
            100.0 * f64::from(right) / rows.len() as f64,
            100.0 * f64::from(polar_right) / f64::from(polar)
        );
    }
    for file in ["clinc150.test.tsv", "banking77.test.tsv"] {
        let Some(rows) = load(dir, file) else {
            continue;
        };
        let low = rows
            .iter()
            .filter(|r| understanding.signals(&r[0], &context()).sentiment < -0.4)
            .count();
        let cues = |f: fn(&flow_engine::signals::Signals) -> bool| {
            rows.iter()
                .filter(|r| f(&understanding.signals(&r[0], &context())))
                .count()
        };
        println!(
            "{file}: below -40% {low}, shouting {}, profanity {}, negation {} of {}",
            cues(|s| s.shouting),
            cues(|s| s.profanity),
            cues(|s| s.negation),
            rows.len()
        );
    }
}

fn languages(dir: &Path) {
    println!("\nLanguage of English requests, bot of seven languages");
    let understanding = bot(&["es", "en", "fr", "de", "pt", "it", "nl"]);
    for file in ["clinc150.test.tsv", "banking77.test.tsv", "bitext.part.tsv"] {
        let Some(rows) = load(dir, file) else {
            continue;
        };
        for current in [None, Some("en")] {
            let right = rows
                .iter()
                .filter(|r| {
                    understanding
                        .signals(
                            &r[0],
                            &Context {
                                language: current,
                                ..context()
                            },
                        )
                        .language
                        == "en"
                })
                .count();
            println!(
                "{file}, so far {}: {:.1}%",
                current.unwrap_or("es"),
                100.0 * right as f64 / rows.len() as f64
            );
        }
    }
}

fn speed(dir: &Path) {
    println!("\nAll signals of a message");
    let (Some(train), Some(test)) = (
        load(dir, "clinc150.train_10.tsv"),
        load(dir, "clinc150.test.tsv"),
    ) else {
        return;
    };
    let mut spec = Spec {
        languages: vec!["en".into(), "es".into()],
        ..Spec::default()
    };
    for r in train.iter().filter(|r| r[1] != "oos") {
        let example = Example::plain("en", &r[0]);
        match spec.intents.iter_mut().find(|l| l.name == r[1]) {
            Some(l) => l.examples.push(example),
            None => spec.intents.push(Labelled {
                name: r[1].as_str().into(),
                examples: vec![example],
            }),
        }
    }
    let understanding = Understanding::of(&spec);
    let mut times: Vec<u128> = test
        .iter()
        .map(|r| {
            let start = Instant::now();
            std::hint::black_box(understanding.signals(&r[0], &context()));
            start.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    println!(
        "150 intents: median {:.0} microseconds, 99th percentile {:.0}",
        times[times.len() / 2] as f64 / 1e3,
        times[times.len() * 99 / 100] as f64 / 1e3
    );
}
