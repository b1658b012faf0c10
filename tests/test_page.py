"""The page of `drugs serve`, as its users see it: in a browser, in front of the real server and model."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from program import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium in the PATH")
expect = sync_api.expect

LIGHTHOUSE = "prompt=Write+one+sentence+that+begins+a+story+about+a+lighthouse."
SHORT = f"{LIGHTHOUSE}&length=16&seed=3"
INJECTION = '<img src=x onerror="document.title=1">'

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # one thread, for the browser needs a core as well
    with Server("-np", "4", "-c", "4096", "-t", "1", "-tb", "1") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(server: Server, browser: Browser) -> Iterator[Open]:
    """Opens the page at a hash; no page may ask another origin for anything, or have an error in a script."""
    contexts = []
    wrong: list[str] = []

    def open_page(at: str = SHORT, routes: dict[str, Callable[[Route], None]] | None = None, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(server.url) else wrong.append(request.url))
        for pattern, answer in (routes or {}).items():
            page.route(pattern, answer)
        page.goto(f"{server.url}/#{at}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def sent(page: Page, path: str = "/v1/chat/completions") -> list[Any]:
    """The bodies of the requests that the page sends to a path from now on."""
    bodies: list[Any] = []
    page.on("request", lambda request: bodies.append(request.post_data_json) if request.url.endswith(path) else None)
    return bodies


def send(page: Page) -> None:
    """Press Send, and wait for the end of all answers."""
    expect(page.locator("#model")).to_have_text(re.compile("SmolLM2"))
    page.get_by_role("button", name="Send").click()
    page.locator(".turn").last.wait_for()
    finish(page)


def finish(page: Page) -> None:
    expect(page.locator("#stop")).to_be_hidden(timeout=30_000)
    expect(page.locator(".answer[aria-busy=true]")).to_have_count(0)


def answers(page: Page) -> list[str]:
    return page.locator(".turn").last.locator(".answer .text").all_text_contents()


def answer_of(server: Server, **fields: Any) -> Any:
    """What the server says to the lighthouse, without the page."""
    content = "Write one sentence that begins a story about a lighthouse."
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 16, **fields}
    return server.post("/v1/chat/completions", body).json["choices"]


def streamed(text: str) -> Callable[[Route], None]:
    """A server that answers with this text, a word at a time."""

    def answer(route: Route) -> None:
        choices = [{"index": 0, "delta": {"content": piece}} for piece in re.findall(r"\s*\S+", text)]
        choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        lines = [f"data: {json.dumps({'choices': [choice]})}\n\n" for choice in choices]
        route.fulfill(content_type="text/event-stream", body="".join(lines) + "data: [DONE]\n\n")

    return answer


# --- first sight


def test_a_newcomer_presses_send_and_sees_both_answers(open_page: Open) -> None:
    page = open_page("")
    requests = sent(page)
    send(page)
    assert [request["drugs"].get("A") for request in requests] == [None, 0.2]
    assert requests[0]["temperature"] == 0
    assert "temperature" not in requests[1]
    sober, dosed = answers(page)
    assert len(sober) > 40
    assert len(dosed) > 40
    assert sober != dosed
    expect(page.locator("#welcome")).to_be_hidden()


def test_the_policy_allows_nothing_from_elsewhere_and_no_script_in_the_page(open_page: Open) -> None:
    page = open_page()
    refused = page.evaluate(
        """async () => {
            const tried = (action) => { try { return action(); } catch { return "refused"; } };
            tried(() => {
                const script = document.createElement("script");
                script.append("window.ran = true");
                document.head.append(script);
            });
            const html = tried(() => document.body.insertAdjacentHTML("beforeend", "<b></b>"));
            const fetched = await fetch("http://example.org/").catch(() => "refused");
            return [window.ran ?? "refused", html, fetched];
        }"""
    )
    assert refused == ["refused", "refused", "refused"]


# --- answers


def test_answers_stream_and_are_those_of_the_server(open_page: Open, server: Server) -> None:
    page = open_page(SHORT.replace("length=16", "length=60"))
    expect(page.locator(".site")).to_have_count(7)
    page.get_by_role("button", name="Send").click()
    busy = page.locator(".answer.dosed[aria-busy=true] .text")
    expect(busy).to_have_text(re.compile(r"\w+ \w+"))
    early = busy.text_content() or ""
    finish(page)
    late = answers(page)[1]
    assert late.startswith(early)
    assert len(late) > len(early)
    expected = [answer_of(server, drugs={}, temperature=0, max_tokens=60)]
    expected += [answer_of(server, drugs={"A": 0.2, "seed": 3}, max_tokens=60)]
    assert answers(page) == [choices[0]["message"]["content"] for choices in expected]


def test_differences_are_highlighted_word_by_word(open_page: Open) -> None:
    page = open_page("A=0.35&" + SHORT)
    send(page)
    sober, dosed = page.locator(".answer.sober"), page.locator(".answer.dosed")
    assert dosed.locator(".token.differs").count() > 0
    assert sober.locator(".token.differs").count() > 0
    unmarked = [answer.locator(".text > :not(.differs)").all_text_contents() for answer in (sober, dosed)]
    assert "".join(unmarked[0]).split() == "".join(unmarked[1]).split()
    assert unmarked[0]


def test_the_same_answers_have_no_highlight(open_page: Open) -> None:
    page = open_page(SHORT, {"**/v1/chat/completions": streamed("The sea was calm.")})
    send(page)
    assert answers(page) == ["The sea was calm."] * 2
    expect(page.locator(".differs")).to_have_count(0)


def test_one_word_that_differs_is_the_one_that_is_highlighted(open_page: Open) -> None:
    def answer(route: Route) -> None:
        is_sober = json.loads(route.request.post_data or "")["drugs"] == {}
        streamed("The sea was calm and blue." if is_sober else "The sea was wild and blue.")(route)

    page = open_page(SHORT, {"**/v1/chat/completions": answer})
    send(page)
    assert [text.strip() for text in page.locator(".token.differs").all_text_contents()] == ["calm", "wild"]


@pytest.mark.parametrize("chosen", [0, 1])
def test_a_conversation_goes_on_from_the_answer_that_was_chosen(open_page: Open, chosen: int) -> None:
    page = open_page("A=0.35&" + SHORT)
    page.get_by_text("More", exact=True).click()
    page.get_by_label("System prompt").fill("Be brief.")
    send(page)
    first = answers(page)
    assert first[0] != first[1]
    requests = sent(page)
    keep = page.get_by_role("button", name="Go on from this")
    expect(keep.nth(1)).to_have_attribute("aria-pressed", "true")
    keep.nth(chosen).click()
    page.get_by_label("Message", exact=True).fill("And then?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("What?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    finish(page)
    question = "Write one sentence that begins a story about a lighthouse."
    assert [(message["role"], message["content"]) for message in requests[0]["messages"]] == [
        ("system", "Be brief."),
        ("user", question),
        ("assistant", first[chosen]),
        ("user", "And then?\nWhat?"),
    ]
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#welcome")).to_be_visible()


def test_stop_ends_the_answers_and_keeps_what_there_is(open_page: Open, server: Server) -> None:
    page = open_page("view=chat&length=1500&A=0&prompt=Describe+a+city+built+on+clouds.")
    expect(page.locator(".site")).to_have_count(7)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answer .text")).to_have_text(re.compile(r"\w+ \w+"))
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer .state")).to_have_text("stopped")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert len(answers(page)[0]) > 3
    expect(page.locator("#dirty")).to_have_text("clean")
    assert not any(slot["is_processing"] for slot in server.get("/slots").json)


def test_ask_again_answers_the_last_message_under_the_new_doses(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT)
    send(page)
    requests = sent(page)
    page.get_by_label("Seed", exact=True).fill("8")
    page.get_by_role("button", name="Ask again").click()
    finish(page)
    expect(page.locator(".turn")).to_have_count(1)
    assert [(request["drugs"]["seed"], len(request["messages"])) for request in requests] == [(8, 1)]


# --- variations


def test_variations_have_a_column_and_a_seed_each(open_page: Open, server: Server) -> None:
    page = open_page("view=variations&n=3&A=0.3&" + SHORT)
    requests = sent(page)
    send(page)
    assert [request["n"] for request in requests] == [3]
    assert page.locator(".answer h3").all_text_contents() == ["Seed 3", "Seed 4", "Seed 5"]
    expected = answer_of(server, drugs={"A": 0.3, "seed": 3}, n=3)
    assert answers(page) == [choice["message"]["content"] for choice in sorted(expected, key=lambda c: c["index"])]

    page.locator(".answer").nth(2).get_by_role("button", name="Use this seed").click()
    expect(page.get_by_label("Seed", exact=True)).to_have_value("5")
    page.locator(".answer h3").nth(1).click()
    expect(page.get_by_label("Seed", exact=True)).to_have_value("4")
    expect(page.locator(".answer").nth(1).locator(".keep")).to_have_attribute("aria-pressed", "true")


def test_more_variations_than_slots_say_what_is_wrong(open_page: Open) -> None:
    page = open_page("view=variations&n=9&" + SHORT)
    send(page)
    expect(page.locator(".turn [role=alert]")).to_have_text(re.compile("Field 'n'.*4.*9"))
    page.get_by_label("Number of variations").fill("2")
    page.get_by_role("button", name="Ask again").click()
    finish(page)
    expect(page.locator(".answer")).to_have_count(2)


# --- doses


def test_what_is_set_is_what_is_sent(open_page: Open) -> None:
    page = open_page("view=chat&" + SHORT)
    page.get_by_label("Dose at A, attention output").fill("0")
    page.get_by_label("Dose at H, attention input").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_label("Dose at pV in radians").fill("0.37")
    page.get_by_label("Dose at pV in radians").blur()
    expect(page.get_by_label("Dose at pV, values as kept")).to_have_value("0.37")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("reference").check()
    page.get_by_label("Dose the prompt too").check()
    page.get_by_label("Sober interval").fill("100")
    requests = sent(page)
    send(page)
    drugs = {"H": 0.015, "pV": 0.37, "seed": 3, "noise": "reference", "inputs": True, "sober_interval": 100}
    assert requests[0]["drugs"] == drugs


def test_without_a_dose_everything_is_sober(open_page: Open) -> None:
    page = open_page("view=chat&" + SHORT)
    page.get_by_role("button", name="All sober").click()
    requests = sent(page)
    send(page)
    assert (requests[0]["drugs"], requests[0]["temperature"]) == ({}, 0)


def test_every_site_explains_itself(open_page: Open) -> None:
    page = open_page()
    expect(page.locator(".site")).to_have_count(7)
    for slider in page.get_by_role("slider").all():
        described = slider.get_attribute("aria-describedby") or ""
        assert len(page.locator(f"#{described}").text_content() or "") > 20
        assert slider.get_attribute("title")


def test_only_the_sites_of_the_model_are_there(open_page: Open, server: Server) -> None:
    props = server.get("/props").json
    props["drugs"].update(dose_max=0.5, sites={"isotropic": ["Q", "A"], "reference": ["A"]})
    page = open_page(SHORT, {"**/props": lambda route: route.fulfill(json=props)})
    expect(page.locator(".site:visible label b")).to_have_text(["Q", "A"])
    expect(page.get_by_label("Dose at A, attention output")).to_have_attribute("max", "0.5")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("reference").check()
    expect(page.locator(".site:visible label b")).to_have_text(["A"])


def test_dice_draw_a_new_seed(open_page: Open) -> None:
    page = open_page()
    seed = page.get_by_label("Seed", exact=True)
    expect(seed).to_have_value("3")
    seen = {"3"}
    for _ in range(4):
        page.get_by_role("button", name="Draw a new seed").click()
        seen.add(seed.input_value())
    assert len(seen) >= 4


# --- profiles


def profile(page: Page) -> Locator:
    page.get_by_role("button", name="Profile of A").click()
    return page.locator("#profile-A")


def test_a_profile_drawn_with_the_mouse_changes_the_request(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT)
    editor = profile(page)
    box = editor.locator(".area").bounding_box()
    assert box is not None
    bottom = box["y"] + box["height"]
    page.mouse.click(box["x"] + box["width"] * 0.25, bottom)
    page.mouse.move(box["x"] + box["width"] * 0.75, bottom)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, bottom - box["height"] * 2 / 3, steps=4)
    page.mouse.up()
    editor.get_by_role("combobox").select_option("floor")
    requests = sent(page)
    send(page)
    shape = requests[0]["drugs"]["shape"]["A"]
    assert shape["mode"] == "floor"
    first, second = shape["points"]
    assert (first["depth"], first["peakratio"]) == (pytest.approx(0.25, abs=0.02), pytest.approx(0, abs=0.03))
    assert (second["depth"], second["peakratio"]) == (pytest.approx(0.5, abs=0.02), pytest.approx(1, abs=0.03))

    editor.locator(".point").nth(1).dblclick()
    expect(editor.locator(".point")).to_have_count(1)
    editor.get_by_role("button", name="Full dose").click()
    expect(editor.locator(".point")).to_have_count(0)
    page.get_by_role("button", name="Ask again").click()
    finish(page)
    assert "shape" not in requests[1]["drugs"]


def test_a_profile_drawn_with_the_keyboard(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT)
    editor = profile(page)
    editor.get_by_role("button", name="Add point").press("Enter")
    expect(editor.get_by_role("slider")).to_be_focused()
    for key in ("ArrowLeft", "ArrowLeft", "Shift+ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    expect(editor.get_by_role("slider")).to_have_attribute("aria-valuetext", "depth 0.41, ratio 0.95")
    editor.get_by_role("button", name="Add point").press("Enter")
    expect(editor.get_by_role("slider")).to_have_count(2)
    page.keyboard.press("Delete")
    expect(editor.get_by_role("slider")).to_have_count(1)
    requests = sent(page)
    send(page)
    points = [{"depth": 0.41, "peakratio": 0.95}]
    assert requests[0]["drugs"]["shape"] == {"A": {"points": points, "mode": "interpolate"}}


def test_a_profile_drawn_with_a_finger(open_page: Open) -> None:
    page = open_page(has_touch=True)
    editor = profile(page)
    editor.locator(".plot").tap(position={"x": 120, "y": 60})
    expect(editor.locator(".point")).to_have_count(1)
    editor.get_by_role("button", name="Delete point").tap()
    expect(editor.locator(".point")).to_have_count(0)


# --- probabilities


def rows(page: Page, kind: str) -> list[float]:
    bars = page.locator(f".chart.{kind} li")
    expect(bars).to_have_count(10)
    return [float(bar.get_attribute("data-probability") or "nan") for bar in bars.all()]


@pytest.mark.parametrize("view", ["chat", "side"])
def test_probabilities_at_a_token_are_those_of_both_models(open_page: Open, server: Server, view: str) -> None:
    page = open_page(f"view={view}&A=0.35&{SHORT}")
    requests = sent(page, "/completion")
    send(page)
    tokens = page.locator(".answer.dosed .token")
    last = tokens.count() - 1
    tokens.nth(last).click()
    sober, dosed = rows(page, "sober"), rows(page, "dosed")
    for probabilities in (sober, dosed):
        assert sum(probabilities) <= 1
        assert probabilities == sorted(probabilities, reverse=True)
    assert sober != dosed

    # the most likely token is the one that was written, and the numbers are the server's
    taken = page.locator(".chart.dosed li").first
    expect(taken).to_have_class("taken")
    told = answer_of(server, drugs={"A": 0.35, "seed": 3}, logprobs=True, top_logprobs=10)[0]["logprobs"]["content"]
    expected = [entry["logprob"] for entry in told[last]["top_logprobs"]]
    assert dosed == pytest.approx([2.718281828459045**logprob for logprob in expected], abs=0.01)
    assert requests[0]["drugs"] == {}
    assert requests[0]["prompt"][1:] == [entry["id"] for entry in told[:last]]

    page.locator(".probabilities").get_by_role("button", name="Close").click()
    expect(page.locator(".probabilities")).to_have_count(0)
    expect(tokens.nth(last)).to_be_focused()


def test_the_first_token_is_as_likely_for_both(open_page: Open) -> None:
    page = open_page("A=0.35&" + SHORT)
    send(page)
    page.locator(".answer.sober .token").first.click()
    assert rows(page, "sober") == pytest.approx(rows(page, "dosed"), abs=0.01)
    expect(page.locator(".probabilities")).to_contain_text("both begin alike")


def test_where_the_sober_answer_went_alone_the_dosed_model_reads_it(open_page: Open) -> None:
    page = open_page("A=0.35&" + SHORT)
    requests = sent(page, "/completion")
    send(page)
    page.locator(".answer.sober .token").last.click()
    assert rows(page, "sober") != rows(page, "dosed")
    (request,) = requests
    assert (request["drugs"]["A"], request["drugs"]["inputs"], request["cache_prompt"]) == (0.35, True, False)


def test_a_character_of_several_tokens_is_sent_as_text(open_page: Open) -> None:
    wave = "\N{WATER WAVE}"
    page = open_page(f"view=chat&A=0.05&seed=3&length=16&prompt=Repeat+exactly:+{wave}{wave}+\u6d77+is+the+sea+{wave}")
    requests = sent(page, "/completion")
    send(page)
    tokens = page.locator(".answer.dosed .token")
    texts = tokens.all_text_contents()
    assert texts[:2] == [wave, wave]
    plain = next(i for i, text in enumerate(texts) if text.isascii())
    tokens.nth(plain + 1).click()
    rows(page, "sober")
    tokens.first.click()
    expect(page.locator(".probabilities [role=alert]")).to_contain_text("several tokens")
    text, token = requests[0]["prompt"]
    assert text.endswith("assistant\n" + "".join(texts[:2]) + " \u6d77")
    assert isinstance(token, int)


# --- showers


def test_a_shower_washes_what_is_dirty(open_page: Open, server: Server) -> None:
    counts = iter([37])
    slot = server.get("/slots").json[0]

    def count(route: Route) -> None:
        slot["drugs"]["n_dirty"] = next(counts, 0)
        route.fulfill(json=[slot])

    page = open_page(SHORT, {"**/slots": count})
    expect(page.locator("#dirty")).to_have_text("37 dirty")
    with page.expect_response("**/slots/-1?action=shower") as response:
        page.get_by_role("button", name="Cold shower").click()
    assert "n_showered" in response.value.json()
    expect(page.locator("#dirty")).to_have_text("clean")


def test_a_server_that_does_not_tell_of_its_slots(open_page: Open) -> None:
    refused = {"error": {"code": 501, "message": "no slots"}}
    page = open_page(SHORT, {"**/slots": lambda route: route.fulfill(status=501, json=refused)})
    send(page)
    expect(page.locator("#dirty")).to_be_hidden()
    expect(page.get_by_role("button", name="Cold shower")).to_be_enabled()


# --- the address


def test_the_address_holds_a_finding(open_page: Open) -> None:
    page = open_page("view=chat&" + SHORT)
    editor = profile(page)
    editor.get_by_role("button", name="Add point").click()
    page.get_by_label("Dose at Q in radians").fill("0.05")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("System prompt").fill("Be brief & kind #1")
    page.get_by_label("Dose the prompt too").check()
    requests = sent(page)
    send(page)
    page.get_by_label("Message", exact=True).fill("Why?")
    expect(page).to_have_url(re.compile("prompt=Why.*message=Write"))

    shared = open_page(page.url.split("#")[1])
    expect(shared.locator(".said")).to_have_text("Write one sentence that begins a story about a lighthouse.")
    expect(shared.get_by_label("Message", exact=True)).to_have_value("Why?")
    again = sent(shared)
    shared.get_by_role("button", name="Answer them").click()
    finish(shared)
    assert again == requests
    assert again[0]["drugs"]["shape"]["A"]["points"] == [{"depth": 0.5, "peakratio": 1}]
    assert answers(shared) == answers(page)


@pytest.mark.parametrize(
    "at",
    [
        "A=-1&Q=x&seed=1e99&noise=loud&view=&n=0&A.shape=up_1",
        "%E0%A4%A&&&=&A=0.2&A.shape=ceil_0",
        "A=NaN&seed=-3&n=1.5&length=0",
    ],
)
def test_an_address_that_makes_no_sense_is_the_usual_one(open_page: Open, at: str) -> None:
    page = open_page(at)
    expect(page.get_by_label("Dose at A in radians")).to_have_value("0.2")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("3")
    expect(page.get_by_label("Side by side")).to_be_checked()
    expect(page.locator(".shaped")).to_have_count(0)


def test_another_address_in_the_same_tab_is_followed(open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_label("Seed", exact=True)).to_have_value("3")
    page.evaluate("location.hash = 'A=0.4&seed=99&view=variations&n=4'")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("99")
    expect(page.get_by_label("Number of variations")).to_have_value("4")


# --- trouble


def test_a_server_with_a_key_asks_for_it_once(open_page: Open) -> None:
    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer secret":
            route.fallback()
        else:
            route.fulfill(status=401, json={"error": {"code": 401, "message": "Invalid API Key"}})

    page = open_page(SHORT, {"**/props": guard, "**/slots": guard, "**/v1/**": guard})
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("refused this key")
    dialog.get_by_label("API key").fill("secret")
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_be_hidden()
    send(page)
    assert len(answers(page)) == 2
    page.reload()
    expect(page.locator(".site")).to_have_count(7)
    expect(dialog).to_be_hidden()
    assert "secret" not in page.url


def test_a_key_that_is_not_given_can_be_given_later(open_page: Open) -> None:
    refused = {"error": {"code": 401, "message": "Invalid API Key"}}
    page = open_page(SHORT, {"**/props": lambda route: route.fulfill(status=401, json=refused)})
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator("#notice")).to_contain_text("needs an API key")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_what_the_server_does_not_like_is_said_where_the_answer_would_be(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&A.shape=interpolate_0_1e300&" + SHORT)
    send(page)
    expect(page.locator(".turn [role=alert]")).to_contain_text("Field 'drugs'")


def test_a_lost_connection_is_said_and_can_be_tried_again(open_page: Open) -> None:
    page = open_page("view=chat&" + SHORT)
    expect(page.locator(".site")).to_have_count(7)
    page.route("**/v1/chat/completions", lambda route: route.abort())
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".turn [role=alert]")).to_contain_text("does not answer")
    page.unroute("**/v1/chat/completions")
    page.get_by_role("button", name="Ask again").click()
    finish(page)
    expect(page.locator(".turn [role=alert]")).to_be_hidden()
    assert answers(page)[0]


def test_without_a_server_the_page_says_so(open_page: Open) -> None:
    page = open_page(SHORT, {"**/props": lambda route: route.abort()})
    expect(page.locator("#notice")).to_contain_text("does not answer")
    page.unroute("**/props")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".site")).to_have_count(7)
    expect(page.locator("#notice")).to_be_hidden()


def test_markup_stays_text(open_page: Open) -> None:
    page = open_page("A=0.2&seed=3", {"**/v1/chat/completions": streamed(f"You said {INJECTION} twice")})
    page.get_by_label("Message", exact=True).fill(INJECTION)
    send(page)
    expect(page.locator(".said")).to_have_text(INJECTION)
    assert answers(page) == [f"You said {INJECTION} twice"] * 2
    expect(page.locator(".turn img")).to_have_count(0)
    expect(page).to_have_title("DRµGS")
    page.locator(".token").nth(2).click()
    expect(page.locator(".probabilities mark")).to_contain_text("<img")


# --- everybody


def test_everything_can_be_done_with_the_keyboard(open_page: Open) -> None:
    page = open_page("A=0.2&" + SHORT)
    expect(page.locator(".site")).to_have_count(7)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.locator(".turn").wait_for()
    finish(page)
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.dosed .token')"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".dosed .token").nth(2)).to_be_focused()
    outline = page.locator(".dosed .token").nth(2).evaluate("node => getComputedStyle(node).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    rows(page, "sober")
    page.keyboard.press("Escape")
    expect(page.locator(".probabilities")).to_have_count(0)


def test_a_phone_has_no_horizontal_scrolling_and_a_drawer(open_page: Open) -> None:
    page = open_page("view=variations&n=2&A=0.2&" + SHORT, viewport={"width": 360, "height": 740}, has_touch=True)
    send(page)
    page.locator(".token").nth(3).click()
    rows(page, "dosed")

    def widest() -> int:
        parts = page.locator("html, #conversation, #controls")
        return max(int(part.evaluate("node => node.scrollWidth")) for part in parts.all())

    assert widest() <= 360
    first, second = (page.locator(".answer").nth(i).bounding_box() for i in range(2))
    assert first is not None
    assert second is not None
    assert second["y"] >= first["y"] + first["height"]

    expect(page.locator("#dice")).to_be_hidden()
    page.get_by_role("button", name=re.compile("Doses")).tap()
    page.get_by_role("button", name="Draw a new seed").tap()
    page.get_by_role("button", name="Profile of A").tap()
    assert widest() <= 360
    page.keyboard.press("Escape")
    expect(page.locator("#dice")).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile("Doses"))).to_be_focused()


def brightness(page: Page, style: str) -> float:
    colour = str(page.evaluate(f"getComputedStyle(document.body).{style}"))
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def test_dark_and_light(open_page: Open) -> None:
    page = open_page(color_scheme="dark")
    assert brightness(page, "backgroundColor") < 50
    assert brightness(page, "color") > 200
    page.get_by_role("button", name="Dark colours").click()
    assert brightness(page, "backgroundColor") > 230
    page.reload()
    assert brightness(page, "backgroundColor") > 230
    page.get_by_role("button", name="Dark colours").click()
    assert brightness(page, "backgroundColor") < 50


def test_whoever_wants_no_motion_gets_none(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce", viewport={"width": 360, "height": 740})
    assert page.locator("#controls").evaluate("node => getComputedStyle(node).transitionDuration") == "0s"


# --- several models


def test_a_server_of_several_models_lets_choose_one(browser: Browser, tiny_model_path: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copy(tiny_model_path, tmp_path / f"{name}.gguf")
    options = ("-c", "256", "-np", "2", "-t", "1", "--chat-template", "chatml")
    with Server("--models-dir", str(tmp_path), *options) as router:
        page = browser.new_page()
        page.goto(f"{router.url}/#{SHORT}")
        models = page.get_by_label("Model")
        expect(models).to_have_value("one")
        models.select_option("two")
        requests = sent(page)
        expect(page.locator("#sites input[type=range]")).not_to_have_count(0)
        page.get_by_role("button", name="Send").click()
        page.locator(".turn").last.wait_for()
        finish(page)
        assert {request["model"] for request in requests} == {"two"}
        assert all(answers(page))
        page.reload()
        expect(models).to_have_value("two")
        page.close()
