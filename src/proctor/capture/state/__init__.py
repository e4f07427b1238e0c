"""What outlives the capture process: programs and maps, blocks of records, sessions and their messages."""
