"""The site's files, the folder they are written to, and the server that serves them."""

from __future__ import annotations

import http.client
import json
import math
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from benchmarks import explorer as benchmark
from drugs_cpp.errors import OptionError
from drugs_cpp.study.explorer_server import address_of, make_server, serve
from drugs_cpp.study.explorer_site import site_files, write_site
from drugs_cpp.study.site_data import SiteData
from support.explorer_data import HOSTILE, SOBER_TEXT, small_site
from support.exploring import Explore, expect, text, view
from support.patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def payload(script: bytes) -> Any:
    """The JSON in a data file, in which nothing may end a line or a script."""
    found = re.fullmatch(r"explorer\.\w+\((?:\d+, '[0-9a-f]{12}', )?(.*)\);\n", script.decode())
    assert found
    assert not re.search("[\u2028\u2029<]", found[1])
    return json.loads(found[1])


#
# files
#


def test_what_the_files_hold() -> None:
    files = dict(site_files(small_site()))
    index = payload(files["data/index.js"])
    assert next(iter(files)) == "data/index.js"
    assert [block["n_texts"] for block in index["blocks"]] == [93, 93, 81, 65]
    assert index["settings"][0]["site"] == "sober"
    assert index["blocks"][0]["cells"]["measures"]["parted"][0] is None  # it was not a number
    texts = payload(files["data/texts-0.js"])
    assert set(map(len, texts.values())) == {93}
    assert texts["text"][0] == SOBER_TEXT
    assert set(HOSTILE) <= set(texts["text"])
    assert {"index.html", "base.css", "explorer.css", "icon.svg", "main.js"} <= set(files)


def test_all_that_the_page_loads_is_there_and_nothing_comes_from_elsewhere() -> None:
    files = dict(site_files(small_site()))
    page = files["index.html"].decode()
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert set(loaded) <= set(files)
    scripts = {name for name in files if name.endswith(".js") and not name.startswith("data/texts")}
    assert scripts <= set(loaded)
    for name, content in files.items():
        if not name.startswith("data/"):
            addresses = set(re.findall(rb"https?://[^\s\"'`<>)\\]+", content))
            assert addresses <= {b"http://127.0.0.1:8080", b"http://www.w3.org/2000/svg"}, name


def test_what_has_no_texts_is_left_out() -> None:
    site = small_site()
    first = site.blocks[0]
    empty = replace(first, texts=[])
    part = replace(first, texts=[one for one in first.texts if one.setting != 0])
    index = payload(dict(site_files(replace(site, blocks=[empty, part])))["data/index.js"])
    assert len(index["blocks"]) == 1
    assert 0 not in index["blocks"][0]["cells"]["setting"]


def test_infinite_numbers_are_unknown() -> None:
    site = small_site()
    (first, *others) = site.blocks
    texts = [replace(one, log_likelihood=-math.inf, seconds=math.nan) for one in first.texts]
    files = dict(site_files(replace(site, blocks=[replace(first, texts=texts), *others])))
    assert set(payload(files["data/texts-0.js"])["log_likelihood"]) == {None}


#
# folder
#


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_later_site_replaces_an_earlier_one(tmp_path: Path) -> None:
    site = small_site()
    folder = tmp_path / "new" / "site"
    write_site(site, folder)
    assert names(folder) == set(dict(site_files(site)))
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref")
    write_site(replace(site, blocks=site.blocks[:2]), folder)
    assert "data/texts-1.js" in names(folder)
    assert "data/texts-2.js" not in names(folder)
    assert ".git/HEAD" in names(folder)


def test_a_folder_with_anything_else_is_left_as_it_is(tmp_path: Path) -> None:
    site = small_site()
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(OptionError, match=r"index\.html"):
        write_site(site, tmp_path)
    assert names(tmp_path) == {"index.html"}
    assert (tmp_path / "index.html").read_text() == "mine"

    folder = tmp_path / "site"
    write_site(site, folder)
    before = (folder / "data" / "index.js").read_bytes()
    (folder / "data" / "notes.txt").write_text("mine")
    with pytest.raises(OptionError, match=r"data/notes\.txt"):
        write_site(replace(site, title="Another"), folder)
    assert (folder / "data" / "index.js").read_bytes() == before
    with pytest.raises(OptionError, match="is a file"):
        write_site(site, tmp_path / "index.html")


def test_a_site_whose_writing_was_broken_off_can_be_written_again(tmp_path: Path) -> None:
    name, content = next(site_files(small_site()))
    (tmp_path / "data").mkdir()
    (tmp_path / name).write_bytes(content)
    write_site(small_site(), tmp_path)
    assert (tmp_path / "index.html").is_file()


#
# server
#


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = make_server(small_site(), port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield address_of(server)
    server.shutdown()
    thread.join()
    server.server_close()


def answer(address: str, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?x=1", "text/html; charset=utf-8"),
        ("/base.css", "text/css; charset=utf-8"),
        ("/data/texts-1.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
def test_the_server_has_the_files(address: str, path: str, kind: str) -> None:
    name = urlsplit(path).path.lstrip("/") or "index.html"
    status, headers, body = answer(address, "GET", path)
    assert (status, headers["content-type"], headers["cache-control"]) == (200, kind, "no-store")
    assert body == dict(site_files(small_site()))[name]
    status, of_head, body = answer(address, "HEAD", path)
    assert (status, of_head["content-length"], body) == (200, headers["content-length"], b"")


def test_the_server_has_nothing_else(address: str) -> None:
    for path in (
        "/none",
        "/data/",
        "/../pyproject.toml",
        "/%2e%2e/pyproject.toml",
        "//index.html/x",
        "/data/texts-9.js",
    ):
        assert answer(address, "GET", path)[0] == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert answer(address, method, "/")[0] == 501


def test_the_explorer_is_the_same_on_a_server(address: str, explore: Explore) -> None:
    page = explore(address=address)
    expect(text(page, 1)).to_have_text(SOBER_TEXT)
    view(page, "Search")
    page.get_by_label("in all models").check()
    page.get_by_label("Words to find").fill("the keeper")
    expect(page.locator("#results li")).not_to_have_count(0)


def test_a_port_that_is_taken(address: str) -> None:
    port = urlsplit(address).port
    assert port is not None
    with pytest.raises(OptionError, match=f"port {port} of 127.0.0.1 is taken by another program"):
        serve(small_site(), port=port)
    with pytest.raises(OptionError, match="port 99999"):
        serve(small_site(), port=99999)
    with pytest.raises(OptionError, match=re.escape("203.0.113.1")):
        serve(small_site(), host="203.0.113.1", port=0)


SERVE = """
from drugs_cpp.study.explorer_server import serve
from drugs_cpp.study.site_data import SiteData
serve(SiteData("t", "0", [], [], [], [], ""), port=0, listener=lambda address: print(address, flush=True))
"""


def test_ctrl_c_ends_it_cleanly() -> None:
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    assert answer(said, "GET", "/")[0] == 200
    with socket.create_connection((urlsplit(said).hostname, urlsplit(said).port)):  # a client that sends nothing
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, "")


def test_a_sweep_without_texts_says_so(tmp_path: Path, explore: Explore) -> None:
    write_site(SiteData("Nothing", "0", [], [], [], [], ""), tmp_path / "site")
    page = explore(address=(tmp_path / "site" / "index.html").as_uri(), is_empty=True)
    expect(page.locator("#notice")).to_contain_text("There are no texts in this sweep yet.")


#
# many texts
#


def test_many_texts_are_shown_and_stepped_through(browser: Browser, tmp_path: Path) -> None:
    """What ``python -m benchmarks explorer`` measures with more texts."""
    write_site(benchmark.sweep_of(2000), tmp_path)
    times = benchmark.times_of(browser, tmp_path)
    assert len(times[benchmark.STEPPED]) == benchmark.N_STEPS
    assert all(0 < value < 1000 * PATIENCE for some in times.values() for value in some)
