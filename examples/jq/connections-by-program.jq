# SPDX-License-Identifier: Apache-2.0
# Which programs connected where, how often? jq -s -r -f connections-by-program.jq events.log
map(select(.event == "session.network" and (.operation // 0) <= 1))
| group_by([.program, .dst_addr, .dst_port])
| map([length, .[0].program, .[0].dst_addr, .[0].dst_port])
| sort_by(-.[0])[]
| @tsv
