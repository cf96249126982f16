"""The way from a picture of the batch to Explore, without a second click."""

from __future__ import annotations

import streamlit as st

from sevis.app import session
from sevis.app.words import plain

__all__ = ["open_handed"]

EXPLORE = "explore"  # the page's address
# The link is followed in the browser, as a click on the menu is: st.switch_page would refuse because of what is bound to the address,
# and forget the visitor's uploads. The script may run before the link is there.
FOLLOW = """<script>
(function follow(tries) {
    const link = document.querySelector(".st-key-onward a");
    if (link) link.click();
    else if (tries) setTimeout(follow, 50, tries - 1);
})(100)
</script>"""


def open_handed() -> bool:
    """Go to Explore if a picture was just handed over to it; whether that is so."""
    handed = session.handed()
    if handed is None or not session.is_opening():
        return False
    with st.container(key="onward"):
        # of a page that is a function Streamlit knows the address alone
        st.page_link(st.Page(lambda: None, title="Explore", url_path=EXPLORE), label=f"Open {plain(handed.title)} in Explore")
    st.html(FOLLOW, unsafe_allow_javascript=True)
    return True
