# SPDX-License-Identifier: Apache-2.0
# Technique: an interpreter fed through its standard input, that executes nothing
# Hides: the reading of a file from who looks for commands
# Seen: open
# Needs: perl
perl <<'EOT'
open(my $in, "<", "sec" . "ret"); open(my $out, ">", "ran"); print {$out} scalar <$in>;
EOT
