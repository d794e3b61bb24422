"""The data folder of the embedded default."""

import stat
from pathlib import Path

import pytest

from bus.errors import FolderInUse, SettingInvalid
from bus.settings import Settings, read_settings
from running.home import SERVED_AT, Home, announce, served_at, serving


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(data=tmp_path / "data")


def test_folder_is_closed_to_others(settings: Settings) -> None:
    """A folder that others may read is closed before anything is kept in it."""
    settings.data.mkdir()
    settings.data.chmod(0o755)
    home = Home(settings, "test")
    home.prepare()
    home.close()
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700


def test_folder_of_everybody_is_not_taken(settings: Settings) -> None:
    """A folder in which everybody keeps files, as in /tmp, stays as it is, and the bus keeps nothing there."""
    settings.data.mkdir()
    settings.data.chmod(0o1777)
    with pytest.raises(SettingInvalid, match="choose another"):
        Home(settings, "test").prepare()
    assert not list(settings.data.iterdir())


def test_file_is_no_folder(settings: Settings) -> None:
    """A file in the place of the folder is named as such."""
    settings.data.write_text("")
    with pytest.raises(SettingInvalid, match="is not a folder"), serving(settings):
        pass


def test_served_as_long_as_it_is_announced(settings: Settings) -> None:
    """A folder is served from the announcement on, not while the bus starts, and not once it has ended."""
    assert served_at(settings) is None
    with serving(settings):
        assert served_at(settings) is None
        announce(settings, "http://127.0.0.1:1")
        assert served_at(settings) == "http://127.0.0.1:1"
        with pytest.raises(FolderInUse), serving(settings):
            pass
        assert served_at(settings) == "http://127.0.0.1:1"
    assert served_at(settings) is None
    assert not (settings.data / SERVED_AT).exists()
