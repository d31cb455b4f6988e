//! The report as one page: no script, nothing from elsewhere, light and dark, narrow and wide, by keyboard and screen reader.

use super::{clock, day, hours, percent};
use flow_compiler::report::{Knows, Reach, Report, Staffing};
use flow_compiler::sources::Position;
use std::fmt::Write;

const STYLE: &str = include_str!("report.css");

/// The sections: anchor and title.
const SECTIONS: [(&str, &str); 6] = [
    ("reach", "A person can be reached"),
    ("known", "What people know"),
    ("staff", "Who is there"),
    ("promises", "Promises"),
    ("private", "Private data"),
    ("costs", "Costs"),
];

pub(super) fn render(r: &Report) -> String {
    let mut out = Page {
        html: String::new(),
        columns: Vec::new(),
    };
    let title = escape(&r.title);
    out.put(&format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}: what is proven</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>"
    ));
    let version = r.version.get(..12).unwrap_or(&r.version);
    out.put(&format!(
        "<header><div class=\"wrap\"><p class=\"eyebrow\">What is proven</p><h1>{title}</h1><p class=\"meta\"><span>{}</span><span>version <code>{}</code></span><span>hours from {} on</span><span>{}</span></p></div></header>",
        ladder(r),
        escape(version),
        r.date,
        escape(&r.timezone)
    ));
    out.put("<nav aria-label=\"Sections\"><div class=\"wrap\"><ul>");
    for (id, title) in SECTIONS {
        out.put(&format!("<li><a href=\"#{id}\">{title}</a></li>"));
    }
    out.put("</ul></div></nav>\n<main id=\"main\" class=\"wrap\">");
    summary(&mut out, r);
    reach(&mut out, r);
    known(&mut out, r);
    staff(&mut out, r);
    promises(&mut out, r);
    private(&mut out, r);
    costs(&mut out, r);
    out.put("</main>\n<footer class=\"wrap\"><p>Made by <code>flowc report</code> from the bot's sources alone.</p></footer>\n</body>\n</html>");
    out.html
}

fn ladder(r: &Report) -> String {
    r.tiers
        .iter()
        .map(|t| escape(t))
        .collect::<Vec<_>>()
        .join(" <span aria-label=\"then\">&rarr;</span> ")
}

/// Four figures that say most.
fn summary(out: &mut Page, r: &Report) {
    let unproven = r.reach.iter().filter(|x| x.turns.is_none()).count();
    let most = r.reach.iter().filter_map(|x| x.turns).max().unwrap_or(0);
    let broken = r.promises.iter().filter(|p| !p.kept).count();
    let unplanned = r
        .staffing
        .iter()
        .filter(|s| !s.gaps.is_empty() && !s.closed_plan)
        .count();
    out.put("<section class=\"cards\" aria-label=\"In short\">");
    let figure = |n: u32| {
        if n == 1 {
            "1 turn".to_owned()
        } else {
            format!("{n} turns")
        }
    };
    card(
        out,
        unproven == 0,
        &if unproven == 0 {
            figure(most)
        } else {
            format!("{unproven} unproven")
        },
        "at most until a person, from every node and tier",
    );
    card(
        out,
        unplanned == 0,
        &format!("{} of {}", r.staffing.len() - unplanned, r.staffing.len()),
        "rows with somebody there or a plan at any time",
    );
    card(
        out,
        broken == 0,
        &format!("{} of {}", r.promises.len() - broken, r.promises.len()),
        "promises backed by hours",
    );
    card(
        out,
        true,
        r.costs.expected.as_deref().unwrap_or("-"),
        &format!(
            "expected per conversation, at worst {}",
            r.costs.worst.as_deref().unwrap_or("-")
        ),
    );
    out.put("</section>");
}

fn card(out: &mut Page, good: bool, figure: &str, what: &str) {
    let class = if good { "card good" } else { "card bad" };
    out.put(&format!(
        "<div class=\"{class}\"><p class=\"figure\">{}</p><p>{}</p></div>",
        escape(figure),
        escape(what)
    ));
}

fn reach(out: &mut Page, r: &Report) {
    out.section("reach", "A person can be reached", "Turns of the customer at most, if the customer wants a person: what the customer cannot choose goes the worst way.");
    out.table(
        "Turns until a person, by node and tier",
        &["Node", "Tier", "At most", "How"],
    );
    for x in &r.reach {
        let turns = match x.turns {
            None => badge("bad", "not for certain"),
            Some(0) => badge("good", "at once"),
            Some(n) => badge("good", &crate::output::count(n as usize, "turn")),
        };
        out.row(
            &[&node(x), &escape(&x.tier), &turns, &ways(x)],
            x.at.as_ref(),
        );
    }
    out.end();
}

fn node(x: &Reach) -> String {
    x.node.as_ref().map_or_else(
        || "<em>wherever it answers</em>".to_owned(),
        |n| format!("<code>{}</code>", escape(n)),
    )
}

fn ways(x: &Reach) -> String {
    let item = |w: &flow_compiler::report::Way| {
        format!(
            "{} <span class=\"soft\">({})</span>",
            code(&w.how),
            if w.turns == 1 {
                "1 turn".to_owned()
            } else {
                format!("{} turns", w.turns)
            }
        )
    };
    match x.ways.split_first() {
        None => "no way is proven".to_owned(),
        Some((first, [])) => item(first),
        Some((first, more)) => {
            let rest: String = more
                .iter()
                .map(|w| format!("<li>{}</li>", item(w)))
                .collect();
            format!(
                "{}<details><summary>{} more</summary><ul>{rest}</ul></details>",
                item(first),
                more.len()
            )
        }
    }
}

fn known(out: &mut Page, r: &Report) {
    out.section("known", "What people know when they take over", "Of every required field, whether it is known at the moment of the handoff, on each way there.");
    if r.required.is_empty() {
        out.put("<p>No handoff requires a field.</p>");
    } else {
        out.table(
            "Required fields by handoff",
            &["Field", "Handoff", "Known", "On which ways"],
        );
        for f in &r.required {
            let badge = state(f.known);
            let asked = if f.asked_while_waiting {
                "<br><span class=\"soft\">asked for while they wait</span>"
            } else {
                ""
            };
            let list: String = f
                .ways
                .iter()
                .map(|w| {
                    let at = w
                        .unknown_at
                        .as_ref()
                        .map(|p| {
                            format!(
                                " <span class=\"soft\">not for sure at <code>{}</code></span>",
                                escape(p)
                            )
                        })
                        .unwrap_or_default();
                    format!(
                        "<li>{} {}{at}{}</li>",
                        state(w.known),
                        code(&w.by),
                        place(w.at.as_ref())
                    )
                })
                .collect();
            let ways = format!(
                "<details><summary>{}</summary><ul>{list}</ul></details>",
                crate::output::count(f.ways.len(), "way")
            );
            out.row(
                &[
                    &format!("<code>{}</code>", escape(&f.field)),
                    &code(&f.handoff),
                    &format!("{badge}{asked}"),
                    &ways,
                ],
                f.at.as_ref(),
            );
        }
        out.end();
        return;
    }
    out.put("</section>");
}

fn state(k: Knows) -> String {
    badge(
        match k {
            Knows::Certain => "good",
            Knows::Possible => "warn",
            Knows::Impossible => "bad",
        },
        k.as_str(),
    )
}

fn staff(out: &mut Page, r: &Report) {
    out.section(
        "staff",
        "Who is there",
        "The week of every row of the matrix, overflow included.",
    );
    for row in &r.staffing {
        out.put(&format!("<article><h3><span class=\"soft\">{} row {}</span> {} <span aria-label=\"goes to\">&rarr;</span> <code>{}</code></h3>", escape(&row.tier), row.row, escape(&row.when), escape(&row.team)));
        let overflow = if row.overflow.is_empty() {
            String::new()
        } else {
            format!(
                "overflow to {}; ",
                row.overflow
                    .iter()
                    .map(|t| format!("<code>{}</code>", escape(t)))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        };
        let gaps = if row.always {
            "somebody is always there".to_owned()
        } else {
            let plan = if row.closed_plan {
                "the <code>closed</code> plan stands in"
            } else {
                "<strong class=\"bad\">nothing is planned</strong>"
            };
            let longest = row.longest_gap.as_deref().map(escape);
            match (row.gaps.is_empty(), longest) {
                (true, None) => "no gap within 400 days".to_owned(),
                (true, Some(gap)) => {
                    format!("no gap this week, the longest in 400 days: {gap}; {plan}")
                }
                (false, gap) => format!(
                    "{} this week, {plan}; the longest in 400 days: {}",
                    crate::output::count(row.gaps.len(), "gap"),
                    gap.unwrap_or_else(|| "-".into())
                ),
            }
        };
        out.put(&format!(
            "<p>{overflow}{gaps}{}</p>",
            place(row.at.as_ref())
        ));
        week(out, row);
        if !row.gaps.is_empty() {
            let list: String = row
                .gaps
                .iter()
                .map(|gap| format!("<li>{}</li>", escape(gap)))
                .collect();
            out.put(&format!(
                "<details><summary>{} this week<span class=\"hidden\"> in row {} of {}</span></summary><ul>{list}</ul></details>",
                crate::output::count(row.gaps.len(), "gap"),
                row.row,
                escape(&row.tier)
            ));
        }
        out.put("</article>");
    }
    if r.staffing.is_empty() {
        out.put("<p>There is no matrix.</p>");
    }
    out.put("</section>");
}

/// A bar per day; the words stand beside it for whoever does not see it.
fn week(out: &mut Page, row: &Staffing) {
    out.put(&format!(
        "<ul class=\"week\" aria-label=\"Open hours of {}\">",
        escape(&row.team)
    ));
    for d in &row.week {
        let mut bars = String::new();
        for (from, to) in &d.open {
            let left = f64::from(*from) / 14.4;
            let width = f64::from(to.saturating_sub(*from)) / 14.4;
            let _ = write!(
                bars,
                "<i style=\"left:{left:.2}%;width:{width:.2}%\" title=\"{}-{}\"></i>",
                clock(*from),
                clock(*to)
            );
        }
        out.put(&format!("<li><span class=\"dayname\">{}</span><span class=\"bar\" aria-hidden=\"true\">{bars}</span><span class=\"open\">{}</span></li>", d.date.strftime("%a"), day(&d.open)));
    }
    out.put("</ul>");
}

fn promises(out: &mut Page, r: &Report) {
    out.section(
        "promises",
        "Promises",
        "Every time that is promised, and the hours that back it.",
    );
    out.table(
        "Promises and their hours",
        &["Promise", "Within", "Backed", "Hours"],
    );
    for p in &r.promises {
        let badge = if p.kept {
            badge("good", "yes")
        } else {
            badge("bad", "no")
        };
        let hours = format!(
            "{} <span class=\"soft\">({} this week)</span>",
            p.hours
                .iter()
                .map(|h| format!("<code>{}</code>", escape(h)))
                .collect::<Vec<_>>()
                .join(", "),
            hours(p.open_minutes)
        );
        out.row(
            &[
                &code(&p.what),
                &escape(&p.within),
                &format!("{badge} {}", code(&p.why)),
                &hours,
            ],
            p.at.as_ref(),
        );
    }
    out.end();
}

fn private(out: &mut Page, r: &Report) {
    out.section("private", "Private data", "Where private values can go, through copies and texts too. Webhooks and models are outside the system.");
    if r.private.is_empty() {
        out.put("<p>Nothing is marked <code>private</code>.</p></section>");
        return;
    }
    out.table(
        "Private fields and where they go",
        &["Field", "Goes to", "What", "Places"],
    );
    for f in &r.private {
        let name = format!("<code>{}</code>", escape(&f.field));
        if f.to.is_empty() {
            out.row(
                &[&name, &badge("good", "only the card"), "", ""],
                f.at.as_ref(),
            );
        }
        for to in &f.to {
            let kind = badge(if to.leaves { "warn" } else { "good" }, to.kind);
            let places: Vec<String> = to.places.iter().map(|p| place(Some(p))).collect();
            out.row(
                &[&name, &kind, &code(&to.name), &places.join(" ")],
                f.at.as_ref(),
            );
        }
    }
    out.end();
}

fn costs(out: &mut Page, r: &Report) {
    out.section(
        "costs",
        "Costs",
        "The tiers that a conversation touches, along every simple path.",
    );
    out.table("Cost by path", &["Path", "Share", "Cost"]);
    for p in &r.costs.paths {
        let path: Vec<String> = p
            .tiers
            .iter()
            .map(|t| format!("<code>{}</code>", escape(t)))
            .collect();
        let share = format!(
            "<span class=\"share\" aria-hidden=\"true\"><i style=\"width:{:.1}%\"></i></span> {}",
            p.share * 100.0,
            percent(p.share)
        );
        out.row(&[&path.join(" &rarr; "), &share, &escape(&p.cost)], None);
    }
    out.put("</tbody></table></div>");
    let or = |v: &Option<String>| escape(v.as_deref().unwrap_or("not known"));
    out.put(&format!("<p>Expected <strong>{}</strong> per conversation, at worst <strong>{}</strong>. Assumed:</p><ul>", or(&r.costs.expected), or(&r.costs.worst)));
    for a in &r.costs.assumptions {
        out.put(&format!("<li>{}</li>", code(a)));
    }
    out.put("</ul></section>");
}

/// A page in the making.
struct Page {
    html: String,
    /// The columns of the table in the making: on a narrow screen each cell says its own.
    columns: Vec<String>,
}

impl Page {
    fn put(&mut self, html: &str) {
        self.html.push_str(html);
        self.html.push('\n');
    }

    fn section(&mut self, id: &str, title: &str, intro: &str) {
        self.put(&format!("<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{}</h2><p class=\"intro\">{}</p>", escape(title), escape(intro)));
    }

    fn table(&mut self, caption: &str, columns: &[&str]) {
        let head: String = columns
            .iter()
            .map(|c| format!("<th scope=\"col\" role=\"columnheader\">{c}</th>"))
            .collect();
        self.columns = columns.iter().map(ToString::to_string).collect();
        // The roles are named because a narrow screen lays tables out as blocks, where browsers forget them.
        // What scrolls can be scrolled by the keyboard.
        self.put(&format!("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table role=\"table\"><caption>{caption}</caption><thead role=\"rowgroup\"><tr role=\"row\">{head}</tr></thead><tbody role=\"rowgroup\">"));
    }

    /// The first cell names the row; `at` stands under it.
    fn row(&mut self, cells: &[&str], at: Option<&Position>) {
        let mut html = String::from("<tr role=\"row\">");
        for (i, cell) in cells.iter().enumerate() {
            if i == 0 {
                let _ = write!(
                    html,
                    "<th scope=\"row\" role=\"rowheader\">{cell}{}</th>",
                    place(at)
                );
            } else {
                let label = self.columns.get(i).map_or("", String::as_str);
                let _ = write!(html, "<td role=\"cell\" data-label=\"{label}\">{cell}</td>");
            }
        }
        html.push_str("</tr>");
        self.put(&html);
    }

    fn end(&mut self) {
        self.put("</tbody></table></div></section>");
    }
}

fn badge(class: &str, text: &str) -> String {
    format!("<span class=\"badge {class}\">{}</span>", escape(text))
}

fn place(at: Option<&Position>) -> String {
    at.map(|p| format!("<span class=\"at\">{}:{}</span>", escape(&p.file), p.line))
        .unwrap_or_default()
}

/// Escaped, with what stands between backticks as code.
fn code(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.split('`').enumerate() {
        if i % 2 == 1 {
            let _ = write!(out, "<code>{}</code>", escape(part));
        } else {
            out.push_str(&escape(part));
        }
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_shown_and_not_obeyed() {
        assert_eq!(code("a <b> `c & d`"), "a &lt;b&gt; <code>c &amp; d</code>");
        assert_eq!(escape("\"'"), "&quot;&#39;");
    }
}
