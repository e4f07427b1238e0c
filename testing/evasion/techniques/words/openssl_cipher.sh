# SPDX-License-Identifier: Apache-2.0
# Technique: an encrypted script, opened into a shell
# Hides: the command line from whoever reads files or the terminal without the key
# Seen: command
# Needs: openssl
echo 'ItSar1k6ie4+mmqp8g5P6x5wySTxBUwYAhEf7H5criA=' |
  openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:night -base64 -S 0000000000000000 | sh
