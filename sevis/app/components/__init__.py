"""What Streamlit has no widget for: components of plain JavaScript and CSS, each beside the Python that feeds it."""

from sevis.app.components.channels import channels

__all__ = ["channels"]
