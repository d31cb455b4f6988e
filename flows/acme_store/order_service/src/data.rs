//! What the shop knows, and the changes that it accepts.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An amount with its currency; the amount is a decimal in text, so that no cent is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Money {
    #[serde(deserialize_with = "amount")]
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
}

/// Takes `"30.00"` and `30`: senders write both.
fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    let text = match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Number(number) => number.to_string(),
        _ => {
            return Err(D::Error::custom(
                "an amount is a number, or a number in text",
            ));
        }
    };
    text.parse()
        .map_err(|_| D::Error::custom(format!("`{text}` is no amount")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Processing,
    Shipped,
    Delivered,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: Status,
    /// The day it should arrive; absent where nobody knows.
    pub(crate) eta: Option<Date>,
    pub(crate) total: Money,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) total: Money,
    pub(crate) paid: bool,
    pub(crate) due: Date,
}

/// A customer's profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Customer {
    pub(crate) email: String,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) plan: &'static str,
    /// What was bought over the last twelve months.
    pub(crate) arr: Money,
    pub(crate) open_ticket: bool,
}

/// Why something comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    Damaged,
    WrongItem,
    NotAsDescribed,
    ChangedMind,
}

/// A note about an escalation, for the people who look after customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) email: String,
    pub(crate) why: String,
}

/// What a request with an idempotency key was answered, to answer it alike again.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) answer: serde_json::Value,
}

#[derive(Debug, Default)]
pub(crate) struct Data {
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) invoices: BTreeMap<String, Invoice>,
    pub(crate) customers: BTreeMap<String, Customer>,
    pub(crate) returns: Vec<Return>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) notes: Vec<Note>,
    pub(crate) resets: u64,
    pub(crate) alerts: u64,
    pub(crate) answered: BTreeMap<String, Answered>,
}

/// A registered return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Return {
    pub(crate) id: String,
    pub(crate) status: &'static str,
    pub(crate) order_id: String,
    pub(crate) reason: Reason,
}

/// A registered refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) amount: Money,
}

/// Why a change was refused: the status and a sentence.
pub(crate) type Refused = (u16, String);

impl Data {
    /// Registers a return of a delivered order.
    pub(crate) fn start_return(
        &mut self,
        order_id: &str,
        reason: Reason,
    ) -> Result<Return, Refused> {
        let order = self
            .orders
            .get(order_id)
            .ok_or_else(|| unknown_order(order_id))?;
        if order.status != Status::Delivered {
            return Err((409, format!("order `{order_id}` has not been delivered")));
        }
        let made = Return {
            id: format!("RT-{:05}", self.returns.len() + 1),
            status: "label_sent",
            order_id: order_id.to_owned(),
            reason,
        };
        self.returns.push(made.clone());
        Ok(made)
    }

    /// Registers a refund; all refunds of an order together stay within what it cost.
    pub(crate) fn start_refund(
        &mut self,
        order_id: &str,
        amount: Money,
    ) -> Result<Refund, Refused> {
        let order = self
            .orders
            .get(order_id)
            .ok_or_else(|| unknown_order(order_id))?;
        if amount.currency != order.total.currency {
            return Err((
                409,
                format!("order `{order_id}` was paid in {}", order.total.currency),
            ));
        }
        if amount.amount <= Decimal::ZERO {
            return Err((422, "a refund is more than nothing".to_owned()));
        }
        let before: Decimal = self
            .refunds
            .iter()
            .filter(|r| r.order_id == order_id)
            .map(|r| r.amount.amount)
            .sum();
        if before + amount.amount > order.total.amount {
            return Err((
                409,
                format!(
                    "order `{order_id}` cost {}, of which {before} was refunded",
                    order.total.amount
                ),
            ));
        }
        let made = Refund {
            id: format!("RF-{:05}", self.refunds.len() + 1),
            order_id: order_id.to_owned(),
            amount,
        };
        self.refunds.push(made.clone());
        Ok(made)
    }
}

fn unknown_order(order_id: &str) -> Refused {
    (404, format!("no order `{order_id}`"))
}

/// The shop's data, shared by all requests.
#[derive(Debug, Clone, Default)]
pub struct Store {
    data: Arc<Mutex<Data>>,
}

impl Store {
    pub(crate) fn new(data: Data) -> Self {
        Self {
            data: Arc::new(Mutex::new(data)),
        }
    }

    /// Every change is a single push or insert, so a panic in another request leaves nothing half done.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
