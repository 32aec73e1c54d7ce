"""Virtual environments are found near a project, with the trees that they were made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.store.environments import active_environment, environment_keys, find_environments
from provision.store.layout import Store

KEY = "cpython-3.13.5+20260814-x86_64-unknown-linux-gnu-install_only_stripped-fd82731c29f4"


def make_environment(path: Path, configuration: str) -> Path:
    path.mkdir(parents=True)
    (path / "pyvenv.cfg").write_text(configuration)
    return path


@pytest.mark.parametrize(
    "place",
    [
        ".venv",
        "venv",
        "any-name",
        ".venvs/one",
        ".tox/py313",
        ".nox/tests-3-13",
        "services/.venv",
        "services/api/.venv",
    ],
)
def test_environments_are_found_where_tools_create_them(tmp_path: Path, place: str) -> None:
    made = make_environment(tmp_path / place, "")
    assert list(find_environments(tmp_path)) == [made]


def test_the_search_is_bounded_and_follows_no_links(tmp_path: Path) -> None:
    make_environment(tmp_path / "a/b/c/.venv", "")
    make_environment(tmp_path / "node_modules/.venv", "")
    make_environment(tmp_path / ".venv/inner", "")
    (tmp_path / ".venv/pyvenv.cfg").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "a/b/c/.venv")
    assert list(find_environments(tmp_path)) == [tmp_path / ".venv", tmp_path / "elsewhere"]
    assert list(find_environments(tmp_path / "missing")) == []


def test_a_circular_link_does_not_stop_the_search(tmp_path: Path) -> None:
    made = make_environment(tmp_path / ".venv", "")
    (tmp_path / "circle").symlink_to("circle")
    assert list(find_environments(tmp_path)) == [made]


def test_the_search_ends_after_a_limited_number_of_directories(tmp_path: Path) -> None:
    for number in range(2100):
        (tmp_path / f"d{number:04}").mkdir()
    make_environment(tmp_path / "d2099/.venv", "")
    make_environment(tmp_path / "d0001/.venv", "")
    assert list(find_environments(tmp_path)) == [tmp_path / "d0001/.venv"]


@pytest.mark.parametrize(
    ("tool", "configuration"),
    [
        ("venv", "home = {tree}/bin\ninclude-system-site-packages = false\nversion = 3.13.5\n"),
        ("venv, by its executable", "home = /usr/bin\nexecutable = {tree}/bin/python3.13\n"),
        ("virtualenv", "home = /usr/bin\nbase-prefix = {tree}\nbase-executable = {tree}/bin/python3.13\n"),
        ("uv", "HOME={tree}/bin\nuv = 0.9\n"),
        ("a link of the project", "home = {link}/bin\n"),
    ],
)
def test_the_tree_of_an_environment_is_read_from_pyvenv_cfg(tmp_path: Path, tool: str, configuration: str) -> None:
    store = Store(tmp_path / "home")
    (store.tree(KEY) / "bin").mkdir(parents=True)
    (tmp_path / "link").symlink_to(store.tree(KEY))
    text = configuration.format(tree=store.tree(KEY), link=tmp_path / "link")
    assert environment_keys(store, make_environment(tmp_path / ".venv", text)) == {KEY}, tool


def test_an_environment_made_through_a_link_needs_the_current_target_of_the_link(tmp_path: Path) -> None:
    store, newer = Store(tmp_path / "home"), KEY.replace("3.13.5", "3.13.6")
    for key in (KEY, newer):
        (store.tree(key) / "bin").mkdir(parents=True)
        (store.tree(key) / "bin/python").touch()
    link = tmp_path / "link"
    link.symlink_to(store.tree(KEY))
    text = f"home = {link}/bin\nexecutable = {store.tree(KEY)}/bin/python3.13\nbase-prefix = {store.tree(KEY)}\n"
    made = make_environment(tmp_path / ".venv", text)
    (made / "bin").mkdir()
    (made / "bin/python").symlink_to(link / "bin/python")
    assert environment_keys(store, made) == {KEY}
    link.unlink()
    assert environment_keys(store, made) == {KEY}, "the link may come back; what it was made with counts"
    link.symlink_to(store.tree(newer))
    assert environment_keys(store, made) == {newer}


def test_the_tree_of_an_environment_is_found_through_its_interpreter_link(tmp_path: Path) -> None:
    store = Store(tmp_path / "home")
    (store.tree(KEY) / "bin").mkdir(parents=True)
    (store.tree(KEY) / "bin/python3.13").touch()
    made = make_environment(tmp_path / ".venv", "home = /usr/bin\n")
    (made / "bin").mkdir()
    (made / "bin/python").symlink_to("python3")
    (made / "bin/python3").symlink_to(store.tree(KEY) / "bin/python3.13")
    assert environment_keys(store, made) == {KEY}


def test_a_store_behind_a_link_is_the_same_store(tmp_path: Path) -> None:
    (tmp_path / "real/store" / KEY).mkdir(parents=True)
    (tmp_path / "home").symlink_to("real")
    made = make_environment(tmp_path / ".venv", f"home = {tmp_path}/real/store/{KEY}/bin\n")
    assert environment_keys(Store(tmp_path / "home"), made) == {KEY}


@pytest.mark.parametrize("text", ["", "home", "home = \0", "home = /usr/bin", "home = {trees}", "home = {trees}/../x"])
def test_environments_of_other_interpreters_need_no_tree(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path / "home")
    made = make_environment(tmp_path / ".venv", text.format(trees=store.trees))
    assert environment_keys(store, made) == set()
    assert environment_keys(store, tmp_path / "missing") == set()


def test_the_active_environment_is_found_if_its_interpreter_is_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "home")
    made = make_environment(tmp_path / "far/away", f"home = {store.tree(KEY)}/bin\n")
    for value, found in ((str(made), made), ("relative", None), ("", None), (str(tmp_path), None)):
        monkeypatch.setenv("VIRTUAL_ENV", value)
        assert active_environment(store) == found
