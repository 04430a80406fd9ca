//! A headless Chromium, driven over WebDriver.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use thirtyfour::error::WebDriverError;
use thirtyfour::{
    ChromeCapabilities, ChromiumLikeCapabilities as _, LoggingPrefsLogLevel, WebDriver,
};

use super::{Programs, ProgramsError};
use crate::process::{OwnedFolder, OwnedProcess};

/// Deadline on a busy machine; an idle one needs a fraction.
const TIMEOUT: Duration = Duration::from_mins(1);
const POLL_EVERY: Duration = Duration::from_millis(20);

/// The part of `ChromeDriver`'s output before its port.
const STARTED: &str = "started successfully on port ";

/// The part of its output when another process had its port. `ChromeDriver` asks for a free port of IPv6 and then takes
/// the same one of IPv4, without knowing whether it is free.
const PORT_TAKEN: &str = "port not available";

/// Ports that it may try: one in many starts finds its first one taken, beside tests that listen on ports of IPv4.
const PORTS: usize = 5;

/// For a browser without a screen, sandbox helpers, background network use, or any trace of earlier runs.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
];

/// The system's colour scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourScheme {
    /// `prefers-color-scheme: light`
    Light,
    /// `prefers-color-scheme: dark`
    Dark,
}

/// The browser's display settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Width and height of the viewport in CSS pixels.
    pub viewport: (u32, u32),
    /// Light or dark.
    pub colours: ColourScheme,
    /// Whether certificates of any authority are accepted, as those of a server that belongs to a test.
    pub any_certificate: bool,
}

impl Default for Options {
    /// 1280 × 800, light, certificates of known authorities.
    fn default() -> Self {
        Self {
            viewport: (1280, 800),
            colours: ColourScheme::Light,
            any_certificate: false,
        }
    }
}

/// A running browser with one window. It ends when this value is dropped or its process ends; [`Browser::quit`] ends it
/// without blocking.
#[derive(Debug)]
pub struct Browser {
    /// Set until it is dropped.
    driver: Option<WebDriver>,
    // Dropped in this order.
    chromedriver: OwnedProcess,
    folder: OwnedFolder,
}

impl Browser {
    /// Starts `ChromeDriver` on a free port, and a browser with an empty profile.
    ///
    /// # Errors
    /// Chromium or `ChromeDriver` are missing or do not start.
    pub async fn start(options: Options) -> Result<Self, BrowserError> {
        let Options {
            viewport,
            colours,
            any_certificate,
        } = options;
        let programs = Programs::find()?;
        let folder = OwnedFolder::new("fedmesh-browser-").map_err(BrowserError::Files)?;
        for name in ["profile", "downloads"] {
            std::fs::create_dir(folder.path().join(name)).map_err(BrowserError::Files)?;
        }
        let (chromedriver, port) = start_chromedriver(&programs, folder.path()).await?;
        let mut capabilities = capabilities(&programs, folder.path())?;
        if any_certificate {
            // The capability `acceptInsecureCerts` does not cover service workers.
            capabilities.add_arg("--ignore-certificate-errors")?;
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await?;
        let browser = Self {
            driver: Some(driver),
            chromedriver,
            folder,
        };
        browser.set_viewport(viewport.0, viewport.1).await?;
        browser.set_colours(colours).await?;
        Ok(browser)
    }

    /// The driver, to open pages, find elements, click and type.
    ///
    /// # Panics
    /// Never: the driver is set until the browser is dropped.
    pub fn driver(&self) -> &WebDriver {
        self.driver
            .as_ref()
            .expect("it is set until the browser is dropped")
    }

    /// The folder of downloads.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// Waits until a file of this name is completely downloaded.
    ///
    /// # Errors
    /// It is missing after a minute; the error lists the files in the folder.
    pub async fn wait_for_download(&self, name: &str) -> Result<PathBuf, BrowserError> {
        let start = Instant::now();
        let desired = self.downloads().join(name);
        loop {
            // An incomplete file has another name.
            if desired.is_file() {
                return Ok(desired);
            }
            if start.elapsed() > TIMEOUT {
                let found = std::fs::read_dir(self.downloads())
                    .map_err(BrowserError::Files)?
                    .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                    .collect::<Result<Vec<_>, io::Error>>()
                    .map_err(BrowserError::Files)?;
                return Err(BrowserError::NoDownload {
                    name: name.to_owned(),
                    found: found.join(", "),
                });
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// Errors on the console since the last call: exceptions, `console.error`, resources that could not be loaded,
    /// violations of the page's security policy.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn console_errors(&self) -> Result<Vec<String>, BrowserError> {
        let entries = self.driver().browser_log().await?;
        Ok(entries
            .into_iter()
            .filter(|entry| entry.level == "SEVERE")
            .map(|entry| entry.message)
            .collect())
    }

    /// Changes the system's colour scheme for the page.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn set_colours(&self, colours: ColourScheme) -> Result<(), BrowserError> {
        let value = match colours {
            ColourScheme::Light => "light",
            ColourScheme::Dark => "dark",
        };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.driver()
            .cdp()
            .send_raw("Emulation.setEmulatedMedia", features)
            .await?;
        Ok(())
    }

    /// Changes the viewport's size, in CSS pixels.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn set_viewport(&self, width: u32, height: u32) -> Result<(), BrowserError> {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.driver()
            .cdp()
            .send_raw("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        Ok(())
    }

    /// Writes a screenshot of the viewport to a PNG file.
    ///
    /// # Errors
    /// The browser has ended, or the file cannot be written.
    pub async fn screenshot(&self, file: &Path) -> Result<(), BrowserError> {
        let picture = self.driver().screenshot_as_png().await?;
        std::fs::write(file, picture).map_err(BrowserError::Files)
    }

    /// The memory of the pages and their workers, in bytes: shared memory is divided among those that share it.
    ///
    /// # Errors
    /// It cannot be read; only Linux has it.
    pub fn page_memory(&self) -> Result<u64, BrowserError> {
        memory_of_pages(self.chromedriver.id()).map_err(BrowserError::Files)
    }

    /// Ends the browser.
    ///
    /// # Errors
    /// It has ended already.
    pub async fn quit(mut self) -> Result<(), BrowserError> {
        if let Some(driver) = self.driver.take() {
            driver.quit().await?;
        }
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its own way to end blocks the executor; ending ChromeDriver's process group does the same at once.
        if let Some(driver) = self.driver.take() {
            let _already_quit = driver.leak();
        }
    }
}

/// A browser cannot be started or used.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// A program is missing.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// Its files cannot be read or written.
    #[error("cannot use the browser's files")]
    Files(#[source] io::Error),
    /// `ChromeDriver` does not become ready.
    #[error("ChromeDriver did not start; its output:\n{output}")]
    NotStarted {
        /// Its output.
        output: String,
    },
    /// The browser returned an error.
    #[error("the browser failed")]
    Driver(#[from] WebDriverError),
    /// A download is missing.
    #[error("no download {name} after a minute; there are: {found}")]
    NoDownload {
        /// The file.
        name: String,
        /// The files in the folder of downloads.
        found: String,
    },
}

async fn start_chromedriver(
    programs: &Programs,
    folder: &Path,
) -> Result<(OwnedProcess, u16), BrowserError> {
    let mut ports_left = PORTS;
    loop {
        let mut chromedriver = OwnedProcess::start(
            &programs.chromedriver,
            ["--port=0"],
            // For all files that both write besides the profile.
            &[("HOME", folder.as_os_str()), ("TMPDIR", folder.as_os_str())],
            &folder.join("chromedriver.log"),
        )
        .map_err(BrowserError::Files)?;
        ports_left -= 1;
        match port_of(&mut chromedriver).await {
            Ok(port) => return Ok((chromedriver, port)),
            Err(BrowserError::NotStarted { output })
                if output.contains(PORT_TAKEN) && ports_left > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

async fn port_of(chromedriver: &mut OwnedProcess) -> Result<u16, BrowserError> {
    let start = Instant::now();
    loop {
        let output = chromedriver.output().map_err(BrowserError::Files)?;
        if let Some(port) = port_in(&output) {
            return Ok(port);
        }
        let ended = chromedriver
            .exit_status()
            .map_err(BrowserError::Files)?
            .is_some();
        if ended || start.elapsed() > TIMEOUT {
            return Err(BrowserError::NotStarted { output });
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// The memory of all renderer processes below a process.
fn memory_of_pages(ancestor: u32) -> io::Result<u64> {
    let mut parents = BTreeMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may have ended meanwhile.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else {
            continue;
        };
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        if let Some(parent) = fields.split_whitespace().nth(1) {
            parents.insert(id, parent.parse::<u32>().unwrap_or(0));
        }
    }
    let is_below = |mut id: u32| {
        while let Some(parent) = parents.get(&id) {
            if *parent == ancestor {
                return true;
            }
            id = *parent;
        }
        false
    };
    let mut bytes = 0;
    for id in parents.keys().copied().filter(|id| is_below(*id)) {
        let command = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        if !command.contains("--type=renderer") {
            continue;
        }
        let rollup =
            std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        bytes += kilobytes.unwrap_or(0) * 1024;
    }
    Ok(bytes)
}

fn port_in(output: &str) -> Option<u16> {
    let (_, rest) = output.split_once(STARTED)?;
    // The full stop ends the number: an incomplete one must not be parsed.
    rest.split_once('.')?.0.parse().ok()
}

fn capabilities(programs: &Programs, folder: &Path) -> Result<ChromeCapabilities, WebDriverError> {
    let mut capabilities = ChromeCapabilities::new();
    capabilities.set_binary(&programs.chromium.to_string_lossy())?;
    for flag in FLAGS {
        capabilities.add_arg(flag)?;
    }
    capabilities.add_arg(&format!(
        "--user-data-dir={}",
        folder.join("profile").display()
    ))?;
    capabilities.add_experimental_option(
        "prefs",
        json!({
            "download.default_directory": folder.join("downloads"),
            "download.prompt_for_download": false,
        }),
    )?;
    capabilities.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    Ok(capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_port_is_parsed() {
        let output = "Starting ChromeDriver 156.0 (x) on port 0\nPlease see y.\n\
                      ChromeDriver was started successfully on port 41435.\n";
        assert_eq!(port_in(output), Some(41435));
        assert_eq!(port_in(&output[..output.len() - 3]), None);
        assert_eq!(port_in("Starting ChromeDriver"), None);
    }
}
