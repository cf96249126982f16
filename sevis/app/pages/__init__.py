"""The pages in the order of the menu: each has TITLE, ICON and render(choice)."""

from sevis.app.pages import batch, compare, explore, what_if

PAGES = (explore, what_if, compare, batch)

__all__ = ["PAGES"]
