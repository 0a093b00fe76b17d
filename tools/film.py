"""`Film`: screenshots of a page in a row, each shown for a while, saved as one animated picture of bounded size."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

QUALITIES = (80, 65, 50, 38, 28, 20)
CAPTION = """words => {
    document.getElementById('caption')?.remove()
    if (!words) return
    const caption = Object.assign(document.createElement('div'), {id: 'caption', textContent: words})
    caption.style.cssText = 'position:fixed;left:50%;bottom:34px;transform:translateX(-50%);z-index:99999;' +
        'padding:10px 20px;border-radius:10px;background:#131c31;color:#fff;font:600 17px system-ui,sans-serif;' +
        'white-space:nowrap;pointer-events:none'
    document.body.append(caption)
}"""


class Film:
    """What is seen of a page, one frame after the other."""

    def __init__(self, page: Page, width: int) -> None:
        self.page = page
        self.width = width
        self.frames: list[Image.Image] = []
        self.durations: list[int] = []

    @property
    def seconds(self) -> float:
        return sum(self.durations) / 1000

    def say(self, words: str) -> None:
        """A line at the bottom of the page, until the next one."""
        self.page.evaluate(CAPTION, words)

    def shot(self, seconds: float = 0.2) -> None:
        """One frame, shown so long. A frame that is the same as the one before lengthens that one."""
        image = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        image = image.resize((self.width, round(image.height * self.width / image.width)), Image.Resampling.LANCZOS)
        if self.frames and self.frames[-1].tobytes() == image.tobytes():
            self.durations[-1] += round(seconds * 1000)
            return
        self.frames.append(image)
        self.durations.append(round(seconds * 1000))

    def roll(self, seconds: float, step: float = 0.25) -> None:
        """Frames in real time, for what moves by itself."""
        for _ in range(round(seconds / step)):
            self.page.wait_for_timeout(step * 1000 * 0.6)  # the screenshot takes the rest
            self.shot(step)

    def save(self, target: Path, limit: int) -> int:
        """Write an animated WebP of ``limit`` bytes at most, as good as that allows; returns its size.

        Raises ValueError if the worst quality is still too large.
        """
        for quality in QUALITIES:
            data = self._encoded(quality)
            if len(data) <= limit:
                target.write_bytes(data)
                return len(data)
        raise ValueError(f"expected {limit} bytes at most, came {len(data)}; show less, or make it smaller")

    def _encoded(self, quality: int) -> bytes:
        if not self.frames:
            raise ValueError("expected a frame at least; shoot before you save")
        first, *others = self.frames
        file = io.BytesIO()
        first.save(
            file, "WEBP", save_all=True, append_images=others, duration=self.durations, loop=0, quality=quality,
            method=4, minimize_size=True,
        )  # fmt: skip
        return file.getvalue()
