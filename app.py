"""The Streamlit entry: `streamlit run app.py`. It is the page's script, run anew at every look, and the server's module, imported once."""

from streamlit.starlette import App

from sevis.app import health, main, origins

if __name__ == "__main__":
    main()
else:
    app = App(__file__, routes=health.ROUTES, middleware=origins.MIDDLEWARE)
