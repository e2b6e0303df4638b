"""Quality of a dataset before anything is clustered: the recipe ``quality`` and its parts."""
