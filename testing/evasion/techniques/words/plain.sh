# Technique: no disguise
# Hides: nothing; every tool should see this
# Seen: command
./mark open-sesame
