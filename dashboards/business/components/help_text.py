"""What the intervals mean to somebody who watches all day."""

from __future__ import annotations

import streamlit as st

TEXT = """
**95% interval.** Impressions are a sample, so a counted rate varies by chance.
The interval holds the true rate in 19 of 20 cases (Wilson). The fewer impressions, the wider it is.

**Differences.** A difference of two rates has an interval of its own (Newcombe).
It is green or red only where that interval leaves out zero. Grey may be chance.
Changes of impressions and clicks are judged in the same way, from the counts alone: real traffic varies more than that.

**Watching all day.** One interval is wrong once in 20 times.
This page draws dozens and judges them again at every refresh, so a coloured minute now and then is expected although
nothing has changed.
Act on a change that lasts several windows, or that a longer range shows as well.

**Top and bottom lists.** Top campaigns are sorted by the lower end of the 95% interval, bottom campaigns by the upper.
So a lucky click of a small campaign leads no list. The leaders still tend to fall back a little afterwards.

**Marks.** A band or a line with a triangle shows what may explain a step: a store that did not answer,
a job that started or restarted, windows that were recounted, dead letters that were replayed.
"""


def render() -> None:
    with st.expander("How to read this page", icon=":material/help:"):
        st.markdown(TEXT)
