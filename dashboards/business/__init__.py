"""The business dashboard: `app.py` lays it out, `view` decides what it says, `components` draw it."""
