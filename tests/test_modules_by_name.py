"""What a user's file is called, and what its code raises while it is loaded, reach the user whole."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tinman.processes.modules import module_at
from tinman.targets.adapters.worker import load
from tinman.targets.functions.worker import Unusable, find


def test_what_code_of_a_file_with_dots_in_its_name_raises_can_be_sent(tmp_path: Path) -> None:
    place = tmp_path / "my.own.py"
    place.write_text("class Odd(Exception): pass\n")
    odd = module_at(str(place), kind="target").Odd("why")

    assert pickle.loads(pickle.dumps(odd)).args == ("why",)


def test_a_target_that_breaks_while_it_is_loaded_is_no_target_that_is_not_there(tmp_path: Path) -> None:
    place = tmp_path / "t.py"
    place.write_text("import os\nos.environ['NOT_SET_ANYWHERE']\n")

    with pytest.raises(Unusable, match=r"cannot load .*t\.py: KeyError: 'NOT_SET_ANYWHERE' \(t\.py, line 2\)"):
        find(f"{place}:answer")
    with pytest.raises(KeyError, match="NOT_SET_ANYWHERE"):
        load(f"{place}:make")
    with pytest.raises(Unusable, match="there is no file"):
        find(f"{tmp_path / 'none.py'}:answer")
