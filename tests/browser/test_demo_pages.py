"""The demo's two pages in a real browser: what the agent and the customer see, on a good day and on a bad one."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.request

import pytest

from wait import until

try:
    from selenium import webdriver
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.chrome.service import Service
except ImportError:
    pytest.skip("python3-selenium is not installed", allow_module_level=True)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("FRONT_BRIDGE_BIN", ROOT / "build-debug" / "front-bridge"))
SHOTS = pathlib.Path(os.environ.get("FB_SCREENSHOTS") or tempfile.mkdtemp(prefix="front-bridge-shots-"))
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

if not (CHROMIUM and DRIVER):
    pytest.skip("chromium or chromedriver is not installed", allow_module_level=True)

PATIENCE = 40  # seconds; the machine may be slow, and nothing here is about time


@pytest.fixture
def demo(tmp_path):
    """The address of a running demo."""
    process = subprocess.Popen([BINARY, "demo"], stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    text = ""
    while "Ctrl-C" not in text:
        line = process.stdout.readline()
        assert line, f"the demo ended: {text}"
        text += line
    yield re.search(r"http://127\.0\.0\.1:\d+(?=/\n)", text).group()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


@pytest.fixture
def open_page(tmp_path):
    """open_page(url) gives a Page in a browser of its own."""
    pages = []

    def start(url, size="1400,900"):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            f"--window-size={size}",
            f"--user-data-dir={tmp_path / f'profile{len(pages)}'}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        page = Page(webdriver.Chrome(service=Service(DRIVER), options=options), url)
        pages.append(page)
        return page

    yield start
    for page in pages:
        mistakes = [entry for entry in page.driver.get_log("browser") if entry["level"] == "SEVERE"]
        page.driver.quit()
        assert not mistakes


class Page:
    def __init__(self, driver, url):
        self.driver = driver
        driver.get(url)

    def find(self, css, text=None):
        """The first shown element that has this text, as soon as there is one."""

        def look():
            try:
                for element in self.driver.find_elements(By.CSS_SELECTOR, css):
                    if element.is_displayed() and (text is None or text in element.text):
                        return element
            except StaleElementReferenceException:
                pass
            return None

        return until(look, PATIENCE, lambda: f"{css} with {text!r}; the page says: {self.text()[:2000]}")

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def count(self, css, text):
        return sum(text in e.text for e in self.driver.find_elements(By.CSS_SELECTOR, css))

    def click(self, css, text=None):
        self.find(css, text).click()

    def write(self, css, text):
        field = self.find(css)
        field.clear()
        field.send_keys(text)

    def shot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SHOTS / f"{name}.png"))


@pytest.fixture
def both(demo, open_page):
    """The agent's page and the customer's, with a conversation that the customer began."""
    agent, customer = open_page(demo + "/"), open_page(demo + "/chat", "520,900")
    say(customer, "Hello, is anybody there?")
    agent.click(".row", "Ada Lovelace")
    agent.find("#messages .bubble", "Hello, is anybody there?")
    return agent, customer


def say(customer, text):
    customer.write("#text", text)
    customer.click("#say button")


def reply(agent, text):
    agent.write("#reply", text)
    agent.click("form.reply button", "Send")


def test_a_conversation(both):
    agent, customer = both
    reply(agent, "Yes: <b>Grace</b> & the “team” ☺")
    customer.find(".bubble", "Yes: <b>Grace</b> & the “team” ☺")
    agent.find(".under .ok", "Sent")
    customer.find(".item.mine .under", "✓")
    say(customer, "Good. My order is late.")
    agent.find("#messages .bubble", "My order is late.")
    assert agent.count("#messages .bubble", "Yes: <b>Grace</b>") == 1
    assert customer.count(".bubble", "Yes: <b>Grace</b>") == 1
    agent.shot("conversation-agent")
    customer.shot("conversation-customer")


def test_an_agent_attaches_a_file(both, tmp_path):
    agent, _ = both
    file = tmp_path / "order <1>.txt"
    file.write_text("umbrella")
    agent.driver.find_element(By.CSS_SELECTOR, "form.reply input[type=file]").send_keys(str(file))
    agent.find("form.reply .acts", "order <1>.txt")
    reply(agent, "Here is your order.")
    link = agent.find(".item.mine .files a", "order <1>.txt · 8 B")
    agent.find(".under .ok", "Sent")
    agent.shot("attachment")
    with urllib.request.urlopen(link.get_attribute("href")) as answer:
        assert answer.read() == b"umbrella"


def test_an_agent_who_writes_first(demo, open_page):
    agent, customer = open_page(demo + "/"), open_page(demo + "/chat", "520,900")
    agent.click("#compose")
    agent.write("#new input[name=handle]", "ada-lovelace")
    agent.write("#new textarea[name=text]", "We found your umbrella.")
    agent.shot("compose")
    agent.click("#new button", "Send")
    customer.find(".item:not(.mine) .bubble", "We found your umbrella.")
    agent.find(".under .ok", "Sent")
    say(customer, "Wonderful!")
    agent.find("#messages .bubble", "Wonderful!")
    rows = agent.driver.find_elements(By.CSS_SELECTOR, ".row")
    assert len(rows) == 1, "the answer is in the agent's conversation"


def test_a_refusal_is_seen_edited_and_sent_again(both):
    agent, customer = both
    customer.click(".modes button", "400")
    customer.find(".modes button[aria-pressed=true]", "400")
    reply(agent, "This will be refused.")
    agent.find(".draft .what b", "This message was not delivered")
    sentence = agent.find(".draft .what").text
    assert len(sentence.splitlines()) >= 2 and sentence.splitlines()[1].strip(), "the agent reads why"
    assert agent.find(".draft textarea").get_attribute("value") == "This will be refused."
    agent.shot("refused-agent")
    customer.shot("refused-customer")
    assert customer.count(".bubble", "refused") == 0
    customer.click(".modes button", "Works")
    customer.find(".modes button[aria-pressed=true]", "Works")
    agent.write(".draft textarea", "This will be taken.")
    agent.click(".draft button", "Send again")
    customer.find(".bubble", "This will be taken.")
    agent.find(".under .ok", "Sent")
    until(lambda: not agent.driver.find_elements(By.CSS_SELECTOR, ".draft"), PATIENCE, "the draft is gone")
    assert customer.count(".bubble", "This will be") == 1
    agent.shot("resent-agent")


def test_a_backend_that_is_down_for_a_moment(both):
    agent, customer = both
    customer.click(".modes button", "503")
    customer.find(".modes button[aria-pressed=true]", "503")
    reply(agent, "You will read this later.")
    agent.find(".under .ok", "Sent")
    assert customer.count(".bubble", "later") == 0
    customer.shot("down-customer")
    customer.click(".modes button", "Works")
    customer.find(".bubble", "You will read this later.")
    assert customer.count(".bubble", "later") == 1
    agent.shot("late-agent")
    customer.shot("late-customer")


def test_on_a_telephone(demo, open_page):
    """Both pages on a narrow screen: nothing is cut off, and one gets from the list to the conversation and back."""
    agent, customer = open_page(demo + "/", "500,800"), open_page(demo + "/chat", "500,800")
    say(customer, "From my telephone")
    agent.click(".row", "Ada Lovelace")
    reply(agent, "To your telephone")
    customer.find(".bubble", "To your telephone")
    agent.shot("narrow-agent")
    customer.shot("narrow-customer")
    for page in (agent, customer):
        assert page.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    agent.click("#back")
    agent.find(".row", "Ada Lovelace")
