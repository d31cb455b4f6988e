//! Values that are well written and make no sense: with them the daemon would run and do something that nobody meant.

use super::Config;
use std::ops::RangeInclusive;

/// An hour, a day, ten years: longer than anybody waits for a shutdown, an agent or a key.
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const YEARS: u64 = 10 * 365;

impl Config {
    /// What makes no sense, one sentence each, in the order of the file.
    pub(super) fn nonsense(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut within = |name: &str, value: u64, range: RangeInclusive<u64>| {
            if !range.contains(&value) {
                let (least, most) = (range.start(), range.end());
                out.push(match *most {
                    u64::MAX => format!("{name} is {value}; it is at least {least}"),
                    _ => format!("{name} is {value}; it lies between {least} and {most}"),
                });
            }
        };
        within(
            "connections",
            u64::try_from(self.connections).unwrap_or(u64::MAX),
            1..=u64::MAX,
        );
        within("drain_seconds", self.drain_seconds, 0..=HOUR);
        within(
            "dead_letter_days",
            u64::from(self.dead_letter_days),
            0..=YEARS,
        );
        let agents = &self.agents;
        within("[agents] grace_seconds", agents.grace_seconds, 0..=DAY);
        within("[agents] lost_seconds", agents.lost_seconds, 0..=DAY);
        within(
            "[agents] session_hours",
            agents.session_hours,
            1..=YEARS * 24,
        );
        within(
            "[agents] idle_minutes",
            agents.idle_minutes,
            0..=YEARS * 24 * 60,
        );
        for (name, model) in &self.models {
            let name = |key: &str| format!("[models.{name}] {key}");
            within(&name("deadline_seconds"), model.deadline_seconds, 1..=HOUR);
            within(&name("attempts"), u64::from(model.attempts), 1..=100);
            within(
                &name("max_tokens"),
                u64::from(model.max_tokens),
                1..=u64::MAX,
            );
        }
        if let Some(verification) = &self.verification {
            let name = "[verification] lifetime_seconds";
            within(name, verification.lifetime_seconds, 1..=DAY);
        }
        for origin in self.origins.iter().filter(|origin| !is_origin(origin)) {
            out.push(format!(
                "origins has `{origin}`; write a site as `https://shop.example`, without a path"
            ));
        }
        if self.egress.ports.contains(&0) {
            out.push("[egress] ports has 0, which is no port".to_owned());
        }
        out
    }
}

/// Whether browsers could say this of a page (`Origin`, RFC 6454).
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        for (text, said) in [
            ("connections = 0", "connections is 0; it is at least 1"),
            (
                "drain_seconds = 100000",
                "drain_seconds is 100000; it lies between 0 and 3600",
            ),
            ("[agents]\nsession_hours = 0", "[agents] session_hours is 0"),
            (
                "[agents]\ngrace_seconds = 9223372036854775807",
                "[agents] grace_seconds is 9223372036854775807",
            ),
            ("origins = [\"shop.example\"]", "origins has `shop.example`"),
            ("origins = [\"*\"]", "origins has `*`"),
            (
                "origins = [\"https://shop.example/\"]",
                "origins has `https://shop.example/`",
            ),
            ("[egress]\nports = [0]", "[egress] ports has 0"),
            (
                "[models.m]\nbase_url = \"https://a.example/v1\"\nmodel = \"x\"\nattempts = 0",
                "[models.m] attempts is 0; it lies between 1 and 100",
            ),
            (
                "[verification]\nurl = \"https://a.example\"\nlifetime_seconds = 0",
                "[verification] lifetime_seconds is 0",
            ),
        ] {
            let found = Config::parse(text).unwrap().nonsense().join("\n");
            assert!(found.contains(said), "{text}: {found}");
        }
        let good = "origins = [\"https://shop.example\", \"http://localhost:3000\"]\nconnections = 1\ndrain_seconds = 0";
        assert_eq!(
            Config::parse(good).unwrap().nonsense(),
            Vec::<String>::new()
        );
        assert_eq!(Config::default().nonsense(), Vec::<String>::new());
    }
}
