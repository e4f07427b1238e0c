# Technique: a system call by number from an interpreter (perl syscall)
# Hides: the file from hooks in the C library
# Seen: open
# Needs: perl
perl -e 'my $in = syscall(257, -100, "sec"."ret", 0, 0); open(F, "<&=", $in); open(O, ">ran"); print O <F>'
