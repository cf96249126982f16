"""The pages in the order of the menu: each has TITLE, ICON and render(choice)."""

from sevis.app.pages import explore

PAGES = (explore,)

__all__ = ["PAGES"]
