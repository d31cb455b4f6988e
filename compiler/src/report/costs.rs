//! What a conversation costs: the tiers that it touches, along every simple path through the ladder.

use super::words;
use crate::checks::support::analysis::Analysis;
use crate::machine::{BandAction, CodeOwner, ExprKind, Machine, OfferKind, OpKind};
use crate::value::{Money, TierId, Value};
use flow_grammar::ast::{BinaryOp, TierKind};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// How many paths are listed.
const MOST: usize = 64;

/// What conversations cost.
#[derive(Debug, Clone, Serialize)]
pub struct Costs {
    /// Every simple path through the tiers, shortest first.
    pub paths: Vec<CostPath>,
    /// The mean over the paths by their shares, as "0.95 USD"; absent without costs.
    pub expected: Option<String>,
    /// The most that a conversation can cost.
    pub worst: Option<String>,
    /// What the figures assume.
    pub assumptions: Vec<String>,
}

/// A path through the tiers.
#[derive(Debug, Clone, Serialize)]
pub struct CostPath {
    /// The tiers, in order.
    pub tiers: Vec<SmolStr>,
    /// The sum of their costs: "12.17 USD".
    pub cost: String,
    /// The share of conversations that go this way, 0 to 1, under the assumptions.
    pub share: f64,
}

pub(super) fn costs(cx: &Analysis<'_>) -> Costs {
    let machine = cx.machine;
    let next = ways(machine);
    let mut assumptions = vec![
        "a tier costs once per conversation that touches it, however long it stays".to_owned(),
        "a path visits each tier at most once; whoever returns to a tier has paid for it"
            .to_owned(),
    ];
    // Where a conversation ends, by tier: a target says so, else all ways are alike.
    let mut stays: Vec<f64> = Vec::new();
    for (id, tier) in (0u32..).map(TierId).zip(&machine.tiers) {
        let ways_on = next.get(&id).map_or(0, BTreeSet::len);
        let target = target(machine, id);
        #[expect(clippy::cast_precision_loss, reason = "a handful of tiers")]
        let even = 1.0 / (ways_on as f64 + 1.0);
        let stay = if ways_on == 0 {
            1.0
        } else if let Some((metric, share)) = target {
            assumptions.push(format!(
                "`{}` keeps {}% of what it gets: the target `{metric}`",
                tier.name,
                percent(share)
            ));
            share
        } else if tier.kind == TierKind::People {
            assumptions.push(format!(
                "`{}` keeps what it gets: people resolve it",
                tier.name
            ));
            1.0
        } else {
            assumptions.push(format!(
                "`{}` has no target for what it resolves: staying and each way on count alike",
                tier.name
            ));
            even
        };
        stays.push(stay);
    }
    let start = machine
        .tiers
        .iter()
        .position(|t| t.kind == TierKind::Scripted)
        .unwrap_or(0);
    let start = TierId(u32::try_from(start).unwrap_or(0));
    if !machine.bot.start_lines.is_empty() {
        let tiers: BTreeSet<&str> = machine
            .bot
            .start_lines
            .iter()
            .map(|(t, _)| words::tier(machine, *t))
            .collect();
        assumptions.push(format!(
            "conversations open in `{}`; those that `start` opens in {} are listed and count as none",
            words::tier(machine, start),
            tiers.into_iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", ")
        ));
    }
    let mut found: Vec<(Vec<TierId>, f64)> = Vec::new();
    walk(start, vec![start], 1.0, &next, &stays, &mut found);
    let mut openings: BTreeSet<TierId> = machine.bot.start_lines.iter().map(|(t, _)| *t).collect();
    openings.remove(&start);
    for tier in openings {
        walk(tier, vec![tier], 0.0, &next, &stays, &mut found);
    }
    found.sort_by_key(|(path, _)| (path.len(), path.clone()));
    let sums: Vec<(Option<Money>, f64)> = found
        .iter()
        .map(|(path, share)| (sum(machine, path), *share))
        .collect();
    let costless: Vec<String> = machine
        .tiers
        .iter()
        .filter(|t| t.cost.is_none())
        .map(|t| format!("`{}`", t.name))
        .collect();
    if !costless.is_empty() && costless.len() < machine.tiers.len() {
        assumptions.push(format!(
            "without a `cost` nothing is paid for {}",
            costless.join(", ")
        ));
    }
    let unknown = if machine.tiers.iter().all(|t| t.cost.is_none()) {
        "none declared"
    } else {
        "not in one currency"
    };
    let paths = found
        .iter()
        .zip(&sums)
        .take(MOST)
        .map(|((path, share), (cost, _))| CostPath {
            tiers: path
                .iter()
                .map(|t| words::tier(machine, *t).into())
                .collect(),
            cost: cost.as_ref().map_or_else(
                || unknown.to_owned(),
                |m| format!("{} {}", m.amount.normalize(), m.currency),
            ),
            share: *share,
        })
        .collect();
    let known: Option<Vec<(Money, f64)>> =
        sums.into_iter().map(|(m, s)| m.map(|m| (m, s))).collect();
    let known = known.filter(|k| {
        k.windows(2)
            .all(|w| matches!(w, [a, b] if a.0.currency == b.0.currency))
    });
    let expected = known.as_ref().and_then(|k| {
        let currency = &k.first()?.0.currency;
        let mut total = rust_decimal::Decimal::ZERO;
        for (money, share) in k {
            total += money.amount * rust_decimal::Decimal::try_from(*share).ok()?;
        }
        Some(format!("{} {currency}", total.round_dp(4).normalize()))
    });
    let worst = known.as_ref().and_then(|k| {
        let most = k.iter().map(|(m, _)| m).max_by_key(|m| m.amount)?;
        Some(format!("{} {}", most.amount.normalize(), most.currency))
    });
    Costs {
        paths,
        expected,
        worst,
        assumptions,
    }
}

fn walk(
    at: TierId,
    path: Vec<TierId>,
    share: f64,
    next: &BTreeMap<TierId, BTreeSet<TierId>>,
    stays: &[f64],
    out: &mut Vec<(Vec<TierId>, f64)>,
) {
    if out.len() >= 4 * MOST {
        return;
    }
    let on: Vec<TierId> = next
        .get(&at)
        .into_iter()
        .flatten()
        .filter(|t| !path.contains(t))
        .copied()
        .collect();
    // Who cannot go on to a new tier stays.
    let stay = if on.is_empty() {
        1.0
    } else {
        stays.get(at.index()).copied().unwrap_or(1.0)
    };
    out.push((path.clone(), share * stay));
    #[expect(clippy::cast_precision_loss, reason = "a handful of tiers")]
    let each = share * (1.0 - stay) / on.len().max(1) as f64;
    for tier in on {
        let mut longer = path.clone();
        longer.push(tier);
        walk(tier, longer, each, next, stays, out);
    }
}

/// By tier, the tiers to which something leads from it.
fn ways(machine: &Machine) -> BTreeMap<TierId, BTreeSet<TierId>> {
    let mut out: BTreeMap<TierId, BTreeSet<TierId>> = BTreeMap::new();
    let scripted: Vec<TierId> = of_kind(machine, TierKind::Scripted);
    let mut add = |from: TierId, to: TierId| {
        if from != to && to.index() < machine.tiers.len() {
            out.entry(from).or_default().insert(to);
        }
    };
    for rule in &machine.rules {
        rule.from.iter().for_each(|f| add(*f, rule.to));
    }
    for op in &machine.ops {
        let from = match machine.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Band(tier)) => vec![tier],
            Some(CodeOwner::Handoff(i, _)) => machine
                .handoffs
                .get(i as usize)
                .map(|h| vec![h.tier])
                .unwrap_or_default(),
            _ => scripted.clone(),
        };
        match &op.kind {
            OpKind::Escalate(spec) => {
                let to = spec
                    .to
                    .or_else(|| spec.rule.and_then(|r| machine.rule(r)).map(|r| r.to));
                from.iter()
                    .for_each(|f| add(*f, to.unwrap_or(TierId(f.0 + 1))));
            }
            OpKind::ContinueWith { tier, .. } => from.iter().for_each(|f| add(*f, *tier)),
            OpKind::Offer { offer, .. } => {
                for item in &offer.items {
                    if let OfferKind::ContinueWith(tier) = item.kind {
                        from.iter().for_each(|f| add(*f, tier));
                    }
                }
            }
            _ => {}
        }
    }
    for (id, tier) in (0u32..).map(TierId).zip(&machine.tiers) {
        for band in &tier.bands {
            if let BandAction::Offer(to) = band.action {
                add(id, to);
            }
        }
    }
    out
}

fn of_kind(machine: &Machine, kind: TierKind) -> Vec<TierId> {
    (0u32..)
        .map(TierId)
        .zip(&machine.tiers)
        .filter(|(_, t)| t.kind == kind)
        .map(|(id, _)| id)
        .collect()
}

/// The declared share of conversations that a tier keeps.
fn target(machine: &Machine, tier: TierId) -> Option<(String, f64)> {
    machine.targets.iter().find_map(|line| {
        let share = match line.value.kind {
            ExprKind::Const(Value::Percent(p)) => p,
            _ => return None,
        };
        (line.alert.is_none()
            && line.of == Some(tier)
            && matches!(line.metric.as_str(), "containment" | "resolution")
            && matches!(line.op, BinaryOp::Ge | BinaryOp::Gt))
        .then(|| {
            let name = words::tier(machine, tier);
            (
                format!("{} of {name} >= {}%", line.metric, percent(share)),
                share.clamp(0.0, 1.0),
            )
        })
    })
}

fn percent(share: f64) -> String {
    let p = (share * 1000.0).round() / 10.0;
    format!("{p}")
}

/// What the tiers of a path cost together. One without `cost` costs nothing. Absent where costs have several currencies, or none is
/// declared.
fn sum(machine: &Machine, path: &[TierId]) -> Option<Money> {
    let declared = machine.tiers.iter().find_map(|t| t.cost.as_ref())?;
    let mut total: Option<Money> = None;
    for cost in path
        .iter()
        .filter_map(|t| machine.tier(*t))
        .filter_map(|t| t.cost.as_ref())
    {
        match &mut total {
            None => total = Some(cost.clone()),
            Some(t) if t.currency == cost.currency => t.amount += cost.amount,
            Some(_) => return None,
        }
    }
    Some(total.unwrap_or_else(|| Money {
        amount: rust_decimal::Decimal::ZERO,
        currency: declared.currency.clone(),
    }))
}
