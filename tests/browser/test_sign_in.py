"""The sign-in page in a real browser: its style is allowed by its own policy, and its form leads back to the app."""
import shutil
import urllib.parse

import backend as backend_module
import pytest
from bridge import APP_SECRET, APP_UID
from serving import Server
from wait import until

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.chrome.service import Service
except ImportError:
    pytest.skip("python3-selenium is not installed", allow_module_level=True)

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (CHROMIUM and DRIVER):
    pytest.skip("chromium or chromedriver is not installed", allow_module_level=True)

PATIENCE = 40


class App(Server):
    """Where people come back to."""

    def __init__(self):
        self.paths = []
        super().__init__()

    def handle(self, method, path, headers, body):
        self.paths.append(path)
        return 200, {"content-type": "text/html"}, b"<!doctype html><title>back</title>"


@pytest.fixture
def driver(tmp_path):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    yield driver
    driver.quit()


def test_a_person_signs_in(make_bridge, backend, driver):
    with App() as app:
        back = app.url + "/callback?from=front"
        channel = {"account": "main", "kind": "application", "adapter": "http", "api_key": "the key",
                   "settings": {"url": backend.url, "secret": backend_module.SECRET}}
        oauth = {"client_id": "c", "client_secret": "s", "redirect_uris": [back]}
        bridge = make_bridge(channels={"app": channel}, account={"app": {"uid": APP_UID, "secret": APP_SECRET, "oauth": oauth}},
                             top={"public_url": "https://bridge.example.com"})
        query = urllib.parse.urlencode({"response_type": "code", "client_id": "c", "redirect_uri": back, "state": "s 1"})
        driver.get(f"http://127.0.0.1:{bridge.port}/apps/main/oauth/authorize?{query}")
        assert driver.find_element(By.TAG_NAME, "main").value_of_css_property("border-radius") == "8px", "the style holds"
        for key in ("wrong", "the key"):
            field = driver.find_element(By.NAME, "api_key")
            assert field.get_attribute("type") == "password"
            field.send_keys(key)
            driver.find_element(By.TAG_NAME, "button").click()
            if key == "wrong":
                until(lambda: driver.find_elements(By.CLASS_NAME, "wrong"), PATIENCE)
                assert "not the API key" in driver.find_element(By.CLASS_NAME, "wrong").text
        until(lambda: driver.title == "back", PATIENCE, lambda: (driver.current_url, driver.get_log("browser")))
        came = next(p for p in app.paths if p.startswith("/callback"))
        assert came.startswith("/callback?from=front&code=") and came.endswith("&state=s%201")
        assert not [e for e in driver.get_log("browser") if "Content Security Policy" in e["message"]]
