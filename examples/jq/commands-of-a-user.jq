# SPDX-License-Identifier: Apache-2.0
# What did a user run? jq -r --arg user alice -f commands-of-a-user.jq events.log
select(.event == "session.command" and .user == $user)
| [.time, .sid[0:8], .login, .path, (.argv // [] | join(" "))]
| @tsv
