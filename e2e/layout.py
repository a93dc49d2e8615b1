"""What a page's layout does wrong, measured in the browser: cut off, covered, or too wide."""

from __future__ import annotations

from playwright.sync_api import Page

# Text is measured by its lines, not by its boxes: a box may be larger than what it shows.
MEASURE = """() => {
  const width = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > width) found.push(`scrolls sideways: ${document.documentElement.scrollWidth} of ${width} px`);
  const hides = (style) => /hidden|clip/.test(style.overflowX + style.overflowY);
  const scrolls = (style) => /auto|scroll/.test(style.overflowX);
  const shown = (element) => {
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || element.closest("[aria-hidden=true]")) return false;
    for (let one = element; one; one = one.parentElement) if (getComputedStyle(one).clipPath !== "none") return false;
    return true;
  };
  const name = (element) => `«${element.textContent.trim().replace(/\\s+/g, " ").slice(0, 60)}»`;
  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, element = text.parentElement;
    if (!text.data.trim() || element.closest("script, style, template, noscript, option, svg") || !shown(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const clipper = (() => {
      for (let one = element; one; one = one.parentElement) {
        const style = getComputedStyle(one);
        if (scrolls(style)) return null;
        if (hides(style) && one !== document.body && one !== document.documentElement) return one;
      }
    })();
    const fixed = (() => {
      for (let one = element; one; one = one.parentElement) if (/fixed|sticky/.test(getComputedStyle(one).position)) return one;
    })();
    for (const rect of range.getClientRects()) {
      if (rect.width < 1 || rect.height < 1) continue;
      if (clipper) {
        const box = clipper.getBoundingClientRect();
        if (rect.right > box.right + 2 || rect.left < box.left - 2 || rect.bottom > box.bottom + rect.height / 3) found.push(`cut off: ${name(element)}`);
      } else if (clipper === undefined && (rect.right > width + 1 || rect.left < -1)) found.push(`beyond the page: ${name(element)}`);
      lines.push({ rect, element, fixed });
    }
  }
  for (let i = 0; i < lines.length; i++) for (let j = i + 1; j < lines.length; j++) {
    const a = lines[i], b = lines[j];
    if (a.element === b.element || a.fixed !== b.fixed) continue;
    const across = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left);
    const down = Math.min(a.rect.bottom, b.rect.bottom) - Math.max(a.rect.top, b.rect.top);
    if (across > 2 && down > Math.min(a.rect.height, b.rect.height) / 3) found.push(`overlap: ${name(a.element)} and ${name(b.element)}`);
  }
  return [...new Set(found)];
}"""  # noqa: E501  (JavaScript)
# What a visitor sets in their browser; media queries know it, too.
TWICE_AS_LARGE = "--blink-settings=defaultFontSize=32,defaultFixedFontSize=26"


def faults(page: Page) -> list[str]:
    """Return what's wrong with the layout as it is now."""
    found: list[str] = page.evaluate(MEASURE)
    return found
