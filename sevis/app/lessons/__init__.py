"""The lessons in the order of the menu: each has TITLE, ICON and render(choice); its text is a file of docs/learn."""

from sevis.app.lessons import channel, excite, find_the_fault, glossary, scale, select, where_it_sits

LESSONS = (channel, excite, scale, select, where_it_sits, find_the_fault, glossary)

__all__ = ["LESSONS"]
