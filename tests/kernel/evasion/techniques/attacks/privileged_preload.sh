# Technique: LD_PRELOAD for a set-user-ID program, by root
# Hides: what the program does
# Seen: tamper
# Trace: preload
# Call: LD_PRELOAD
# Expect: not yet
# Why: tampering is not watched
cp mark privileged && chmod u+s privileged
LD_PRELOAD=libquiet.so ./privileged open-sesame
