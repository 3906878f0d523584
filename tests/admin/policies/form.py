"""The editor's form as a browser reads it and sends it back."""

from __future__ import annotations

from html.parser import HTMLParser

from django.test import Client


class FormReader(HTMLParser):
    """The fields of the editor's form, as a browser would send them back."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.area = self.choice = ""
        self.is_in = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = dict(attrs)
        name = had.get("name") or ""
        if tag == "form":
            self.is_in = had.get("id") == "author"
        if not self.is_in:
            return
        if tag == "input" and name and had.get("type") != "checkbox":
            self.fields[name] = had.get("value") or ""
        elif tag == "textarea":
            self.area = name
            self.fields[name] = ""
        elif tag == "select":
            self.choice = name
            self.fields[name] = ""
        elif tag == "option" and "selected" in had:
            self.fields[self.choice] = had.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area] += data


def form_of(client: Client, address: str) -> dict[str, str]:
    reader = FormReader()
    reader.feed(client.get(address).content.decode())
    return reader.fields


def as_browsers_send(fields: dict[str, str]) -> dict[str, str]:
    """A form's line breaks are CR LF on their way."""
    return {name: value.replace("\n", "\r\n") for name, value in fields.items()}
