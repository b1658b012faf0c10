"""Code that reproduces a text: it is exact, and it runs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.setting import SOBER, Setting
from drugs_cpp.study.sweep_plan import SweepPlan
from drugs_cpp.study.sweep_store import ModelInfo
from drugs_cpp.study.sweep_worker import SweepWorker, WorkerOptions
from support.explorer_data import DOSED_TEXT, MIDDLE, PLAIN
from support.exploring import Explore, expect, text
from support.program import Server, run_drugs

if TYPE_CHECKING:
    from playwright.sync_api import Page

MODEL = ModelInfo("imported:SmolLM2", "SmolLM2", "Q4_1", "llama")

CHAT = Prompt("chat", (("system", "Be 'brief'."), ("user", 'Say "$5 \\n" \N{SHIP}\nnow')), "…")

RAW = Prompt("raw", (), "It's `the` sea & $HOME\\")

SHORT = replace(PLAIN, max_tokens=8)

SETTINGS = {
    "sober": SHORT,
    "plain": replace(SHORT, site="A", dose=0.3),
    "everything": replace(
        SHORT,
        site="H",
        dose=0.1,
        profile="middle",
        shape=MIDDLE,
        mode="floor",
        noise="reference",
        dose_inputs="last",
        sink=4,
    ),
    "all of the prompt": replace(SHORT, site="A", dose=0.2, dose_inputs=True),
    "sampler": replace(
        SHORT, site="sampler", sampler=tuple(sorted({"temperature": 0.8, "min_p": 0.05, "top_k": 40}.items()))
    ),
    "dose and sampler": replace(SHORT, site="pK", dose=0.2, sampler=tuple(sorted({"temperature": 0.5}.items()))),
}


@pytest.fixture(scope="module")
def server(short_model_path: str) -> Iterator[Server]:
    with Server("-m", short_model_path, "-np", "1", "-c", "1024", "-t", "1", "-tb", "1") as server:
        yield server


def code(page: Page, kind: str, setting: Setting, prompt: Prompt = CHAT, address: str = "") -> str:
    plain = {**asdict(setting), "sampler": dict(setting.sampler)}
    what = {"model": asdict(MODEL), "prompt": asdict(prompt), "setting": plain, "seed": 7, "server": address}
    return str(page.evaluate("([kind, what]) => explorer.code[kind](what)", [kind, what]))


def test_python_is_exact(calculator: Page) -> None:
    assert code(calculator, "python", SETTINGS["everything"]) == (
        "from drugs_cpp import DRUGS, Llama\n\n"
        'drugs = DRUGS(H=0.1, shape={"H": {"points": [{"depth": 0, "peakratio": 0}, {"depth": 0.5, "peakratio": 1}, '
        '{"depth": 1, "peakratio": 0}], "mode": "floor"}}, noise="reference")\n'
        'llm = Llama("SmolLM2.Q4_1.gguf", drugs=drugs, dose_inputs="last", sink=4, repeatable=True, n_ctx=2048, '
        "verbose=False)\n"
        "answer = llm.create_chat_completion(\n"
        '    messages=[{"role": "system", "content": "Be \'brief\'."}, '
        '{"role": "user", "content": "Say \\"$5 \\\\n\\" \N{SHIP}\\nnow"}],\n'
        "    max_tokens=8,\n"
        "    seed=7,\n"
        ")\n"
        'print(answer["choices"][0]["message"]["content"])\n'
    )


@pytest.mark.parametrize(
    ("prompt", "names"),
    [(CHAT, ["sober", "everything", "sampler"]), (RAW, ["plain", "all of the prompt", "dose and sampler"])],
    ids=["chat", "raw"],
)
def test_python_writes_the_text_again(
    calculator: Page,
    prompt: Prompt,
    names: list[str],
    short_model_path: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for setting in map(SETTINGS.__getitem__, names):
        source = code(calculator, "python", setting, prompt)
        space: dict[str, Any] = {}
        exec(compile(source.replace("SmolLM2.Q4_1.gguf", short_model_path), "copied", "exec"), space)
        space["llm"].close()
        assert capsys.readouterr().out == swept(short_model_path, prompt, setting) + "\n"


def swept(model: str, prompt: Prompt, setting: Setting) -> str:
    """The text that a sweep writes."""
    sober = Setting(SOBER, max_tokens=setting.max_tokens, dose_inputs=setting.dose_inputs, sink=setting.sink)
    plan = SweepPlan((prompt,), (sober, setting), (7,))
    with SweepWorker(model, plan, WorkerOptions(likelihood=False)) as worker:
        return next(row.text for one, row in worker.write(prompt, [(setting, 7)]) if one == setting)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sober", ["--temp", "0"]),
        ("plain", ["--dose", "A=0.3", "--dose-seed", "7"]),
        (
            "everything",
            [
                *("--dose", "H=0.1", "--dose-seed", "7", "--dose-shape", "H=floor:0:0,0.5:1,1:0"),
                *("--dose-noise", "reference", "--dose-sink", "4", "--dose-inputs-last"),
            ],
        ),
        ("sampler", ["--top-k", "40", "--top-p", "1", "--min-p", "0.05", "--temp", "0.8", "--seed", "7"]),
    ],
)
def test_the_command_line_is_exact_and_runs(
    calculator: Page, name: str, words: list[str], short_model_path: str
) -> None:
    line = shlex.split(code(calculator, "commandLine", SETTINGS[name], RAW))
    assert line == [
        "drugs",
        "completion",
        "-m",
        "SmolLM2.Q4_1.gguf",
        "-no-cnv",
        "-p",
        RAW.text,
        "-n",
        "8",
        *words,
        "--repeatable",
    ]
    line[3] = short_model_path
    ran = run_drugs(*line[1:], "-t", "1", "-c", "256")
    assert ran.returncode == 0, ran.stderr[-1000:]
    assert RAW.text in ran.stdout


def test_the_command_line_of_a_conversation(calculator: Page) -> None:
    line = shlex.split(code(calculator, "commandLine", SETTINGS["plain"], CHAT))
    assert line[4:10] == ["-cnv", "-st", "-sys", "Be 'brief'.", "-p", CHAT.messages[1][1]]
    longer = replace(CHAT, messages=(("user", "One."), ("assistant", "Two."), ("user", "Three.")))
    assert code(calculator, "commandLine", SETTINGS["plain"], longer).startswith("# this has only the last message")


@pytest.mark.parametrize("prompt", [CHAT, RAW], ids=lambda prompt: prompt.name)
def test_a_server_understands_the_request(calculator: Page, prompt: Prompt, server: Server) -> None:
    for setting in SETTINGS.values():
        line = shlex.split(code(calculator, "curl", setting, prompt, server.url))
        assert line[:2] == ["curl", "-s"]
        assert line[2].startswith(server.url)
        answer = server.post(line[2][len(server.url) :], json.loads(line[4]))
        assert answer.status == 200, answer.text
        if setting.dose:
            made_by = answer.json["choices"][0]["drugs"]
            assert (made_by[setting.site], made_by["seed"], made_by["sink"]) == (setting.dose, 7, setting.sink)
            assert (made_by["noise"], made_by["dose_inputs"]) == (setting.noise, setting.dose_inputs)


def test_the_page_of_the_server_goes_on_with_it(explore: Explore, server: Server) -> None:
    page = explore()
    address = code(page, "page", SETTINGS["everything"], CHAT, server.url)
    page.locator("#server").fill(server.url + "/")
    expect(page.locator("#page-2")).to_have_attribute("href", re.compile(f"^{server.url}/#A=0.35&seed=1&length=64&"))
    other = page.context.browser.new_page()  # type: ignore[union-attr]
    other.goto(address)
    expect(other.get_by_label("Dose at H in radians")).to_have_value("0.1")
    expect(other.get_by_label("Seed", exact=True)).to_have_value("7")
    expect(other.get_by_label("Message", exact=True)).to_have_value(CHAT.messages[1][1])
    expect(other.get_by_label("Dose the prompt")).to_have_value("last")
    expect(other.locator("#system")).to_have_value("Be 'brief'.")
    assert "H.shape=floor_0_0_0.5_1_1_0" in other.url
    other.close()


def test_text_and_code_are_copied(explore: Explore) -> None:
    page = explore(permissions=["clipboard-read", "clipboard-write"])
    second = page.locator(".side").nth(1)
    second.get_by_role("button", name="Copy text").click()
    expect(page.locator("#status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == DOSED_TEXT == text(page, 2).text_content()
    second.get_by_text("Configuration and code").click()
    for name, beginning in [
        ("Command line", "drugs completion -m"),
        ("curl", "curl -s http"),
        ("Python", "from drugs"),
    ]:
        second.locator(".segments").get_by_text(name, exact=True).click()
        second.get_by_role("button", name="Copy code").click()
        expect(second.locator("pre")).to_have_text(re.compile(f"^{beginning}"))
        assert page.evaluate("navigator.clipboard.readText()") == second.locator("pre").text_content()
    expect(second.locator("dl")).to_contain_text("a" * 64)


def test_where_there_is_no_clipboard_what_is_copied_is_a_selection(explore: Explore) -> None:
    page = explore()
    page.evaluate(
        """() => {
            Object.defineProperty(navigator, "clipboard", { value: undefined });
            document.addEventListener("copy", () => (window.copied = document.activeElement.value));
        }"""
    )
    page.locator(".side").nth(1).get_by_role("button", name="Copy text").click()
    page.wait_for_function("window.copied !== undefined")
    assert page.evaluate("window.copied") == DOSED_TEXT
    expect(page.locator(".side").nth(1).get_by_role("button", name="Copy text")).to_be_focused()
