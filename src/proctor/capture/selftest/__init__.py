"""Is what happens on this machine really seen? Tried with one deed of each kind in a session of our own."""
