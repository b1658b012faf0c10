"""Markdown, code and maths in answers, and nothing that could run or load anything."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from support.browsing import SHORT, Open, expect, send, streamed

TEXT = """# Tides

The *moon* pulls **water**:

- high
- low

```python
print("<b>tide</b>")
```

| when | m |
| --- | --- |
| noon | 3 |

Its force falls as \\(1/r^2\\), or $$F = \\frac{m}{r^2}$$ It costs $5 or $6.
"""


def verbatim(text: str):  # type: ignore[no-untyped-def]
    """A server that answers with this text at once."""
    return {"**/v1/chat/completions": streamed(text, pieces=[text])}


def test_markdown_code_and_maths(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT, verbatim(TEXT))
    send(page)
    answer = page.locator(".formatted")
    expect(answer.locator("h4")).to_have_text("Tides")
    expect(answer.locator("em")).to_have_text("moon")
    expect(answer.locator("strong")).to_have_text("water")
    expect(answer.locator("li")).to_have_text(["high", "low"])
    expect(answer.locator("pre code")).to_have_text('print("<b>tide</b>")\n')
    expect(answer.locator("td")).to_have_text(["noon", "3"])
    expect(answer.locator("math")).to_have_count(2)
    expect(answer.locator("math mfrac")).to_have_count(1)
    expect(answer).to_contain_text("It costs $5 or $6.")


def test_the_tokens_are_shown_instead(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT, verbatim(TEXT))
    send(page)
    switch = page.get_by_role("button", name="Formatted")
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".text")).to_be_hidden()
    switch.click()
    expect(page.locator(".formatted")).to_be_hidden()
    expect(page.locator(".text")).to_have_text(TEXT)
    page.get_by_text("Side by side").click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile("formatted=false"))
    page.reload()
    expect(page.locator(".text")).to_be_visible()


def test_side_by_side_shows_tokens_unless_it_is_told_otherwise(open_page: Open) -> None:
    page = open_page("view=side&A=0.2&" + SHORT, verbatim(TEXT))
    send(page)
    expect(page.locator(".text")).to_have_count(2)
    expect(page.locator(".text").first).to_be_visible()
    page.get_by_role("button", name="Formatted").click()
    expect(page.locator(".formatted h4")).to_have_count(2)


@pytest.mark.parametrize(
    "text",
    [
        '<img src=x onerror="document.title=1">',
        "<script>document.title=1</script>",
        "[press](javascript:document.title=1)",
        "![picture](http://example.org/x.png)",
        '<a href="javascript:document.title=1" id="prompt" name="prompt">x</a>',
        "<svg onload=document.title=1>",
        "$\\href{javascript:document.title=1}{x}$ $\\includegraphics{http://example.org/x.png}$",
        '<style>body { display: none }</style><iframe src="/"></iframe>',
    ],
)
def test_nothing_of_a_text_runs_or_is_loaded(open_page: Open, text: str) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT, verbatim(f"{text}\n\nend"))
    send(page)
    answer = page.locator(".formatted")
    expect(answer).to_contain_text("end")
    for link in answer.locator("a[href]").all():
        assert (link.get_attribute("href") or "").startswith("http://example.org")
        assert link.get_attribute("rel") == "noopener noreferrer"
    expect(answer.locator("img, script, iframe, style, svg, [onerror], [id], [name], [style]")).to_have_count(0)
    expect(page).to_have_title(re.compile(" · DRµGS$"))


def test_what_is_not_maths_stays_as_it_was_written(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT, verbatim("First $\\foo{1}$ and $x^2$. It costs $a & b$ today."))
    send(page)
    expect(page.locator(".formatted math")).to_have_count(1)
    expect(page.locator(".formatted")).to_contain_text("First $\\foo{1}$ and")
    expect(page.locator(".formatted")).to_contain_text("It costs $a & b$ today.")


@pytest.mark.parametrize("text", ["*a " * 30000, "> " * 5000 + "x", "$ " * 100000])
def test_a_text_that_is_hard_to_render_is_shown_as_it_is(open_page: Open, text: str) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT, verbatim(text))
    send(page)
    expect(page.locator(".formatted")).to_contain_text(text.strip()[:50])


def test_the_libraries_are_those_that_are_named() -> None:
    folder = Path(__file__).parents[2] / "python" / "drugs_cpp" / "page" / "libraries"
    named = json.loads((folder / "libraries.json").read_text(encoding="utf-8"))
    assert {one["file"] for one in named} == {path.name for path in folder.glob("*.js")}
    licenses = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    for one in named:
        content = (folder / one["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
        assert one["version"].encode() in content or one["name"] == "marked"  # marked does not say it
        assert one["name"] in licenses
