//! `acme-orders`: the order system behind the example shop.

use acme_orders::{Store, router};
use clap::Parser;
use std::net::SocketAddr;
use std::process::ExitCode;

/// The order system behind the example shop: orders, invoices, returns, refunds and customers over HTTP.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8091", value_name = "HOST:PORT")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let listener = match tokio::net::TcpListener::bind(args.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            let why = match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "the port is taken; choose another with `--listen`".to_owned()
                }
                _ => error.to_string(),
            };
            eprintln!("acme-orders: cannot listen on `{}`: {why}", args.listen);
            return ExitCode::FAILURE;
        }
    };
    // Port 0 asks the system for a free one, so say which it was.
    match listener.local_addr() {
        Ok(address) => println!("acme-orders listens on http://{address}"),
        Err(error) => eprintln!("acme-orders: cannot tell its own address: {error}"),
    }
    let app = router(Store::seeded(jiff::Zoned::now().date()));
    let stopped = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            eprintln!("acme-orders: cannot wait for ctrl-c: {error}");
            std::future::pending::<()>().await;
        }
    };
    match axum::serve(listener, app)
        .with_graceful_shutdown(stopped)
        .await
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("acme-orders: {error}");
            ExitCode::FAILURE
        }
    }
}
