//! The orders, invoices and customers that the shop starts with: at least one of every kind that the bot tells apart.

use crate::data::{Customer, Data, Invoice, Money, Order, Status, Store};
use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

impl Store {
    /// A shop with its first orders. `today` anchors arrival and due dates, so that they lie ahead or behind as told.
    #[must_use]
    pub fn seeded(today: Date) -> Self {
        let mut data = Data::default();
        for (id, status, days, cents) in [
            ("AB-123456", Status::Shipped, Some(2), 3_000),
            ("AB-234567", Status::Shipped, None, 8_450),
            ("AB-345678", Status::Processing, Some(5), 12_900),
            ("AB-456789", Status::Delivered, Some(-3), 4_990),
            ("AB-567890", Status::Cancelled, None, 2_500),
            ("CD-111111", Status::Delivered, Some(-10), 25_000),
            ("CD-222222", Status::Delivered, Some(-1), 9_999),
        ] {
            let order = Order {
                id: id.to_owned(),
                status,
                eta: days.map(|d| day(today, d)),
                total: usd(cents),
            };
            data.orders.insert(order.id.clone(), order);
        }
        for (id, cents, paid, days) in [
            ("INV-12345", 3_000, true, -20),
            ("INV-23456", 25_000, false, 14),
            ("INV-34567", 9_999, false, -2),
        ] {
            let invoice = Invoice {
                id: id.to_owned(),
                total: usd(cents),
                paid,
                due: day(today, days),
            };
            data.invoices.insert(invoice.id.clone(), invoice);
        }
        for (email, name, phone, plan, cents, open_ticket) in [
            (
                "ana@example.com",
                Some("Ana Silva"),
                Some("+442079460101"),
                "pro",
                120_000,
                false,
            ),
            ("bo@example.com", Some("Bo Lind"), None, "free", 0, true),
            (
                "vera@example.com",
                Some("Vera Novak"),
                Some("+442079460102"),
                "enterprise",
                15_000_000,
                false,
            ),
            (
                "sam@example.com",
                Some("Sam Reyes"),
                Some("+442079460103"),
                "pro",
                6_000_000,
                false,
            ),
        ] {
            let customer = Customer {
                email: email.to_owned(),
                name: name.map(str::to_owned),
                phone: phone.map(str::to_owned),
                plan,
                arr: usd(cents),
                open_ticket,
            };
            data.customers.insert(customer.email.clone(), customer);
        }
        Self::new(data)
    }
}

fn usd(cents: i64) -> Money {
    Money {
        amount: Decimal::new(cents, 2),
        currency: "USD".to_owned(),
    }
}

/// The end of the calendar is the end of the calendar; no seed lies near it.
fn day(today: Date, offset: i64) -> Date {
    today.saturating_add(offset.days())
}
