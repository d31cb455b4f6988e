//! The dashboard's numbers.

use super::row::{collect, get, millis, natural, time, word};
use crate::{
    Dashboard, DashboardQuery, HourCount, Percentiles, RuleCount, Score, StoreError, TeamCount,
    TierCount,
};
use rusqlite::{Connection, params};

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

pub(super) fn dashboard(c: &Connection, query: &DashboardQuery) -> Result<Dashboard, StoreError> {
    let tx = c.unchecked_transaction()?;
    let since = millis(query.since);
    let count = |condition: &str| -> Result<u64, StoreError> {
        let sql =
            format!("SELECT count(*) FROM conversation c WHERE c.opened_at >= ? AND {condition}");
        Ok(natural(
            tx.prepare_cached(&sql)?.query_row([since], |r| r.get(0))?,
        ))
    };
    let conversations = count("true")?;
    let closed = count("c.stage = 'closed'")?;
    let seconds = |from: &str, to: &str| -> Result<Percentiles, StoreError> {
        let sql = format!(
            "SELECT ({to} - {from}) / 1000.0 AS s FROM conversation WHERE opened_at >= ? AND {from} IS NOT NULL AND {to} >= {from}"
        );
        Ok(Percentiles::of(collect(
            tx.prepare_cached(&sql)?.query([since])?,
            |r| get(r, "s"),
        )?))
    };
    Ok(Dashboard {
        conversations,
        open: conversations - closed,
        closed,
        resolved: count("c.resolved")?,
        tiers: tiers(&tx, query, since)?,
        handoff_rate: share(count("c.people")?, conversations),
        abandonment: share(count("c.reason IN ('abandoned', 'left')")?, conversations),
        wait_seconds: seconds("queued_at", "connected_at")?,
        handle_seconds: seconds("connected_at", "closed_at")?,
        scores: collect(
            tx.prepare_cached(
                "SELECT s.survey, count(*) AS n, avg(s.score) AS mean FROM score s JOIN conversation c ON c.id = s.conversation \
                 WHERE c.opened_at >= ? GROUP BY s.survey ORDER BY s.survey",
            )?
            .query([since])?,
            |r| Ok(Score { survey: word(r, "survey")?, count: natural(get(r, "n")?), mean: get(r, "mean")? }),
        )?,
        rules: collect(
            tx.prepare_cached(
                "SELECT e.rule, count(*) AS n FROM escalation e JOIN conversation c ON c.id = e.conversation \
                 WHERE c.opened_at >= ? GROUP BY e.rule ORDER BY n DESC, e.rule",
            )?
            .query([since])?,
            |r| Ok(RuleCount { rule: word(r, "rule")?, fired: natural(get(r, "n")?) }),
        )?,
        teams: collect(
            tx.prepare_cached(
                "SELECT team, count(*) AS n FROM conversation WHERE opened_at >= ? AND team IS NOT NULL AND connected_at IS NOT NULL \
                 GROUP BY team ORDER BY n DESC, team",
            )?
            .query([since])?,
            |r| Ok(TeamCount { team: word(r, "team")?, handled: natural(get(r, "n")?) }),
        )?,
        hours: collect(
            tx.prepare_cached(
                "SELECT opened_at / 3600000 * 3600000 AS hour, count(*) AS opened, sum(people) AS people FROM conversation \
                 WHERE opened_at >= ? GROUP BY hour ORDER BY hour",
            )?
            .query([since])?,
            |r| {
                Ok(HourCount {
                    at: time(get(r, "hour")?)?,
                    opened: natural(get(r, "opened")?),
                    handed_over: natural(get(r, "people")?),
                })
            },
        )?,
    })
}

fn tiers(c: &Connection, query: &DashboardQuery, since: i64) -> Result<Vec<TierCount>, StoreError> {
    let order = serde_json::to_string(&query.tiers)?;
    let sql = "WITH ladder AS (SELECT value AS tier, key AS height FROM json_each(?1)), \
                    highest AS (SELECT t.conversation, max(l.height) AS height FROM touched t JOIN ladder l USING (tier) GROUP BY t.conversation) \
               SELECT l.tier, count(t.conversation) AS touched, \
                      coalesce(sum(c.stage = 'closed' AND h.height = l.height), 0) AS contained, \
                      coalesce(sum(c.stage = 'closed' AND c.resolved AND h.height = l.height), 0) AS resolved \
               FROM ladder l \
               LEFT JOIN touched t ON t.tier = l.tier AND t.conversation IN (SELECT id FROM conversation WHERE opened_at >= ?2) \
               LEFT JOIN conversation c ON c.id = t.conversation \
               LEFT JOIN highest h ON h.conversation = t.conversation \
               GROUP BY l.height ORDER BY l.height";
    collect(c.prepare_cached(sql)?.query(params![order, since])?, |r| {
        let touched = natural(get(r, "touched")?);
        let contained = natural(get(r, "contained")?);
        let resolved = natural(get(r, "resolved")?);
        Ok(TierCount {
            tier: word(r, "tier")?,
            touched,
            contained,
            containment: share(contained, touched),
            resolved,
            resolution: share(resolved, touched),
        })
    })
}
