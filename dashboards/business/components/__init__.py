"""Parts of the page. Each draws what a view model says and decides nothing itself."""
