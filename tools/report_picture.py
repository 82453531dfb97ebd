"""Take the picture of a report that stands in the README: ``python tools/report_picture.py report.html report.png``.

Needs Chromium and its driver, and Selenium.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars"


def main() -> int:
    """Open the page, choose a node and a colour, and keep what is to be seen."""
    from PIL import Image
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("report", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--node", default="response to type I interferon", help="found by a search")
    parser.add_argument("--colour", default="rank", help="name of a choice")
    parser.add_argument("--view", default="sunburst")
    parser.add_argument("--focus", default="", help="found by a search: the middle; else what shows the node")
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 860))
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args()
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    with tempfile.TemporaryDirectory() as folder:
        for flag in [*FLAGS.split(), f"--user-data-dir={folder}"]:
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        width, height = chosen.size
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if chosen.dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        driver.get(chosen.report.resolve().as_uri())
        driver.execute_script(
            "report.set({page: 'explore', view: arguments[0], colour: arguments[1]});"
            "report.set({selected: report.find(arguments[2])[0]});"
            "if (arguments[3]) report.set({focus: report.find(arguments[3])[0]});",
            chosen.view,
            chosen.colour,
            chosen.node,
            chosen.focus,
        )
        driver.execute_async_script("setTimeout(arguments[0], 1000)")
        driver.save_screenshot(str(chosen.picture))
        driver.quit()
    # 256 colours are enough for it, and a third of the size.
    with Image.open(chosen.picture) as shot:
        smaller = shot.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    smaller.save(chosen.picture, optimize=True)
    print(f"written {chosen.picture} ({chosen.picture.stat().st_size / 1000:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
