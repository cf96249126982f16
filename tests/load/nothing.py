"""A page with nothing on it, in a process that holds all that the real one does: what a look costs before there is anything to see."""

import streamlit as st

from sevis.app import state

state.classes(state.networks()[0])
st.write("Nothing.")
