//! What the page weighs, and how long a browser takes from the address to a form that can be used.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on says so by panicking"
)]

#[path = "../tests/page/weight.rs"]
mod weight;

use std::time::{Duration, Instant};

use testbed::browser::{Browser, Options};
use testbed::static_site::StaticSite;
use weight::{Weight, dist, files, total, weigh};

const LOADS: usize = 11;

/// Runs before the page's own scripts and notes when the form is there.
const WATCH: &str = "
    const look = new MutationObserver(() => {
        if (document.getElementById('spec.dns.suffix')) {
            window.usableAfter = performance.now();
            look.disconnect();
        }
    });
    look.observe(document, { childList: true, subtree: true });";

fn main() {
    let (first, others) = files();
    let (first, others) = (weigh(first), weigh(others));
    let kib = |weights: &[Weight]| format!("{} KiB", total(weights).div_ceil(1024));
    println!("first load, brotli: {}", kib(&first));
    for weight in &first {
        println!("  {:>8} {}", weight.bytes, weight.name);
    }
    println!("on demand, brotli: {}", kib(&others));
    for weight in &others {
        println!("  {:>8} {}", weight.bytes, weight.name);
    }

    let site = StaticSite::serve(&dist(), "/").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut times = runtime.block_on(loads(&site.url()));
    times.sort_by(f64::total_cmp);
    println!(
        "usable after, {LOADS} loads: median {:.0} ms, fastest {:.0} ms, slowest {:.0} ms",
        times[times.len() / 2],
        times[0],
        times[times.len() - 1]
    );
}

/// Milliseconds of each load.
async fn loads(url: &str) -> Vec<f64> {
    let browser = Browser::start(Options::default()).await.unwrap();
    let devtools = browser.driver().cdp();
    let watch = serde_json::json!({ "source": WATCH });
    devtools
        .send_raw("Page.addScriptToEvaluateOnNewDocument", watch)
        .await
        .unwrap();
    devtools
        .send_raw("Network.enable", serde_json::json!({}))
        .await
        .unwrap();
    let no_cache = serde_json::json!({ "cacheDisabled": true });
    devtools
        .send_raw("Network.setCacheDisabled", no_cache)
        .await
        .unwrap();
    let mut times = Vec::new();
    for _ in 0..LOADS {
        browser.driver().goto(url).await.unwrap();
        let start = Instant::now();
        times.push(loop {
            let answer = browser
                .driver()
                .execute("return window.usableAfter ?? null", Vec::new())
                .await
                .unwrap();
            if let Some(milliseconds) = answer.json().as_f64() {
                break milliseconds;
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "the page did not start"
            );
        });
    }
    browser.quit().await.unwrap();
    times
}
