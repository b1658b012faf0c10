"""The panel with the most likely tokens in one place, sober and dosed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from support.browsing import SHORT, SOBER, UNSEEDED, Open, expect, rows, send, sent, streamed
from support.lighthouse import answer_of, choices_of
from support.program import Server
from support.seeds import first_that


@pytest.mark.parametrize("view", ["chat", "side"])
def test_probabilities_at_a_token_are_those_of_both_models(open_page: Open, server: Server, view: str) -> None:
    page = open_page(f"view={view}&formatted=false&A=0.35&{SHORT}")
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
    (choice,) = choices_of(server, drugs={"A": 0.35, "seed": 3}, logprobs=True, top_logprobs=10)
    tokens_of_server = choice["logprobs"]["content"]
    expected = [entry["logprob"] for entry in tokens_of_server[last]["top_logprobs"]]
    assert dosed == pytest.approx([2.718281828459045**logprob for logprob in expected], abs=0.01)
    assert requests[0]["drugs"] == SOBER
    assert requests[0]["prompt"][1:] == [entry["id"] for entry in tokens_of_server[:last]]

    page.locator(".probabilities").get_by_role("button", name="Close").click()
    expect(page.locator(".probabilities")).to_have_count(0)
    expect(tokens.nth(last)).to_be_focused()


def test_the_first_token_is_as_likely_for_both(open_page: Open) -> None:
    page = open_page("A=0.35&" + SHORT)
    send(page)
    page.locator(".answer.sober .token").first.click()
    assert rows(page, "sober") == pytest.approx(rows(page, "dosed"), abs=0.01)
    expect(page.locator(".probabilities")).to_contain_text("both models start the same")


def test_with_its_last_position_dosed_the_first_token_is_another(open_page: Open) -> None:
    page = open_page("A=0.35&dose_inputs=last&" + SHORT)
    requests = sent(page, "/completion")
    send(page)
    page.locator(".answer.dosed .token").first.click()
    assert rows(page, "sober") != pytest.approx(rows(page, "dosed"), abs=0.01)
    expect(page.locator(".probabilities")).to_contain_text(
        "sober except for its last position, whose output is this token"
    )
    page.locator(".answer.dosed .token").nth(1).click()
    expect(page.locator(".probabilities")).to_contain_text("last position and the answer so far under its dose")
    assert [request["drugs"] for request in requests if request["drugs"] != SOBER] == []


@pytest.mark.parametrize(("choice", "inputs"), [("false", False), ("last", "last"), ("true", True)])
def test_what_was_not_written_is_read_as_it_would_have_been(open_page: Open, choice: str, inputs: object) -> None:
    """Texts without tokens have no probabilities, so both models are queried for them."""
    at = f"A=0.35&course=interpolate_0_1_1_0.5&dose_inputs={choice}&{SHORT}"
    page = open_page(at, {"**/v1/chat/completions": streamed("The sea was calm.")})
    requests = sent(page, "/completion")
    send(page)

    def dosed_at(place: int) -> Any:
        del requests[:]
        page.locator(".answer.dosed .token").nth(place).click()
        alike = rows(page, "sober") == pytest.approx(rows(page, "dosed"), abs=0.01)
        assert alike == (place == 0 and inputs is False)
        (request,) = (request for request in requests if request["drugs"] != SOBER)
        return request

    first = dosed_at(0)
    assert first["drugs"]["dose_inputs"] == inputs
    assert first["drugs"]["course"]["points"][1] == {"token": 1, "ratio": 0.5}
    assert first["cache_prompt"] is (inputs is not True)
    second, third = dosed_at(1), dosed_at(2)
    for request, share in ((second, 1), (third, 0.5)):
        assert (request["drugs"]["dose_inputs"], request["drugs"]["multiplier"]) == (True, share)
        assert "course" not in request["drugs"]
        assert request["cache_prompt"] is False


def test_where_the_sober_answer_went_alone_the_dosed_model_reads_it(open_page: Open, parting: str) -> None:
    page = open_page(f"{parting}&{UNSEEDED}")
    requests = sent(page, "/completion")
    send(page)
    page.locator(".answer.sober .token").last.click()
    assert rows(page, "sober") != rows(page, "dosed")
    (request,) = requests
    assert (request["drugs"]["A"], request["drugs"]["dose_inputs"], request["cache_prompt"]) == (0.35, True, False)


WAVE = "\N{WATER WAVE}"


def test_a_character_of_several_tokens_is_sent_as_text(open_page: Open, server: Server) -> None:
    prompt = f"Repeat exactly: {WAVE}{WAVE} \u6d77 is the sea {WAVE}"

    def repeats(seed: int) -> bool:
        return answer_of(server, prompt, drugs={"A": 0.05, "seed": seed}).startswith(f"{WAVE}{WAVE} \u6d77 ")

    seed = first_that(repeats)
    page = open_page(f"view=chat&formatted=false&A=0.05&seed={seed}&length=16&{urlencode({'prompt': prompt})}")
    requests = sent(page, "/completion")
    send(page)
    tokens = page.locator(".answer.dosed .token")
    texts = tokens.all_text_contents()
    assert texts[:2] == [WAVE, WAVE]
    plain = next(i for i, text in enumerate(texts) if text.isascii())
    tokens.nth(plain + 1).click()
    rows(page, "sober")
    tokens.first.click()
    expect(page.locator(".probabilities [role=alert]")).to_contain_text("several tokens")
    text, token = requests[0]["prompt"]
    assert text.endswith("assistant\n" + "".join(texts[:2]) + " \u6d77")
    assert isinstance(token, int)
