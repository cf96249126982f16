"""The Streamlit entry: `streamlit run app.py`."""

from sevis.app import main

main()
