"""Which worker runs what, and how many there are: warm before they are wanted, within the memory there is."""
