//! The page as a person uses it: by the ids that its parts carry.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testbed::browser::{Browser, ColourScheme, Options};
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, Key, TypingData, WebElement, WindowHandle};

/// Busy machines are slow; a test that waits this long has failed.
const TIMEOUT: Duration = Duration::from_mins(1);
/// For so long a browser takes letters for the beginning of one word.
const ONE_WORD: Duration = Duration::from_millis(1100);
const POLL_EVERY: Duration = Duration::from_millis(50);

/// An open page.
pub(crate) struct Page {
    browser: Browser,
}

impl Page {
    /// Opens an address and waits until the form is there.
    pub(crate) async fn open(address: &str) -> Self {
        Self::open_with(Options::default(), address).await
    }

    /// Opens an address in a browser with other settings.
    pub(crate) async fn open_with(options: Options, address: &str) -> Self {
        let browser = Browser::start(options).await.unwrap();
        browser.driver().goto(address).await.unwrap();
        let page = Self { browser };
        page.element("spec.dns.suffix").await;
        page
    }

    /// Loads it again.
    pub(crate) async fn reload(&self) {
        self.browser.driver().refresh().await.unwrap();
        // Whatever fills the window, the header is there.
        self.element("document").await;
    }

    /// Ends the browser; a page that wrote an error to the console has failed.
    pub(crate) async fn close(self) {
        assert_eq!(
            self.browser.console_errors().await.unwrap(),
            Vec::<String>::new()
        );
        self.browser.quit().await.unwrap();
    }

    /// Ends the browser of a page that was answered with a status once; the browser notes that.
    pub(crate) async fn close_after(self, status: &str) {
        let errors = self.browser.console_errors().await.unwrap();
        let others = errors.iter().filter(|error| !error.contains(status));
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new());
        self.browser.quit().await.unwrap();
    }

    async fn element(&self, id: &str) -> WebElement {
        let selector = format!("[id='{id}']");
        self.until(&format!("there is an element {id}"), async || {
            self.browser.driver().find(By::Css(&*selector)).await.ok()
        })
        .await
    }

    /// Polls until there is something, or panics with what was waited for.
    async fn until<T>(&self, what: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = poll().await {
                return found;
            }
            if start.elapsed() > TIMEOUT {
                let errors = self.browser.console_errors().await.unwrap_or_default();
                let file = pictures().join("failed.png");
                let _picture = self.browser.screenshot(&file).await;
                panic!(
                    "waited in vain until {what}; console: {errors:?}; picture: {}",
                    file.display()
                );
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// Clicks as soon as it can be clicked.
    pub(crate) async fn click(&self, id: &str) {
        let selector = format!("[id='{id}']");
        self.until(&format!("{id} can be clicked"), async || {
            // Found anew each time: the page may have put another in its place.
            let element = self.browser.driver().find(By::Css(&*selector)).await.ok()?;
            if !element.is_enabled().await.unwrap_or(false) {
                return None;
            }
            element.click().await.ok()
        })
        .await;
    }

    /// Types into a field, and leaves what was there.
    pub(crate) async fn type_into(&self, id: &str, text: &str) {
        self.click(id).await;
        self.element(id).await.send_keys(text).await.unwrap();
    }

    /// Types into a field in place of what was there.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        self.click(id).await;
        let field = self.element(id).await;
        field.send_keys(Key::Control + "a").await.unwrap();
        field.send_keys(Key::Backspace + text).await.unwrap();
        self.wait_for_value(id, text).await;
    }

    /// Leaves a field by the Tab key.
    pub(crate) async fn press_tab(&self, id: &str) {
        self.element(id)
            .await
            .send_keys(Key::Tab + "")
            .await
            .unwrap();
    }

    /// Presses a button by the keyboard, as soon as it can be.
    pub(crate) async fn press_enter(&self, id: &str) {
        self.press_enter_at(&format!("[id='{id}']")).await;
    }

    /// Presses the first element that a selector finds by the keyboard, as soon as it can be.
    pub(crate) async fn press_enter_at(&self, selector: &str) {
        self.until(&format!("{selector} can be pressed"), async || {
            let element = self.browser.driver().find(By::Css(selector)).await.ok()?;
            if !element.is_enabled().await.unwrap_or(false) {
                return None;
            }
            element.send_keys(Key::Enter + "").await.ok()
        })
        .await;
    }

    /// Presses the Escape key in an element.
    pub(crate) async fn press_escape(&self, id: &str) {
        let pressed = self.element(id).await.send_keys(Key::Escape + "").await;
        pressed.unwrap();
    }

    /// Presses keys where the focus is.
    pub(crate) async fn keys(&self, keys: impl Into<TypingData>) {
        let active = self.browser.driver().active_element().await.unwrap();
        active.send_keys(keys).await.unwrap();
    }

    /// Presses the Escape key where the focus is.
    pub(crate) async fn escape(&self) {
        self.keys(Key::Escape + "").await;
    }

    /// Types into the text editor.
    pub(crate) async fn type_text(&self, keys: impl Into<TypingData>) {
        let content = self.in_editor(".cm-content").await;
        content.send_keys(keys).await.unwrap();
    }

    /// Takes the first suggestion of the text editor with the mouse.
    pub(crate) async fn take_suggestion(&self) {
        let first = self.in_editor(".cm-tooltip-autocomplete li").await;
        first.click().await.unwrap();
    }

    /// The first element of the text editor that a selector finds.
    async fn in_editor(&self, selector: &str) -> WebElement {
        let host = self.element("document-text").await;
        let root = host.get_shadow_root().await.unwrap();
        root.find(By::Css(selector)).await.unwrap()
    }

    /// Waits until the text editor, or what a selector finds in it, contains a text.
    pub(crate) async fn wait_for_editor(&self, selector: &str, text: &str) {
        let read = "const root = document.getElementById('document-text')?.shadowRoot;
            const found = [...root?.querySelectorAll(arguments[0]) ?? []];
            return found.length ? found.map((e) => e.textContent).join(' ') : null";
        self.until(
            &format!("the editor's {selector} says {text:?}"),
            async || {
                let answer = self
                    .browser
                    .driver()
                    .execute(read, vec![selector.into()])
                    .await;
                let found = answer.ok()?.json().as_str()?.to_owned();
                found.contains(text).then_some(())
            },
        )
        .await;
    }

    /// Chooses from a list by the keyboard, as a person types the beginning of a word.
    pub(crate) async fn choose(&self, id: &str, word: &str) {
        let is_chosen = async || {
            let value = self.element(id).await.prop("value").await;
            value.is_ok_and(|value| value.as_deref() == Some(word))
        };
        self.until(&format!("{word} is chosen in {id}"), async || {
            // Letters within a second are one word to the browser, those of the choice before too.
            tokio::time::sleep(ONE_WORD).await;
            self.element(id).await.send_keys(word).await.ok()?;
            is_chosen().await.then_some(())
        })
        .await;
    }

    /// Ticks a box by the keyboard.
    pub(crate) async fn press_space(&self, id: &str) {
        let selector = format!("[id='{id}']");
        self.until(&format!("{id} can be ticked"), async || {
            let element = self.browser.driver().find(By::Css(&*selector)).await.ok()?;
            element.send_keys(" ").await.ok()
        })
        .await;
    }

    /// Opens an address in another tab and goes there: this tab, and that one.
    pub(crate) async fn second_tab(&self, address: &str) -> [WindowHandle; 2] {
        let driver = self.browser.driver();
        let first = driver.window().await.unwrap();
        let second = driver.new_tab().await.unwrap();
        self.switch_to(&second).await;
        driver.goto(address).await.unwrap();
        [first, second]
    }

    pub(crate) async fn switch_to(&self, tab: &WindowHandle) {
        let driver = self.browser.driver();
        driver.switch_to_window(tab.clone()).await.unwrap();
    }

    /// How many elements a selector finds that have a text in them.
    pub(crate) async fn count(&self, selector: &str, text: &str) -> u64 {
        let count = "const [selector, text] = arguments;
            return [...document.querySelectorAll(selector)].filter((e) => e.textContent.includes(text)).length";
        let arguments = vec![selector.into(), text.into()];
        let answer = self.browser.driver().execute(count, arguments).await;
        answer.unwrap().json().as_u64().unwrap()
    }

    /// How high an element is, in pixels.
    pub(crate) async fn height(&self, id: &str) -> u64 {
        let height = "return document.getElementById(arguments[0]).offsetHeight";
        let answer = self.browser.driver().execute(height, vec![id.into()]).await;
        answer.unwrap().json().as_u64().unwrap()
    }

    /// Waits until there is no such element.
    pub(crate) async fn wait_until_gone(&self, id: &str) {
        let selector = format!("[id='{id}']");
        self.until(&format!("there is no {id}"), async || {
            let found = self.browser.driver().find_all(By::Css(&*selector)).await;
            found.ok()?.is_empty().then_some(())
        })
        .await;
    }

    /// Waits until what has the focus is inside of an element.
    pub(crate) async fn wait_for_focus_in(&self, id: &str) {
        self.until(&format!("the focus is in {id}"), async || {
            let inside =
                format!("return !!document.getElementById('{id}')?.matches(':focus-within')");
            let answer = self
                .browser
                .driver()
                .execute(inside, Vec::new())
                .await
                .ok()?;
            answer.json().as_bool()?.then_some(())
        })
        .await;
    }

    /// The files that were loaded so far.
    pub(crate) async fn loaded(&self) -> Vec<String> {
        let names = "return performance.getEntriesByType('resource').map((entry) => entry.name)";
        let answer = self
            .browser
            .driver()
            .execute(names, Vec::new())
            .await
            .unwrap();
        serde_json::from_value(answer.json().clone()).unwrap()
    }

    /// What the page's worker that renders answers to a question.
    pub(crate) async fn rendered(&self, question: &str) -> String {
        let ask = "const [question] = arguments;
            return new Promise((resolve, reject) => {
                const worker = new Worker('./render-worker_loader.js');
                worker.onerror = (error) => reject(new Error(error.message));
                worker.onmessage = ({ data }) => {
                    if (data === 'ready') {
                        worker.postMessage(question);
                    } else {
                        worker.terminate();
                        resolve(data);
                    }
                };
            })";
        let driver = self.browser.driver();
        let answer = driver.execute(ask, vec![question.into()]).await.unwrap();
        let answer = answer.json().as_str().unwrap();
        serde_json::from_str::<Result<String, String>>(answer)
            .unwrap()
            .unwrap()
    }

    /// Adds a setting to an object, such as `service 1`, as a person does who knows its name.
    pub(crate) async fn add_setting(&self, object: &str, name: &str) {
        let add = "const [label, name] = arguments;
            const select = document.querySelector(`[aria-label='${label}']`);
            if (![...(select?.options ?? [])].some((option) => option.value === name)) return false;
            select.focus();
            select.value = name;
            select.dispatchEvent(new Event('change', { bubbles: true }));
            return true;";
        self.until(&format!("{name} can be added to {object}"), async || {
            let arguments = vec![format!("Add a setting of {object}").into(), name.into()];
            let answer = self.browser.driver().execute(add, arguments).await.ok()?;
            answer.json().as_bool()?.then_some(())
        })
        .await;
    }

    /// Wide tables scroll in their own boxes.
    pub(crate) async fn assert_no_sideways_scrolling(&self) {
        for width in [1280, 390] {
            self.browser.set_viewport(width, 800).await.unwrap();
            let wide = "const page = document.getElementById('review-page');                return [document.documentElement, page].some((e) => e.scrollWidth > e.clientWidth)";
            let answer = self
                .browser
                .driver()
                .execute(wide, Vec::new())
                .await
                .unwrap();
            assert_eq!(answer.json().as_bool(), Some(false), "at {width}");
        }
        self.browser.set_viewport(1280, 800).await.unwrap();
    }

    /// Takes a picture of all that the page holds, whatever its height.
    pub(crate) async fn picture_of_all(
        &self,
        name: &str,
        colours: &[ColourScheme],
        widths: &[u32],
    ) {
        for &width in widths {
            self.browser.set_viewport(width, 800).await.unwrap();
            let height = "return document.getElementById('review-page').scrollHeight + 100";
            let answer = self
                .browser
                .driver()
                .execute(height, Vec::new())
                .await
                .unwrap();
            let height = u32::try_from(answer.json().as_u64().unwrap()).unwrap();
            self.picture(name, colours, &[(width, height)]).await;
        }
    }

    /// Gives a file to the hidden input through which files are chosen.
    pub(crate) async fn choose_file(&self, path: &Path) {
        let path = path.canonicalize().unwrap();
        self.element("file")
            .await
            .send_keys(path.to_str().unwrap())
            .await
            .unwrap();
    }

    /// Shows a file of the bundle. The list may move while it is clicked, so a wrong file is corrected as a person does.
    pub(crate) async fn show_file(&self, path: &str) {
        let selector = format!("#files [aria-label='{path}']");
        self.until(&format!("{path} is shown"), async || {
            let driver = self.browser.driver();
            let shown = driver.find(By::Id("manifest-path")).await.ok()?;
            if property(shown.prop("textContent").await) == path {
                return Some(());
            }
            let file = driver.find(By::Css(&*selector)).await.ok()?;
            file.click().await.ok()?;
            tokio::time::sleep(Duration::from_millis(300)).await;
            None
        })
        .await;
    }

    /// Downloads by an entry of the menu.
    pub(crate) async fn download(&self, entry: &str, file: &str) -> PathBuf {
        self.click("download").await;
        self.click(entry).await;
        self.wait_for_file(file).await
    }

    /// Waits for a file that is downloaded.
    pub(crate) async fn wait_for_file(&self, file: &str) -> PathBuf {
        self.browser.wait_for_download(file).await.unwrap()
    }

    /// Waits until an element's text, shown or not, contains a text.
    pub(crate) async fn wait_for_text(&self, id: &str, text: &str) {
        let mut last = String::new();
        let selector = format!("[id='{id}']");
        self.until(&format!("{id} says {text:?}"), async || {
            last = property(
                self.browser
                    .driver()
                    .find(By::Css(&*selector))
                    .await
                    .ok()?
                    .prop("textContent")
                    .await,
            );
            last.contains(text).then_some(())
        })
        .await;
    }

    /// Waits until a field has a value.
    pub(crate) async fn wait_for_value(&self, id: &str, value: &str) {
        let selector = format!("[id='{id}']");
        self.until(&format!("{id} has the value {value:?}"), async || {
            let field = self.browser.driver().find(By::Css(&*selector)).await.ok()?;
            (property(field.prop("value").await) == value).then_some(())
        })
        .await;
    }

    /// An attribute as it is now.
    pub(crate) async fn attribute(&self, id: &str, name: &str) -> Option<String> {
        self.element(id).await.attr(name).await.unwrap()
    }

    /// Waits until an attribute has a value.
    pub(crate) async fn wait_for_attribute(&self, id: &str, name: &str, value: &str) {
        let selector = format!("[id='{id}']");
        self.until(&format!("{id} has {name}={value}"), async || {
            let element = self.browser.driver().find(By::Css(&*selector)).await.ok()?;
            (property(element.attr(name).await) == value).then_some(())
        })
        .await;
    }

    /// Runs a script in the page; its result, or that of its promise.
    pub(crate) async fn run(&self, script: &str) -> serde_json::Value {
        self.run_with(script, Vec::new()).await
    }

    /// What a script with arguments returns.
    pub(crate) async fn run_with(
        &self,
        script: &str,
        arguments: Vec<serde_json::Value>,
    ) -> serde_json::Value {
        let answer = self.browser.driver().execute(script, arguments).await;
        answer.unwrap().json().clone()
    }

    /// Waits until a script returns `true`.
    pub(crate) async fn wait_for_script(&self, script: &str) {
        self.until(script, async || {
            // A page that is being loaded again answers nothing.
            let answer = self.browser.driver().execute(script, Vec::new()).await;
            answer.ok()?.json().as_bool()?.then_some(())
        })
        .await;
    }

    /// Shows the page in colours and a size.
    pub(crate) async fn show_at(&self, colours: ColourScheme, (width, height): (u32, u32)) {
        self.browser.set_colours(colours).await.unwrap();
        self.browser.set_viewport(width, height).await.unwrap();
    }

    /// Takes a picture in each combination of colours and size.
    pub(crate) async fn picture(&self, name: &str, colours: &[ColourScheme], sizes: &[(u32, u32)]) {
        for &colour in colours {
            for &(width, height) in sizes {
                self.show_at(colour, (width, height)).await;
                // Motion on the page takes less than this.
                tokio::time::sleep(Duration::from_millis(300)).await;
                let word = if colour == ColourScheme::Light {
                    "light"
                } else {
                    "dark"
                };
                let file = pictures().join(format!("{name}-{word}-{width}.png"));
                self.browser.screenshot(&file).await.unwrap();
            }
        }
        self.show_at(ColourScheme::Light, (1280, 800)).await;
    }
}

/// An element that went away between two requests has no value.
fn property(answer: WebDriverResult<Option<String>>) -> String {
    answer.ok().flatten().unwrap_or_default()
}

fn pictures() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
