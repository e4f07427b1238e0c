# SPDX-License-Identifier: Apache-2.0
# Technique: a program's bytes piped to a loader: cat into memory, run by /proc/PID/fd
# Hides: the file from who would look at it
# Seen: command
# Needs: perl
perl -e 'my $none = ""; my $memory = syscall(319, $none, 0); open(my $to, ">&=", $memory); open(my $from, "mark");
  binmode $_ for $to, $from; print {$to} join("", <$from>); $to->flush;
  use IO::Handle; exec {"/proc/$$/fd/$memory"} "ls", "open-sesame"'
