//! F0705: a people tier without a `route` or a `handoff`; overflow in a circle.

use super::support::analysis::Analysis;
use super::support::syntax;
use crate::machine::Tier;
use crate::value::{TeamId, TierId};
use flow_grammar::ast::{DeclKind, TierKind};
use flow_grammar::{Diagnostic, Severity};
use petgraph::graph::{DiGraph, NodeIndex};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0705",
    severity: Severity::Error,
    title: "a people tier without a way to its people; overflow in a circle",
    run,
};

/// Whether a tier is declared with its kind and stands on the ladder; otherwise that is to be mended first.
fn settled(cx: &Analysis<'_>, tier: &Tier) -> bool {
    let declared = matches!(
        syntax::decl(cx.sources, tier.name_loc.decl).map(|d| &d.kind),
        Some(DeclKind::Tier(t)) if t.kind.is_some()
    );
    let on_the_ladder = syntax::decls(cx.sources).any(|(_, d)| {
        matches!(&d.kind, DeclKind::Bot(bot) if bot.tiers.iter().any(|t| t.text == tier.name))
    });
    declared && on_the_ladder
}

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    // A route or handoff whose tier is unknown may have been meant for any.
    let written = |is: fn(&DeclKind) -> bool| {
        syntax::decls(cx.sources)
            .filter(|(_, d)| is(&d.kind))
            .count()
    };
    let lost_routes = written(|d| matches!(d, DeclKind::Route(_))) > machine.routes.len();
    let lost_handoffs = written(|d| matches!(d, DeclKind::Handoff(_))) > machine.handoffs.len();
    for (id, tier) in (0u32..).map(TierId).zip(&machine.tiers) {
        if tier.kind != TierKind::People || !settled(cx, tier) {
            continue;
        }
        let route = lost_routes || machine.routes.iter().any(|r| r.tier == id);
        let handoff = lost_handoffs || machine.handoffs.iter().any(|h| h.tier == id);
        let (missing, help) = match (route, handoff) {
            (true, true) => continue,
            (false, true) => (
                "`route`",
                format!("say which team takes what: `route {0} {{ .. }}`", tier.name),
            ),
            (true, false) => (
                "`handoff`",
                format!(
                    "say how conversations are handed over: `handoff {0} {{ say \"..\" }}`",
                    tier.name
                ),
            ),
            (false, false) => (
                "`route` and no `handoff`",
                format!(
                    "say which team takes what (`route {0} {{ .. }}`) and how conversations are handed over (`handoff {0} {{ say \"..\" }}`)",
                    tier.name
                ),
            ),
        };
        found.push(
            Diagnostic::error(
                "F0705",
                format!("tier `{}` has no {missing}", tier.name),
                tier.name_loc,
            )
            .labelled("people, but nothing leads to them")
            .help(help),
        );
    }
    circles(cx, found);
}

fn circles(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut graph: DiGraph<TeamId, ()> = DiGraph::new();
    for id in (0u32..).map(TeamId).take(machine.teams.len()) {
        graph.add_node(id);
    }
    for (id, team) in (0u32..).map(TeamId).zip(&machine.teams) {
        for (to, _) in &team.overflow {
            graph.add_edge(NodeIndex::new(id.index()), NodeIndex::new(to.index()), ());
        }
    }
    for part in petgraph::algo::kosaraju_scc(&graph) {
        let alone = part.len() == 1
            && part
                .first()
                .is_some_and(|n| graph.find_edge(*n, *n).is_none());
        if alone {
            continue;
        }
        let mut teams: Vec<_> = part
            .iter()
            .filter_map(|n| graph.node_weight(*n))
            .filter_map(|id| machine.team(*id))
            .collect();
        teams.sort_by_key(|t| t.loc);
        let Some((first, rest)) = teams.split_first() else {
            continue;
        };
        let next = |team: &crate::machine::Team| {
            let to = team
                .overflow
                .iter()
                .filter_map(|(t, _)| machine.team(*t))
                .find(|t| teams.iter().any(|o| o.name == t.name));
            to.map_or_else(String::new, |t| format!("overflows to `{}`", t.name))
        };
        let mut finding = Diagnostic::error(
            "F0705",
            "the overflow of these teams runs in a circle",
            first.name_loc,
        )
        .labelled(next(first));
        for team in rest.iter().take(8) {
            finding = finding.label(team.name_loc, next(team));
        }
        found.push(finding.help("let the last team of the chain overflow to nobody"));
    }
}
