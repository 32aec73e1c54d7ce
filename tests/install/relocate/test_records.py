from __future__ import annotations

from provision.install.relocate.records import is_local, renew
from provision.model.tree import Entry

SITE = "lib/python3.13/site-packages"
PATH = f"{SITE}/pip-25.1.dist-info/RECORD"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_changed_files_get_the_digest_and_size_they_have_and_removed_ones_go() -> None:
    record = (
        "../../../bin/pip3,sha256=old,228\r\n"
        "pip-25.1.dist-info/direct_url.json,sha256=old,3\r\n"
        "pip/__init__.py,sha256=kept,357\r\n"
        "pip/__pycache__/__init__.cpython-313.pyc,,\r\n"
        "pip-25.1.dist-info/RECORD,,\r\n"
    )
    changed = {
        "bin/pip3",
        f"{SITE}/pip-25.1.dist-info/direct_url.json",
        f"{SITE}/pip/__pycache__/__init__.cpython-313.pyc",
    }
    assert renew(record, PATH, changed, {"bin/pip3": Entry("file", 0o755, EMPTY, 0)}) == (
        "../../../bin/pip3,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\r\n"
        "pip/__init__.py,sha256=kept,357\r\n"
        "pip/__pycache__/__init__.cpython-313.pyc,,\r\n"
        "pip-25.1.dist-info/RECORD,,\r\n"
    )


def test_where_a_package_came_from_is_wrong_only_if_it_is_a_file_of_the_build() -> None:
    assert is_local('{"archive_info": {}, "url": "file:///build/pip-25.1-py3-none-any.whl"}')
    for text in ('{"url": "https://example.org/pip.whl"}', "{}", "[]", "no json"):
        assert not is_local(text)
