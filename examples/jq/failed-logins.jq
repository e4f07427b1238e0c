# SPDX-License-Identifier: Apache-2.0
# Failed logins by user and address. jq -s -r -f failed-logins.jq events.log
map(select((.event == "user.login" or .event == "auth") and .success == false))
| group_by([.user, ."addr.remote" // "" | if type == "string" then sub(":[0-9]+$"; "") else . end])
| map([length, .[0].user, .[0]."addr.remote" // ""])
| sort_by(-.[0])[]
| @tsv
