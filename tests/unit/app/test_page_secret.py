"""The secret that other machines log in to the page with, and places set on the page."""

from dataclasses import replace
from pathlib import Path

import pytest
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.placements import load_page_placements
from crampwatch.app.config.settings import Settings, WebSettings
from crampwatch.app.stages.web import page_access_token
from crampwatch.protocol.messages import Placement
from crampwatch.web.model.sensor_labels import SensorLabel
from crampwatch.web.settings.folder import SettingsFolder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), data=tmp_path)


def test_a_page_for_this_machine_only_needs_no_secret(settings: Settings) -> None:
    assert page_access_token(settings) is None
    assert not DataFolder(settings.data).secrets.exists()


def test_other_machines_log_in_with_a_secret_created_once(settings: Settings) -> None:
    reachable = replace(settings, web=WebSettings(host="0.0.0.0"))
    token = page_access_token(reachable)
    assert token is not None
    assert len(token) >= 16
    assert page_access_token(reachable) == token
    assert token in DataFolder(settings.data).secrets.read_text()


def test_the_users_own_secret_has_precedence(settings: Settings) -> None:
    own = replace(settings, web=WebSettings(host="0.0.0.0", token="my-own-long-enough-secret"))
    assert page_access_token(own) == "my-own-long-enough-secret"
    assert not DataFolder(settings.data).secrets.exists()


def test_the_next_recording_is_labelled_as_set_on_the_page(tmp_path: Path) -> None:
    assert load_page_placements(tmp_path) == {}
    SettingsFolder(tmp_path).save_labels(
        {"CW-1": SensorLabel(side="left", muscle="soleus"), "CW-2": SensorLabel(name="the blue one")}
    )
    assert load_page_placements(tmp_path) == {"CW-1": Placement(side="left", muscle="soleus")}
