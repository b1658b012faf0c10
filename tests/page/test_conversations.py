"""Conversations are kept in the browser: list, names, files, and what was deleted comes back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.browsing import SHORT, Open, answers, expect, finish, say, send, sent, streamed

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: what is kept does not require a model
CALM = {"**/v1/chat/completions": streamed("The sea was *calm*.")}
CHAT = "view=chat&formatted=false&A=0.2&" + SHORT


def names(page: Page) -> list[str]:
    """The list, which this opens."""
    if page.locator("#saved").is_hidden():
        page.get_by_role("button", name="Conversations").click()
    page.locator("#conversations-list li").first.wait_for()
    return page.locator("#conversations-list .name").all_text_contents()


def test_a_reload_keeps_the_conversation_with_its_answers(open_page: Open) -> None:
    page = open_page(CHAT)
    send(page)
    before = answers(page)
    title = page.locator(".answer header").text_content()
    page.reload()
    expect(page.locator(".answer")).to_have_count(1)
    assert answers(page) == before
    assert page.locator(".answer header").text_content() == title
    expect(page.get_by_label("Message", exact=True)).to_have_value("")
    page.locator(".token").nth(1).click()
    expect(page.locator(".chart.dosed li")).to_have_count(10)
    requests = sent(page)
    say(page, "And then?")
    assert [message["content"] for message in requests[0]["messages"][1:]] == [before[0], "And then?"]


def test_a_message_that_was_sent_is_in_the_address_no_more(open_page: Open) -> None:
    page = open_page(CHAT)
    page.wait_for_function("location.hash.includes('prompt=')")
    assert "prompt=" not in page.evaluate("document.getElementById('send').click(), location.hash")


def test_an_answer_that_was_being_written_has_stopped(open_page: Open) -> None:
    page = open_page("view=chat&length=1500&A=0&prompt=Describe+a+city+built+on+clouds.")
    expect(page.locator(".site")).to_have_count(8)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answer .text")).to_have_text(re.compile(r"\w+ \w+ \w+"))
    page.wait_for_timeout(1500)  # it is kept once a second
    page.reload()
    expect(page.locator(".answer .state")).to_have_text("stopped")
    assert len(answers(page)[0]) > 3


def test_conversations_are_listed_and_opened(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "First")
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page).to_have_title("DRµGS")
    say(page, "Second")
    expect(page).to_have_title("Second · DRµGS")
    assert names(page) == ["Second", "First"]
    expect(page.locator("#conversations-list [aria-current]")).to_have_text("Second")
    page.get_by_role("button", name="First", exact=True).click()
    expect(page.locator(".said")).to_have_text("First")
    expect(page).to_have_title("First · DRµGS")
    expect(page.locator("#saved")).to_be_hidden()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#welcome")).to_be_visible()
    assert sorted(names(other)) == ["First", "Second"]
    page.keyboard.press("Escape")


def test_a_conversation_gets_another_name(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "First")
    assert names(page) == ["First"]
    page.get_by_role("button", name="Rename: First").click()
    page.keyboard.type("About the sea")
    page.keyboard.press("Escape")
    expect(page.locator("#conversations-list .name")).to_have_text("First")
    page.get_by_role("button", name="Rename: First").click()
    page.keyboard.type("About the sea")
    page.keyboard.press("Enter")
    expect(page.locator("#conversations-list .name")).to_have_text("About the sea")
    expect(page).to_have_title("About the sea · DRµGS")
    say(page, "More")
    page.reload()
    expect(page).to_have_title("About the sea · DRµGS")
    expect(page.locator(".turn")).to_have_count(2)
    assert names(page) == ["About the sea"]


def test_what_is_deleted_or_cleared_comes_back(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "First")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".said")).to_have_text("First")
    names(page)
    page.get_by_role("button", name="Delete: First").click()
    expect(page.locator("#conversations-list li")).to_have_count(0)
    expect(page.locator("#conversations-empty")).to_have_text("Nothing is kept yet.")
    expect(page.locator(".turn")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".said")).to_have_text("First")
    page.reload()
    expect(page.locator(".said")).to_have_text("First")


def test_files_of_a_conversation(open_page: Open, tmp_path: Path) -> None:
    page = open_page(CHAT + "&temperature=0.5", CALM)
    say(page, "What is <b>the</b> sea?")
    names(page)
    files = {}
    for kind in ("JSON", "Markdown"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Export as {kind}").click()
        files[download.value.suggested_filename] = Path(download.value.path()).read_text(encoding="utf-8")
    assert set(files) == {"What-is-b-the-b-sea.json", "What-is-b-the-b-sea.md"}
    markdown = files["What-is-b-the-b-sea.md"]
    assert markdown.startswith("# What is <b>the</b> sea?\n\n**You**\n\nWhat is <b>the</b> sea?\n\n**Dosed** (A 0.2")
    assert "temperature 0.5 · sampler seed 3)" in markdown
    assert markdown.endswith("The sea was *calm*.\n")

    saved = tmp_path / "kept.json"
    saved.write_text(files["What-is-b-the-b-sea.json"], encoding="utf-8")
    other = open_page(CHAT, CALM)
    other.get_by_role("button", name="Conversations").click()
    other.locator("#import-file").set_input_files(saved)
    expect(other.locator(".said")).to_have_text("What is <b>the</b> sea?")
    assert answers(other) == ["The sea was *calm*."]
    assert names(other) == ["What is <b>the</b> sea?"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "wrong.json is not JSON"),
        ("[]", "wrong.json is not a conversation"),
        (json.dumps({"format": "drugs-conversation", "turns": [{"user": 1}]}), "wrong.json is not a conversation"),
    ],
)
def test_a_file_of_something_else_is_refused(open_page: Open, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "wrong.json").write_text(content, encoding="utf-8")
    page = open_page(CHAT, CALM)
    say(page, "First")
    page.get_by_role("button", name="Conversations").click()
    page.locator("#import-file").set_input_files(tmp_path / "wrong.json")
    expect(page.locator("#toast")).to_contain_text(message)
    expect(page.locator(".said")).to_have_text("First")


def test_a_browser_that_keeps_nothing_says_so(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    page.reload()
    say(page, "First")
    page.get_by_role("button", name="Conversations").click()
    expect(page.locator("#conversations-empty")).to_contain_text("keeps nothing")
    finish(page)


def test_a_conversation_is_shown_without_a_server(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "First")
    page.route("**/props", lambda route: route.abort())
    page.reload()
    expect(page.locator("#notice")).to_contain_text("does not answer")
    expect(page.locator(".said")).to_have_text("First")
    page.unroute("**/props")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".site")).to_have_count(8)
    expect(page.locator(".said")).to_have_text("First")


def records(page: Page) -> list[tuple[str, list[str]]]:
    """Name and messages of all conversations that the browser keeps."""
    page.wait_for_timeout(300)  # they are written in the background
    found = page.evaluate(
        """() => new Promise((resolve) => {
            const opening = indexedDB.open("drugs", 1);
            opening.onsuccess = () => {
                const request = opening.result.transaction("conversations").objectStore("conversations").getAll();
                const shown = ({ name, turns }) => [name, turns.map(({ user }) => user)];
                request.onsuccess = () => resolve(request.result.map(shown));
            };
        })"""
    )
    return sorted((name, users) for name, users in found)


def test_undo_concerns_the_conversation_that_was_changed(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "First")
    names(page)
    page.get_by_role("button", name="New conversation").click()
    say(page, "Second")
    page.get_by_role("button", name="Clear").click()
    names(page)
    page.get_by_role("button", name="First", exact=True).click()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert records(page) == [("First", ["First"])]


def test_two_tabs_do_not_overwrite_each_other(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "First")
    other = page.context.new_page()
    other.route("**/v1/chat/completions", CALM["**/v1/chat/completions"])
    other.goto(page.url)
    names(other)
    other.get_by_role("button", name="First", exact=True).click()
    expect(other.locator(".said")).to_have_count(1)
    say(page, "Second")
    names(other)  # writes nothing, because nothing has changed there
    assert records(page) == [("First", ["First", "Second"])]
    other.keyboard.press("Escape")
    say(other, "Third")
    assert records(page) == [("First", ["First", "Second"]), ("First", ["First", "Third"])]
    other.close()
    assert len(records(page)) == 2


def put(page: Page, record: str) -> None:
    """Write a record as it should not be."""
    page.evaluate(
        """(record) => new Promise((resolve) => {
            const opening = indexedDB.open("drugs", 1);
            opening.onsuccess = () => {
                const transaction = opening.result.transaction("conversations", "readwrite");
                transaction.objectStore("conversations").put(JSON.parse(record));
                transaction.oncomplete = resolve;
            };
        })""",
        record,
    )


@pytest.mark.parametrize("turns", ["null", '[{"user": 1}]', '[{"user": "x", "answers": [{"drugs": {"hold": []}}]}]'])
def test_a_damaged_record_stands_in_nobodys_way(open_page: Open, turns: str) -> None:
    page = open_page(CHAT, CALM)
    say(page, "First")
    current = page.evaluate("sessionStorage.getItem('drugs-conversation')")
    put(page, f'{{"id": "{current}", "name": "Damaged", "changed": 5, "turns": {turns}}}')
    put(page, '{"id": "y", "name": "Odd", "changed": "x", "turns": []}')
    page.reload()
    expect(page.locator("#toast")).to_contain_text("damaged")
    expect(page.locator(".site")).to_have_count(8)
    say(page, "Second")
    assert "Second" in names(page)


def test_a_full_store_says_so_and_the_page_goes_on(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    page.add_init_script(
        "IDBObjectStore.prototype.put = () => { throw new DOMException('No room.', 'QuotaExceededError'); }"
    )
    page.reload()
    say(page, "First")
    expect(page.locator("#toast")).to_contain_text("The browser cannot keep this conversation: No room.")
    say(page, "Second")
    expect(page.locator(".said")).to_have_text(["First", "Second"])


def test_a_browser_that_forbids_storage_shows_the_page(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    page.add_init_script(
        """for (const name of ["localStorage", "sessionStorage"]) {
            Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
        }"""
    )
    page.reload()
    page.get_by_role("button", name="Dark colours").click()
    say(page, "First")
    assert answers(page) == ["The sea was *calm*."]
