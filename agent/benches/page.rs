//! What the page weighs, how long a browser takes from the address to a form that can be used, and what a keystroke costs
//! in a large document.
//!
//! `cargo xtask bench page [-- --sizes 10x100,100x100]`

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on says so by panicking"
)]

#[path = "support/document.rs"]
mod document;
#[path = "../tests/page/weight.rs"]
mod weight;

use std::time::{Duration, Instant};

use testbed::browser::{Browser, Options};
use testbed::static_site::StaticSite;
use thirtyfour::By;
use weight::{Weight, dist, files, total, weigh};

const LOADS: usize = 11;
/// Keystrokes in each document.
const KEYS: usize = 60;

/// Notes the time from each keystroke to the picture that shows it, and tasks of more than 50 milliseconds.
const WATCH_KEYS: &str = "
    window.painted = [];
    window.longTasks = [];
    new PerformanceObserver((list) => {
        for (const task of list.getEntries()) window.longTasks.push(task.duration);
    }).observe({ type: 'longtask' });
    document.addEventListener('input', (event) => {
        const start = event.timeStamp;
        requestAnimationFrame(() => {
            const after = new MessageChannel();
            after.port1.onmessage = () => window.painted.push(performance.now() - start);
            after.port2.postMessage(null);
        });
    }, { capture: true });";

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
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--sizes");
    let sizes = at.map_or("10x100,100x100", |at| &arguments[at + 1]);
    for size in sizes.split(',') {
        let (clusters, services) = size.split_once('x').unwrap();
        let (clusters, services) = (clusters.parse().unwrap(), services.parse().unwrap());
        runtime.block_on(typing(&site.url(), clusters, services));
    }
}

/// Opens a document, types into a field, and prints what both cost.
async fn typing(url: &str, clusters: usize, services: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mesh.yaml");
    std::fs::write(&file, document::mesh(clusters, services)).unwrap();
    let browser = Browser::start(Options::default()).await.unwrap();
    let driver = browser.driver();
    driver.goto(url).await.unwrap();
    let number = async |script: &str| {
        let answer = driver.execute(format!("return {script}"), Vec::new()).await;
        answer.unwrap().json().as_f64().unwrap_or(f64::NAN)
    };
    let until = async |script: &str| {
        let start = Instant::now();
        while number(&format!("Number({script})")).await < 1.0 {
            assert!(
                start.elapsed() < Duration::from_mins(5),
                "waited in vain: {script}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        start.elapsed().as_secs_f64()
    };
    until("!!document.getElementById('file')").await;
    let input = driver.find(By::Id("file")).await.unwrap();
    input.send_keys(file.to_str().unwrap()).await.unwrap();
    let opened = until("document.getElementById('metadata.name')?.value === 'bench'").await;
    let checked = until("document.getElementById('state').dataset.errors === '0'").await;
    let shown = until("!!document.getElementById('manifest')?.textContent").await;
    let nodes = number("document.querySelectorAll('*').length").await;
    println!("{clusters} × {services}:");
    println!(
        "  opened after {opened:.2} s, checked {checked:.2} s later, a file shown {shown:.2} s later"
    );
    println!(
        "  elements: {nodes:.0}; memory of the page and its workers: {} MB",
        browser.page_memory().unwrap() >> 20
    );

    driver.execute(WATCH_KEYS, Vec::new()).await.unwrap();
    let field = driver
        .find(By::Id("spec.services[0].hostname"))
        .await
        .unwrap();
    for key in 0..KEYS {
        let letter = char::from(b'a' + u8::try_from(key % 26).unwrap());
        field.send_keys(letter.to_string()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = driver
        .execute("return [window.painted, window.longTasks]", Vec::new())
        .await;
    let (mut painted, tasks): (Vec<f64>, Vec<f64>) =
        serde_json::from_value(answer.unwrap().json().clone()).unwrap();
    painted.sort_by(f64::total_cmp);
    let at = |share: usize| painted[(painted.len() * share / 100).min(painted.len() - 1)];
    println!(
        "  {} keystrokes, to the picture: median {:.0} ms, p95 {:.0} ms, slowest {:.0} ms; tasks over 50 ms: {}, longest {:.0} ms",
        painted.len(),
        at(50),
        at(95),
        at(100),
        tasks.len(),
        tasks.iter().copied().fold(0.0, f64::max)
    );
    // The suffix is in every file.
    let suffix = driver.find(By::Id("spec.dns.suffix")).await.unwrap();
    suffix.send_keys("x").await.unwrap();
    let followed =
        until("document.getElementById('manifest').textContent.includes('mesh.example.comx')")
            .await;
    println!("  the file in view follows after {followed:.2} s");
    println!(
        "  memory after typing: {} MB",
        browser.page_memory().unwrap() >> 20
    );
    browser.quit().await.unwrap();
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
