# SPDX-License-Identifier: Apache-2.0
# Technique: a system call by number from an interpreter (perl syscall)
# Hides: the file from hooks in the C library
# Seen: open
# Needs: perl
perl -e 'my $name = "sec" . "ret"; my $in = syscall(257, -100, $name, 0, 0);
  open(my $from, "<&=", $in); open(my $to, ">", "ran"); print {$to} <$from>'
