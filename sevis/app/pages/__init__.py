"""The pages in the order of the menu: each has TITLE, ICON and render(choice)."""

from sevis.app.pages import batch, compare, doctor, explore, monitor, scan, what_if

PAGES = (explore, what_if, compare, batch, scan, doctor, monitor)

__all__ = ["PAGES"]
