"""A real browser, without a window."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

#: The names that Debian, other systems and the vendor give it.
_NAMES = ("chromium", "chromium-browser", "google-chrome")

#: Time that pages believe to have passed, in milliseconds, when they are read.
_VIRTUAL_TIME = 10_000


#: How to start it.
OPTIONS = (
    "--headless=new",
    # Its own sandbox cannot be made by root; all that it opens here is ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
)


def find_browser() -> str | None:
    """Give the browser of this machine, if it has one."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def read_page(browser: str, url: str, address: str, profile: Path) -> str:
    """Open a page, let its scripts run, and give its <pre>; all names lead to this address."""
    command = [
        browser,
        *OPTIONS,
        f"--user-data-dir={profile}",
        f"--host-resolver-rules=MAP * {address}",
        f"--virtual-time-budget={_VIRTUAL_TIME}",
        "--dump-dom",
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r"<pre[^>]*>(.*?)</pre>", done.stdout, re.DOTALL)
    assert found, f"no <pre> in {url}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return unescape(found[1])
