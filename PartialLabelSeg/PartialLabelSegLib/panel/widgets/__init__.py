"""The steps of the panel as plain views: they show a frozen view model and call the actions that they were given."""
