//! A real browser on a page of our own.

use std::time::{Duration, Instant};

use testbed::browser::{Browser, ColourScheme, Options};
use testbed::static_site::StaticSite;
use thirtyfour::By;

const PAGE: &str = r#"<!doctype html>
<title>A page</title>
<style>
  body { background: white }
  @media (prefers-color-scheme: dark) { body { background: rgb(1, 2, 3) } }
</style>
<a id="save" download="saved.txt" href="data:text/plain,what%20was%20saved">save</a>
<button id="fail" onclick="console.error('as wanted')">fail</button>
"#;

async fn background(browser: &Browser) -> String {
    let body = browser
        .driver()
        .find(By::Css("body"))
        .await
        .expect("a body");
    body.css_value("background-color").await.expect("a colour")
}

#[tokio::test]
async fn a_browser_shows_a_page_downloads_and_tells_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("index.html"), PAGE).expect("a file");
    let site = StaticSite::serve(folder.path(), "/sub/").expect("a site");
    let browser = Browser::start(Options {
        viewport: (700, 500),
        colours: ColourScheme::Dark,
        ..Options::default()
    })
    .await
    .expect("a browser");
    let driver = browser.driver();
    driver.goto(site.url()).await.expect("the page");
    assert_eq!(driver.title().await.expect("a title"), "A page");

    assert_eq!(background(&browser).await, "rgba(1, 2, 3, 1)");
    browser
        .set_colours(ColourScheme::Light)
        .await
        .expect("light");
    assert_eq!(background(&browser).await, "rgba(255, 255, 255, 1)");

    let picture = folder.path().join("picture.png");
    browser.screenshot(&picture).await.expect("a picture");
    let picture = std::fs::read(picture).expect("a picture");
    // Width and height stand in the header of a PNG file.
    assert_eq!(picture[16..20], 700_u32.to_be_bytes());
    assert_eq!(picture[20..24], 500_u32.to_be_bytes());

    driver
        .find(By::Id("save"))
        .await
        .expect("a link")
        .click()
        .await
        .expect("clicked");
    let saved = browser
        .wait_for_download("saved.txt")
        .await
        .expect("a download");
    assert_eq!(
        std::fs::read_to_string(saved).expect("text"),
        "what was saved"
    );

    // Browsers ask for an icon by themselves; this page has none.
    let errors = browser.console_errors().await.expect("the console");
    assert!(
        errors.iter().all(|error| error.contains("favicon.ico")),
        "{errors:?}"
    );
    driver
        .find(By::Id("fail"))
        .await
        .expect("a button")
        .click()
        .await
        .expect("clicked");
    let errors = browser.console_errors().await.expect("the console");
    assert!(
        errors.len() == 1 && errors[0].contains("as wanted"),
        "{errors:?}"
    );
    browser.quit().await.expect("in good order");
}

#[tokio::test]
async fn dropping_ends_the_browser_and_all_its_processes() {
    let browser = Browser::start(Options::default()).await.expect("a browser");
    let profile = browser.downloads().parent().expect("a folder").to_owned();
    let users = || {
        std::fs::read_dir("/proc")
            .expect("/proc")
            .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
            .filter(|line| {
                String::from_utf8_lossy(line).contains(profile.to_str().expect("a plain path"))
            })
            .count()
    };
    assert!(users() > 1, "the browser runs, and its helpers");
    drop(browser);
    let start = Instant::now();
    while users() > 0 {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{} processes are left",
            users()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!profile.exists());
}
