"""The generated part of the manual: the table of settings in docs/operations.md."""

from crampwatch.app.config.settings import SETTINGS, Setting

__all__ = ["settings_table"]


def settings_table() -> str:
    """Return all settings as a Markdown table."""
    heads = "| key | flag | variable | default | what it does |\n|---|---|---|---|---|\n"
    return heads + "".join(_row(setting) for setting in SETTINGS)


def _row(setting: Setting) -> str:
    flag = "none: secret" if setting.secret else f"`{setting.flag}`"
    return f"| `{setting.key}` | {flag} | `{setting.env}` | {_default_text(setting)} | {_description(setting)} |\n"


def _default_text(setting: Setting) -> str:
    if setting.key == "data":
        return "the platform's user data folder"
    if setting.kind is bool:
        return "`true`" if setting.default else "`false`"
    return f"`{setting.default}`" if setting.default not in ("", ()) else "none"


def _description(setting: Setting) -> str:
    choices = f" One of {', '.join(f'`{choice}`' for choice in setting.choices)}." if setting.choices else ""
    return (setting.text + choices).replace("|", "\\|")
