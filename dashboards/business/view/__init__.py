"""What the page says, as functions of what was read: no clock, no network, no Streamlit."""
