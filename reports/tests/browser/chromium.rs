//! A headless Chromium, driven by the DevTools protocol over a pipe.
//!
//! The protocol over a pipe is JSON with a zero byte after each message, on the browser's file descriptors 3
//! and 4. It needs no port, no WebSocket, no driver program and no crate, and unlike WebDriver it tells what
//! the page threw, and can emulate a colour scheme and paper.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: String,
    calls: u64,
    /// What the page threw, and what was written to its console as an error or a warning.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

/// The browser's program, or why there is none.
pub fn program() -> Result<PathBuf, String> {
    if let Some(chosen) = std::env::var_os("CHROMIUM") {
        return Ok(PathBuf::from(chosen));
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    all.into_iter().find(|program| program.is_file()).ok_or_else(|| {
        "no Chromium in PATH; `apt-get install chromium`, or set CHROMIUM".to_owned()
    })
}

impl Browser {
    /// Starts the browser with an empty page of this size.
    pub fn start(width: u32, height: u32) -> Self {
        let program = program().expect("the tests are skipped where there is none");
        let profile = tempfile::tempdir().expect("a folder for the profile");
        // The shell puts the two pipes where the browser looks for them.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-first-run"])
            // In a container there is often no other sandbox, and the page is our own.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"])
            .args(["--force-color-profile=srgb", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let to = child.stdin.take().expect("it is piped");
        let from = messages(child.stdout.take().expect("it is piped"));
        let mut browser = Self {
            child,
            to,
            from,
            session: String::new(),
            calls: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let page = browser.until("a page", |browser| {
            let targets = browser.call("Target.getTargets", &json!({}));
            let targets = targets["targetInfos"].as_array()?.clone();
            targets.into_iter().find(|target| target["type"] == "page")
        });
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        // As in a window that is in front, or nothing in it ever has the focus.
        browser.call("Emulation.setFocusEmulationEnabled", &json!({ "enabled": true }));
        browser.size(width, height);
        browser
    }

    /// Calls a method of the protocol and returns its result.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).and_then(|()| self.to.flush()).expect("the browser listens");
        loop {
            // A browser that hangs must not hang the tests.
            let message = self.from.recv_timeout(PATIENCE);
            let message = message.unwrap_or_else(|error| panic!("no answer to {method}: {error}"));
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.hear(&message);
        }
    }

    /// Keeps what should not have happened.
    fn hear(&mut self, message: &Value) {
        let params = &message["params"];
        let bad = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => params["entry"]["level"] != "info",
            Some("Runtime.consoleAPICalled") => {
                params["type"] == "error" || params["type"] == "warning"
            }
            // The page stands in its file, and nothing else is asked for.
            Some("Network.requestWillBeSent") => {
                let url = params["request"]["url"].as_str().unwrap_or_default();
                !(url.starts_with("file:") || url.starts_with("data:") || url.starts_with("about:"))
            }
            _ => false,
        };
        if bad {
            self.complaints.push(message.to_string());
        }
    }

    /// The value of an expression, which must not throw.
    pub fn js(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until something is there.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}: {:?}", self.complaints);
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    /// Waits until an expression is true.
    pub fn wait(&mut self, expression: &str) {
        self.until(expression, |browser| (browser.js(expression) == true).then_some(()));
    }

    /// Opens an address and waits until the page is drawn.
    pub fn open(&mut self, address: &str) {
        // A change of the part after `#` alone would load nothing.
        self.call("Page.navigate", &json!({ "url": "about:blank" }));
        self.call("Page.navigate", &json!({ "url": address }));
        self.wait("location.protocol === 'file:' && document.readyState === 'complete'");
        self.drawn();
    }

    /// Waits for two frames: what was asked for before is on the screen then.
    pub fn drawn(&mut self) {
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
    }

    /// The size of the window.
    pub fn size(&mut self, width: u32, height: u32) {
        let params =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &params);
    }

    /// `light` or `dark`.
    pub fn scheme(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "media": "", "features": features }));
    }

    /// Clicks the middle of the first element that the selector finds, as a pointer does.
    pub fn click(&mut self, selector: &str) {
        let found = format!("document.querySelector({})", json!(selector));
        self.js(&format!("{found}?.scrollIntoView({{ block: 'center', behavior: 'instant' }})"));
        // What scrolls draws other rows then.
        self.drawn();
        let place = self.js(&format!(
            "(() => {{ const at = {found}?.getClientRects()[0];
              return at && [at.x + at.width / 2, at.y + at.height / 2]; }})()"
        ));
        assert!(place.is_array(), "there is no {selector} to click");
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let params = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left",
                "buttons": buttons, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &params);
        }
        self.drawn();
    }

    /// Presses a key: a character, or a name such as `ArrowRight`.
    pub fn key(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let params = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code,
                "text": if kind == "keyDown" { text } else { "" } });
            self.call("Input.dispatchKeyEvent", &params);
        }
        self.drawn();
    }

    /// What the window shows, as a PNG.
    pub fn screenshot(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", &json!({ "format": "png" }));
        base64(shot["data"].as_str().unwrap_or_default())
    }

    /// The page on paper, as a PDF.
    pub fn print(&mut self) -> Vec<u8> {
        let pdf = self.call("Page.printToPDF", &json!({ "printBackground": true }));
        base64(pdf["data"].as_str().unwrap_or_default())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The messages that come through a pipe, as long as they come.
fn messages(pipe: ChildStdout) -> Receiver<Value> {
    let (to, from) = mpsc::channel();
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while pipe.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
            bytes.pop();
            let Ok(message) = serde_json::from_slice(&bytes) else { break };
            if to.send(message).is_err() {
                break;
            }
            bytes.clear();
        }
    });
    from
}

/// Decodes standard Base64 (RFC 4648, section 4); what is not of its alphabet is passed over.
fn base64(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    out
}
