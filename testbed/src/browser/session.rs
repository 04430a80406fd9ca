//! A headless Chromium, driven over WebDriver.

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

/// A busy machine needs many seconds for what takes an idle one a fraction.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL_EVERY: Duration = Duration::from_millis(20);

/// What `ChromeDriver` prints before its port.
const STARTED: &str = "started successfully on port ";

/// For a browser without a screen, sandbox helpers, network use of its own, or
/// any trace of earlier runs.
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

/// What the system's settings say about colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourScheme {
    /// `prefers-color-scheme: light`
    Light,
    /// `prefers-color-scheme: dark`
    Dark,
}

/// How the browser shows pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Width and height of the viewport in CSS pixels.
    pub viewport: (u32, u32),
    /// Light or dark.
    pub colours: ColourScheme,
}

impl Default for Options {
    /// 1280 × 800, light.
    fn default() -> Self {
        Self {
            viewport: (1280, 800),
            colours: ColourScheme::Light,
        }
    }
}

/// A running browser with one window. It ends when this value is dropped or its
/// process ends; [`Browser::quit`] does it without blocking.
#[derive(Debug)]
pub struct Browser {
    /// There until it is dropped.
    driver: Option<WebDriver>,
    // Dropped in this order.
    _chromedriver: OwnedProcess,
    folder: OwnedFolder,
}

impl Browser {
    /// Starts `ChromeDriver` on a free port, and a browser with an empty profile.
    ///
    /// # Errors
    /// Chromium or `ChromeDriver` are missing or don't start.
    pub async fn start(options: Options) -> Result<Self, BrowserError> {
        let Options { viewport, colours } = options;
        let programs = Programs::find()?;
        let folder = OwnedFolder::new("fedmesh-browser-").map_err(BrowserError::Files)?;
        for name in ["profile", "downloads"] {
            std::fs::create_dir(folder.path().join(name)).map_err(BrowserError::Files)?;
        }
        let mut chromedriver = OwnedProcess::start(
            &programs.chromedriver,
            ["--port=0"],
            // For whatever it and the browser write beside the profile.
            &[
                ("HOME", folder.path().as_os_str()),
                ("TMPDIR", folder.path().as_os_str()),
            ],
            &folder.path().join("chromedriver.log"),
        )
        .map_err(BrowserError::Files)?;
        let port = port_of(&mut chromedriver).await?;
        let capabilities = capabilities(&programs, folder.path())?;
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await?;
        let browser = Self {
            driver: Some(driver),
            _chromedriver: chromedriver,
            folder,
        };
        browser.set_viewport(viewport.0, viewport.1).await?;
        browser.set_colours(colours).await?;
        Ok(browser)
    }

    /// To open pages, find elements, click and type.
    ///
    /// # Panics
    /// Never: the driver is there until the browser is dropped.
    pub fn driver(&self) -> &WebDriver {
        self.driver
            .as_ref()
            .expect("it is there until the browser is dropped")
    }

    /// The folder that downloads go to.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// Waits until a file of this name is downloaded, wholly.
    ///
    /// # Errors
    /// It isn't there after a minute; the error names what is.
    pub async fn wait_for_download(&self, name: &str) -> Result<PathBuf, BrowserError> {
        let start = Instant::now();
        let wanted = self.downloads().join(name);
        loop {
            // Until it is whole, the file has another name.
            if wanted.is_file() {
                return Ok(wanted);
            }
            if start.elapsed() > PATIENCE {
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

    /// Errors on the console since the last call: exceptions, `console.error`,
    /// resources that could not be loaded, refusals by the page's security policy.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn console_errors(&self) -> Result<Vec<String>, BrowserError> {
        let entries = self.driver().browser_log().await?;
        Ok(entries
            .into_iter()
            .filter(|entry| entry.level == "SEVERE")
            .map(|entry| entry.message)
            .collect())
    }

    /// Changes what the page sees as the system's choice of colours.
    ///
    /// # Errors
    /// The browser is gone.
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

    /// Writes what the viewport shows to a PNG file.
    ///
    /// # Errors
    /// The browser is gone, or the file can't be written.
    pub async fn screenshot(&self, file: &Path) -> Result<(), BrowserError> {
        let picture = self.driver().screenshot_as_png().await?;
        std::fs::write(file, picture).map_err(BrowserError::Files)
    }

    /// Ends the browser in good order.
    ///
    /// # Errors
    /// It is gone already.
    pub async fn quit(mut self) -> Result<(), BrowserError> {
        if let Some(driver) = self.driver.take() {
            driver.quit().await?;
        }
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its own way to end blocks the executor; ending ChromeDriver's process
        // group does the same at once.
        if let Some(driver) = self.driver.take() {
            let _already_quit = driver.leak();
        }
    }
}

/// A browser can't be started or used.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// A program is missing.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// Its files can't be read or written.
    #[error("cannot use the browser's files")]
    Files(#[source] io::Error),
    /// `ChromeDriver` doesn't get ready.
    #[error("ChromeDriver did not start; its output:\n{output}")]
    NotStarted {
        /// What it printed.
        output: String,
    },
    /// The browser refuses something.
    #[error("the browser failed")]
    Driver(#[from] WebDriverError),
    /// A download doesn't come.
    #[error("no download {name} after a minute; there are: {found}")]
    NoDownload {
        /// The file.
        name: String,
        /// What is in the folder for downloads.
        found: String,
    },
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
        if ended || start.elapsed() > PATIENCE {
            return Err(BrowserError::NotStarted { output });
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}

fn port_in(output: &str) -> Option<u16> {
    let (_, rest) = output.split_once(STARTED)?;
    // Ended by a full stop: an unfinished number must not be taken for a port.
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
    fn the_port_is_read_only_when_it_is_whole() {
        let output = "Starting ChromeDriver 156.0 (x) on port 0\nPlease see y.\n\
                      ChromeDriver was started successfully on port 41435.\n";
        assert_eq!(port_in(output), Some(41435));
        assert_eq!(port_in(&output[..output.len() - 3]), None);
        assert_eq!(port_in("Starting ChromeDriver"), None);
    }
}
