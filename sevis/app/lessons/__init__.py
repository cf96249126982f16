"""The lessons in the order of the menu: each has TITLE, ICON and render(choice); its text is a file of docs/learn."""

from sevis.app.lessons import glossary

LESSONS = (glossary,)

__all__ = ["LESSONS"]
