//! What `expect` asserts.

use super::question::Parts;
use super::{Builder, Pair, Rule};
use crate::ast::*;

impl Builder<'_> {
    pub(super) fn expectation(&mut self, pair: Pair) -> Option<Expectation> {
        const USAGE: &str = "write for instance `expect node is NODE` or `expect said \"text\"`";
        let item = pair.clone();
        let rule = pair.as_rule();
        if rule == Rule::expr {
            return Some(Expectation::Condition(self.expr(pair)));
        }
        let mut parts = Parts::of(pair);
        Some(match rule {
            Rule::e_not => {
                let mut times = 0_u32;
                while parts.get(Rule::not_word).is_some() {
                    times += 1;
                }
                let Some(inner) = parts.next() else {
                    self.expected("what does not hold", &item, USAGE);
                    return None;
                };
                let inner = self.expectation(inner)?;
                if times.is_multiple_of(2) {
                    inner
                } else {
                    Expectation::Not(Box::new(inner))
                }
            }
            Rule::e_escalated => {
                let (mut by, mut to, mut priority) = (None, None, None);
                for part in parts {
                    let whole = part.clone();
                    match part.as_rule() {
                        Rule::e_by => {
                            let rule = Parts::of(part).get(Rule::path);
                            by = self.need_path(
                                rule,
                                "a rule",
                                &whole,
                                "write `expect escalated by RULE`",
                            );
                        }
                        Rule::to_name => {
                            let tier = Parts::of(part).get(Rule::name);
                            to = self.need_name(
                                tier,
                                "a tier",
                                &whole,
                                "write `expect escalated to TIER`",
                            );
                        }
                        _ => priority = self.priority(part),
                    }
                }
                Expectation::Escalated { by, to, priority }
            }
            Rule::e_routed => {
                const USAGE: &str = "write `expect routed to TEAM`";
                let team = parts.get(Rule::path);
                let team = self.need_path(team, "a team", &item, USAGE)?;
                self.small_words(&item, &["to"], USAGE);
                let priority = parts.get(Rule::esc_priority).and_then(|p| self.priority(p));
                Expectation::Routed { team, priority }
            }
            Rule::e_has => Expectation::HandoffHas(self.path_list(
                &mut parts,
                "a field",
                &item,
                "write `expect handoff has customer.name, transcript`",
            )),
            Rule::e_word => match item.as_str().trim_end() {
                "resolved" => Expectation::Resolved,
                "ticket" => Expectation::Ticket,
                "callback" => Expectation::Callback,
                _ => Expectation::Unresolved,
            },
            Rule::e_node => {
                let node = parts.get(Rule::path);
                Expectation::Node(self.need_path(
                    node,
                    "a node",
                    &item,
                    "write `expect node is NODE`",
                )?)
            }
            Rule::e_slot => return self.expect_slot(parts, &item),
            Rule::e_tier => {
                let tier = parts.get(Rule::name);
                Expectation::Tier(self.need_name(
                    tier,
                    "a tier",
                    &item,
                    "write `expect tier is TIER`",
                )?)
            }
            Rule::e_said => match parts.next() {
                Some(text) if text.as_rule() == Rule::text => Expectation::Said(self.text(text)),
                Some(pattern) => Expectation::SaidMatches(self.matching(pattern)?),
                None => {
                    self.expected(
                        "a text",
                        &item,
                        "write `expect said \"text\"` or `expect said matches /pattern/`",
                    );
                    return None;
                }
            },
            Rule::e_waiting => match parts.get(Rule::position) {
                None => Expectation::Waiting(None),
                Some(position) => {
                    let whole = position.clone();
                    let number = Parts::of(position).get(Rule::num);
                    let number =
                        self.need_whole(number, &whole, "write `expect waiting position 2`")?;
                    Expectation::Waiting(Some(number))
                }
            },
            Rule::e_agent => {
                let name = parts.get(Rule::name)?;
                Expectation::Connected(self.name(&name))
            }
            _ => {
                let webhook = parts.get(Rule::path);
                Expectation::Called(self.need_path(
                    webhook,
                    "a webhook",
                    &item,
                    "write `expect called WEBHOOK`",
                )?)
            }
        })
    }

    fn expect_slot(&mut self, mut parts: Parts, item: &Pair) -> Option<Expectation> {
        const USAGE: &str = "write `expect slot NAME is VALUE`, `is known` or `is unknown`";
        let slot = parts.get(Rule::path)?;
        let slot = self.path(&slot);
        let Some(state) = parts.get(Rule::slot_is) else {
            self.expected("`is`", item, USAGE);
            return None;
        };
        let whole = state.clone();
        let mut inner = Parts::of(state);
        if let Some(known) = inner.get(Rule::known) {
            let text = known.as_str();
            let known = text.ends_with("unknown") == text.split_whitespace().any(|w| w == "not");
            return Some(Expectation::Slot(
                slot,
                if known {
                    SlotState::Known
                } else {
                    SlotState::Unknown
                },
            ));
        }
        let negated = inner.get(Rule::not_word).is_some();
        let value = inner.get(Rule::expr);
        let value = self.need_expr(value, "a value", &whole, USAGE)?;
        Some(Expectation::Slot(
            slot,
            if negated {
                SlotState::IsNot(value)
            } else {
                SlotState::Is(value)
            },
        ))
    }
}
